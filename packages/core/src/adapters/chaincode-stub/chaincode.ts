import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { ChaincodeStub } from './chaincode-stub.ts'

/**
 * A chaincode. What its functions return is the response: bytes, text or nothing are a success with that payload, an object with a
 * numeric `status` is a response as it stands (fabric-shim's `shim.success` and `shim.error` make such); what they throw is a response
 * of status 500.
 */
export interface Chaincode {
  /** Called for an invocation as init; `invoke` is, where this is absent. */
  init?(stub: ChaincodeStub): unknown
  invoke(stub: ChaincodeStub): unknown
}

/** One function of a chaincode: the stub, then the arguments as text. Returns bytes, text, nothing, or a value to be sent as JSON. */
export type ChaincodeFunction = (stub: ChaincodeStub, ...args: string[]) => unknown

/**
 * Makes a chaincode of functions that are called by name: the first argument of an invocation names the function, the others are its
 * arguments.
 *
 * @example
 * export default defineChaincode({
 *   async set(stub, key, value) { await stub.putState(key, value) },
 *   async get(stub, key) { return await stub.getState(key) },
 * })
 */
export function defineChaincode(functions: Readonly<Record<string, ChaincodeFunction>>): Chaincode {
  const table = new Map(Object.entries(functions))
  return {
    invoke(stub) {
      const { fcn, params } = stub.getFunctionAndParameters()
      const called = table.get(fcn)
      if (called === undefined) throw new Error(`there is no function '${fcn}'; there are ${[...table.keys()].join(', ')}`)
      const returned = called.call(functions, stub, ...params)
      return returned instanceof Promise ? returned.then(asPayload) : asPayload(returned)
    },
  }
}

/** Methods of a chaincode, whatever form it has. */
export interface LoadedChaincode {
  init(stub: ChaincodeStub): unknown
  invoke(stub: ChaincodeStub): unknown
}

/**
 * Takes a chaincode in any of its forms: a function of the stub; an object or an instance of a class with `invoke`, or with fabric-shim's
 * `Invoke` and `Init`; such a class itself, which is then instantiated.
 *
 * @throws ChaincodeError CHAINCODE_LOAD_FAILED
 */
export function asChaincode(name: string, value: unknown): LoadedChaincode {
  if (typeof value === 'function') {
    if (methodOf(value.prototype, 'invoke', 'Invoke') !== undefined) return asChaincode(name, construct(name, value))
    return { init: (stub) => value(stub), invoke: (stub) => value(stub) }
  }
  const invoke = methodOf(value, 'invoke', 'Invoke')
  if (invoke === undefined) {
    const message = `${name} is no chaincode: it is neither a function nor has it a method invoke (or Invoke)`
    throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name })
  }
  const init = methodOf(value, 'init', 'Init') ?? invoke
  return { init: (stub) => init.call(value, stub), invoke: (stub) => invoke.call(value, stub) }
}

type Method = (this: unknown, stub: ChaincodeStub) => unknown

function methodOf(value: unknown, ...names: readonly string[]): Method | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const name of names) {
    const method = (value as Record<string, unknown>)[name]
    if (typeof method === 'function') return method as Method
  }
  return undefined
}

function construct(name: string, type: unknown): unknown {
  try {
    return new (type as new () => unknown)()
  } catch (cause) {
    const message = `the class of chaincode ${name} could not be instantiated: ${(cause as Error)?.message}`
    throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name }, { cause })
  }
}

function asPayload(returned: unknown): unknown {
  if (returned === undefined || typeof returned === 'string' || returned instanceof Uint8Array) return returned
  return JSON.stringify(returned)
}
