import type { Clock } from '../ports/clock.ts'
import type { Signer } from '../ports/identity.ts'
import type { Random } from '../ports/random.ts'
import { GatewayError } from './errors.ts'

/** On whose behalf a gateway acts. Without a signer every step is signed elsewhere (offline signing). */
export interface ClientIdentity {
  readonly mspId: string
  /** SerializedIdentity bytes. */
  readonly identity: Uint8Array
  readonly signer?: Pick<Signer, 'sign'>
}

/** Milliseconds that each step may take. */
export interface StepTimeouts {
  readonly evaluate: number
  readonly endorse: number
  readonly submit: number
  readonly commitStatus: number
}

/** Those of Fabric's clients in its samples: generous for a step, a minute for the commit. */
export const DEFAULT_TIMEOUTS: StepTimeouts = Object.freeze({
  evaluate: 5_000,
  endorse: 15_000,
  submit: 15_000,
  commitStatus: 60_000,
})

/** Settings of a gateway, each with a default. */
export interface GatewayOptions {
  readonly timeouts?: Partial<StepTimeouts>
  /** Channel of `gateway.contract()`. Default: the only channel there is. */
  readonly channel?: string
  readonly clock?: Clock
  readonly random?: Random
}

/** How one transaction is to be made; the last argument of `submit`, `evaluate` and `newProposal`. */
export interface CallOptions {
  /** Further arguments of the chaincode function, after those given by position. */
  readonly arguments?: readonly (string | Uint8Array)[]
  /** Data that the chaincode sees and the ledger never does. */
  readonly transient?: Readonly<Record<string, string | Uint8Array>>
  /** MSP ids whose peers endorse. Default: enough for the chaincode's endorsement policy. */
  readonly endorsingOrganizations?: readonly string[]
  /** How often a transaction that met a read conflict is proposed anew. Default 0. */
  readonly retryConflicts?: number
  /** The call that initialises a chaincode whose definition asks for it (`initRequired`). Default false. */
  readonly isInit?: boolean
  readonly signal?: AbortSignal
}

/** Arguments of a chaincode function, then options if any. */
export type CallArguments =
  | readonly (string | Uint8Array)[]
  | readonly [...arguments: (string | Uint8Array)[], options: CallOptions]

const KNOWN_OPTIONS = new Set(['arguments', 'transient', 'endorsingOrganizations', 'retryConflicts', 'isInit', 'signal'])

/** A call taken apart. */
export interface Call {
  readonly name: string
  readonly args: readonly (string | Uint8Array)[]
  readonly options: CallOptions
}

const NO_OPTIONS: CallOptions = Object.freeze({})

/**
 * @param prefix of the contract, where a chaincode holds several
 * @throws GatewayError GATEWAY_BAD_ARGUMENT
 */
export function parseCall(name: string, given: CallArguments, prefix = ''): Call {
  if (typeof name !== 'string') throw bad(`the function's name must be a string, not ${typeof name}`)
  let options = NO_OPTIONS
  let args = given as readonly (string | Uint8Array)[]
  const last = given.at(-1)
  if (typeof last === 'object' && last !== null && !(last instanceof Uint8Array) && !Array.isArray(last)) {
    options = last as CallOptions
    args = given.slice(0, -1) as (string | Uint8Array)[]
    checkOptions(options)
    if (options.arguments !== undefined) args = [...args, ...options.arguments]
  }
  for (let i = 0; i < args.length; i++) {
    const argument: unknown = args[i]
    if (!isText(argument))
      throw bad(`argument ${i + 1} of '${name}' must be a string or bytes, not ${argument === null ? 'null' : typeof argument}`)
  }
  return { name: prefix + name, args, options }
}

/** What plain JavaScript may pass as options. @throws GatewayError GATEWAY_BAD_ARGUMENT */
function checkOptions(options: CallOptions): void {
  for (const key of Object.keys(options))
    if (!KNOWN_OPTIONS.has(key)) throw bad(`unknown call option '${key}'; there are ${[...KNOWN_OPTIONS].join(', ')}`)
  const { arguments: args, transient, endorsingOrganizations, retryConflicts, isInit, signal } = options
  if (args !== undefined && !Array.isArray(args)) throw bad('the option arguments must be a list of strings or bytes')
  if (transient !== undefined) {
    const isMap = typeof transient === 'object' && transient !== null
    if (!isMap || !Object.values(transient).every(isText)) throw bad('the option transient must be an object of strings or bytes')
  }
  if (endorsingOrganizations !== undefined) {
    const isList = Array.isArray(endorsingOrganizations) && endorsingOrganizations.length > 0
    if (!isList || !endorsingOrganizations.every((each) => typeof each === 'string'))
      throw bad('the option endorsingOrganizations must be a list of at least one MSP id')
  }
  if (retryConflicts !== undefined && !(Number.isSafeInteger(retryConflicts) && retryConflicts >= 0))
    throw bad('the option retryConflicts must be a whole number, 0 or more')
  if (isInit !== undefined && typeof isInit !== 'boolean') throw bad('the option isInit must be true or false')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw bad('the option signal must be an AbortSignal')
}

/** Longest time that timers keep: 2^31 - 1 milliseconds. */
const MAX_TIMEOUT = 2_147_483_647

/** The settings of a gateway, as plain JavaScript may pass them. @throws GatewayError GATEWAY_BAD_ARGUMENT */
export function checkGateway(identity: ClientIdentity, { timeouts = {} }: GatewayOptions): void {
  if (typeof identity?.mspId !== 'string' || identity.mspId === '' || !(identity.identity instanceof Uint8Array))
    throw bad('an identity needs an mspId and the bytes of a SerializedIdentity')
  for (const [step, timeout] of Object.entries(timeouts)) {
    if (!Object.hasOwn(DEFAULT_TIMEOUTS, step))
      throw bad(`there is no step '${step}' to limit; there are ${Object.keys(DEFAULT_TIMEOUTS).join(', ')}`)
    if (!(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT))
      throw bad(`the limit of ${step} must be between 0 and ${MAX_TIMEOUT} ms`)
  }
}

function isText(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function bad(message: string): InstanceType<typeof GatewayError> {
  return new GatewayError('GATEWAY_BAD_ARGUMENT', message)
}
