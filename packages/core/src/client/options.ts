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
  readonly signal?: AbortSignal
}

/** Arguments of a chaincode function, then options if any. */
export type CallArguments =
  | readonly (string | Uint8Array)[]
  | readonly [...arguments: (string | Uint8Array)[], options: CallOptions]

const KNOWN_OPTIONS = new Set(['arguments', 'transient', 'endorsingOrganizations', 'retryConflicts', 'signal'])

/** A call taken apart. */
export interface Call {
  readonly name: string
  readonly args: readonly (string | Uint8Array)[]
  readonly options: CallOptions
}

const NO_OPTIONS: CallOptions = Object.freeze({})

/** @throws GatewayError GATEWAY_BAD_ARGUMENT */
export function parseCall(name: string, given: CallArguments): Call {
  if (typeof name !== 'string')
    throw new GatewayError('GATEWAY_BAD_ARGUMENT', `the function's name must be a string, not ${typeof name}`)
  let options = NO_OPTIONS
  let args = given as readonly (string | Uint8Array)[]
  const last = given.at(-1)
  if (typeof last === 'object' && last !== null && !(last instanceof Uint8Array) && !Array.isArray(last)) {
    options = last as CallOptions
    args = given.slice(0, -1) as (string | Uint8Array)[]
    for (const key of Object.keys(options))
      if (!KNOWN_OPTIONS.has(key))
        throw new GatewayError('GATEWAY_BAD_ARGUMENT', `unknown call option '${key}'; there are ${[...KNOWN_OPTIONS].join(', ')}`)
    if (options.arguments !== undefined) args = [...args, ...options.arguments]
  }
  for (let i = 0; i < args.length; i++) {
    const argument: unknown = args[i]
    if (typeof argument !== 'string' && !(argument instanceof Uint8Array))
      throw new GatewayError(
        'GATEWAY_BAD_ARGUMENT',
        `argument ${i + 1} of '${name}' must be a string or bytes, not ${argument === null ? 'null' : typeof argument}`,
      )
  }
  return { name, args, options }
}
