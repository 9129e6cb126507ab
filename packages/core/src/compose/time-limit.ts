import type { ChaincodeInstance, ChaincodeResponse } from '../ports/chaincode.ts'
import { ChaincodeError } from '../ports/chaincode-errors.ts'
import type { Clock } from '../ports/clock.ts'

/** A chaincode whose invocations may take less time than the peer's own limit allows. The runtime is told by the signal. */
export function withTimeLimit(instance: ChaincodeInstance, name: string, limit: number, clock: Clock): ChaincodeInstance {
  return {
    close: () => instance.close(),
    invoke(invocation, ledger, signal) {
      const abort = new AbortController()
      const forward = () => abort.abort(signal.reason)
      signal.addEventListener('abort', forward, { once: true })
      const running = instance.invoke(invocation, ledger, abort.signal)
      if (!(running instanceof Promise)) {
        signal.removeEventListener('abort', forward)
        return running
      }
      return new Promise<ChaincodeResponse>((resolve, reject) => {
        const timer = clock.setTimer(limit, () => {
          const { txId } = invocation
          const error = new ChaincodeError('CHAINCODE_TIMEOUT', `chaincode ${name} did not answer within ${limit} ms`, {
            chaincode: name,
            txId,
            timeLimit: limit,
          })
          abort.abort(error)
          reject(error)
        })
        const settle = () => {
          timer.cancel()
          signal.removeEventListener('abort', forward)
        }
        running.then(resolve, reject).finally(settle)
      })
    },
  }
}
