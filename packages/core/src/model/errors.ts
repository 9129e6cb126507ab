/**
 * What the receiver of an error should do about it.
 *
 * - `retry`: nothing happened; the same call may be made again.
 * - `ask-status`: the outcome is unknown; ask for the commit status before anything else, resend only the same bytes.
 * - `fix-input`: the caller's argument is wrong; the same call will fail again.
 * - `fix-config`: the network's configuration is wrong.
 * - `fix-chaincode`: the chaincode misbehaved.
 * - `tell-operator`: a node stopped or refuses to go on; a person has to look.
 */
export type Duty = 'retry' | 'ask-status' | 'fix-input' | 'fix-config' | 'fix-chaincode' | 'tell-operator'

/** One entry of the error catalogue (docs/errors.md is held equal to it by a test). */
export interface ErrorEntry {
  readonly duty: Duty
  /** One sentence: what went wrong and what to do. */
  readonly meaning: string
}

/** Data that travels with an error, for programs to act on. */
export type ErrorData = Readonly<Record<string, unknown>>

const BRAND = Symbol.for('@heddle/core/1/error')

/**
 * Base of every error that Heddle throws on purpose.
 *
 * `instanceof` works across copies of this package: classes recognise their instances by brand, not by prototype.
 */
export class HeddleError extends Error {
  /** Names of this class and of those it extends, the way `instanceof` recognises an error. */
  static readonly family: readonly string[] = ['HeddleError']
  /** Stable code, upper snake case, unique in the catalogue. */
  readonly code: string
  readonly duty: Duty
  readonly data: ErrorData
  readonly [BRAND]: readonly string[]

  constructor(code: string, duty: Duty, message: string, data: ErrorData = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.duty = duty
    this.data = data
    const family = (new.target as typeof HeddleError).family
    this[BRAND] = family
    this.name = family.at(-1) ?? 'HeddleError'
    Object.defineProperty(this, BRAND, { enumerable: false })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    const brand = (value as { [BRAND]?: readonly string[] } | null | undefined)?.[BRAND]
    // biome-ignore lint/complexity/noThisInStatic: the class that `instanceof` names, which may be a derived one
    const wanted = this.family.at(-1)
    return brand !== undefined && wanted !== undefined && brand.includes(wanted)
  }

  /** Plain form for logs and `--json` output. */
  toJSON(): { code: string; duty: Duty; message: string; data: ErrorData } {
    return { code: this.code, duty: this.duty, message: this.message, data: this.data }
  }
}

// Shared by all copies of this module in a process, so that a code means the same everywhere.
const REGISTRY = Symbol.for('@heddle/core/1/error-catalogue')
const shared = globalThis as { [REGISTRY]?: Map<string, ErrorEntry & { family: string }> }
shared[REGISTRY] ??= new Map()
const registry = shared[REGISTRY]

/** Every error code known in this process, by code. Read by the test that holds docs/errors.md equal to the code. */
export const errorCatalogue: ReadonlyMap<string, ErrorEntry & { family: string }> = registry

/** Constructor that {@link errorFamily} returns. */
export interface ErrorFamily<C extends string> {
  new (code: C, message: string, data?: ErrorData, options?: ErrorOptions): HeddleError & { readonly code: C }
  readonly family: readonly string[]
  [Symbol.hasInstance](value: unknown): boolean
}

/**
 * Declares a family of errors: a class whose codes, duties and meanings stand in one table.
 *
 * @example
 * export class LedgerError extends errorFamily('LedgerError', {
 *   LEDGER_LOCKED: { duty: 'tell-operator', meaning: 'Another process holds this data folder.' },
 * }) {}
 */
export function errorFamily<const T extends Record<string, ErrorEntry>>(name: string, codes: T): ErrorFamily<keyof T & string> {
  for (const [code, entry] of Object.entries(codes)) {
    const known = registry.get(code)
    // A second copy of the module registers the same family again; two families must not share a code.
    if (known !== undefined && known.family !== name)
      throw new TypeError(`error code ${code} is declared by ${known.family} and ${name}`)
    registry.set(code, { ...entry, family: name })
  }
  class Family extends HeddleError {
    static override readonly family: readonly string[] = ['HeddleError', name]
    constructor(code: keyof T & string, message: string, data?: ErrorData, options?: ErrorOptions) {
      super(code, codes[code]!.duty, message, data, options)
    }
  }
  return Family as unknown as ErrorFamily<keyof T & string>
}
