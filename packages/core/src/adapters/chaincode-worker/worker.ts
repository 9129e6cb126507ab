import { parentPort, workerData } from 'node:worker_threads'
import type { Invocation } from '../../ports/chaincode.ts'
import type { LoadedChaincode } from '../chaincode-stub/chaincode.ts'
import { ChaincodeStub } from '../chaincode-stub/chaincode-stub.ts'
import { loadChaincode } from '../chaincode-stub/load-module.ts'
import { thrownResponse, toResponse } from '../chaincode-stub/response.ts'
import { compact, type FromWorker, plainError, type ToWorker, type WorkerSetup } from './protocol.ts'
import { RemoteLedger } from './remote-ledger.ts'

const setup = workerData as WorkerSetup
const port = parentPort!
const post = (message: FromWorker): void => port.postMessage(message)
const running = new Map<number, RemoteLedger>()

async function run(chaincode: LoadedChaincode, id: number, invocation: Invocation): Promise<void> {
  const ledger = new RemoteLedger((operations) => post(['operations', id, operations]))
  running.set(id, ledger)
  const stub = new ChaincodeStub(invocation, ledger, setup.mspId)
  let returned: unknown
  let thrown = false
  try {
    returned = await (invocation.isInit ? chaincode.init(stub) : chaincode.invoke(stub))
  } catch (error) {
    returned = thrownResponse(error)
    thrown = true
  }
  running.delete(id)
  try {
    const { status, message, payload } = thrown ? (returned as ReturnType<typeof thrownResponse>) : toResponse(returned)
    post(['done', id, ledger.finish(), { status, message, payload: compact(payload) }, undefined])
  } catch (error) {
    post(['done', id, [], undefined, plainError(error)])
  }
}

try {
  const source = setup.export === undefined ? {} : { export: setup.export }
  const chaincode = await loadChaincode(setup.name, { kind: 'module', url: setup.url, ...source })
  port.on('message', (message: ToWorker) => {
    if (message[0] === 'invoke') void run(chaincode, message[1], message[2])
    else if (message[0] === 'answers') running.get(message[1])?.answer(message[2])
    else post(['pong'])
  })
  post(['ready'])
} catch (error) {
  post(['failed', plainError(error)])
}
