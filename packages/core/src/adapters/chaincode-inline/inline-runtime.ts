import type {
  ChaincodeInstance,
  ChaincodeResponse,
  ChaincodeRuntime,
  ChaincodeSource,
  Invocation,
  LedgerAccess,
} from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { PLUGIN_API, type Plugin } from '../../ports/plugin.ts'
import type { LoadedChaincode } from '../chaincode-stub/chaincode.ts'
import { ChaincodeStub } from '../chaincode-stub/chaincode-stub.ts'
import { loadChaincode } from '../chaincode-stub/load-module.ts'
import { thrownResponse, toResponse } from '../chaincode-stub/response.ts'

/**
 * Runs chaincode on the host's own thread: the fastest, and right for code that one trusts, as in tests.
 *
 * What chaincode throws or rejects with becomes a response of status 500, and one that never settles is given up at the time limit.
 * But an endless loop stops the host, process.exit ends it, and an error thrown outside an invocation (in a timer, in a promise that
 * nobody awaits) is the host's: the worker runtime contains all of these.
 */
export class InlineRuntime implements ChaincodeRuntime {
  readonly name = 'inline'
  private readonly mspId: string
  private stopped = false

  /** @param mspId what `getMspID` of the stub answers */
  constructor(mspId: string) {
    this.mspId = mspId
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.stopped = true
  }

  async load(name: string, source: ChaincodeSource): Promise<ChaincodeInstance> {
    const chaincode = await loadChaincode(name, source)
    return new InlineChaincode(chaincode, this.mspId, () => this.stopped)
  }
}

class InlineChaincode implements ChaincodeInstance {
  /** Nothing can stop code on the host's own thread. */
  readonly heedsSignal = false
  private readonly chaincode: LoadedChaincode
  private readonly mspId: string
  private readonly isStopped: () => boolean

  constructor(chaincode: LoadedChaincode, mspId: string, isStopped: () => boolean) {
    this.chaincode = chaincode
    this.mspId = mspId
    this.isStopped = isStopped
  }

  invoke(invocation: Invocation, ledger: LedgerAccess): Awaitable<ChaincodeResponse> {
    if (this.isStopped()) throw new ChaincodeError('CHAINCODE_RUNTIME_STOPPED', 'the runtime of the chaincode was stopped')
    let returned: unknown
    try {
      const stub = new ChaincodeStub(invocation, ledger, this.mspId)
      returned = invocation.isInit ? this.chaincode.init(stub) : this.chaincode.invoke(stub)
      // Any thenable counts, as `await` would have it.
      if (typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function') {
        return Promise.resolve(returned as PromiseLike<unknown>).then(toResponse, thrownResponse)
      }
    } catch (thrown) {
      return thrownResponse(thrown)
    }
    return toResponse(returned)
  }

  async close(): Promise<void> {}
}

/** The runtime of the host's thread as a plugin. */
export const inlineRuntime: Plugin<'chaincodeRuntime', Record<never, never>> = {
  name: '@heddle/core/inline',
  provides: 'chaincodeRuntime',
  api: PLUGIN_API,
  capabilities: { isolated: false },
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: (context) => new InlineRuntime(context.mspId),
}
