import type { PublicKey } from '../../ports/crypto-provider.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import { ValidationHalted } from './errors.ts'
import type { OwnSignatures } from './own-signatures.ts'
import type { Structure } from './transaction-structure.ts'

/** Of whom no signature can be right: the bytes are no identity, or the check was not asked for. */
const NO_KEY = -1
/** The node made this signature itself. */
const OWN = -2

/** Where the verdicts on a transaction's signatures stand. */
export interface SignatureSlots {
  readonly creator: number
  /** In the order of the endorsements. */
  readonly endorsements: readonly number[]
}

/** Verdicts on the signatures of a block. They say that a key signed, and nothing about who may be trusted. */
export interface SignatureVerdicts {
  holds(slot: number): boolean
}

const NO_ENDORSEMENTS: readonly number[] = Object.freeze([])

const CHUNK = 256 * 1024

/** Memory for many short-lived byte strings: one large piece is much cheaper than an allocation each. */
class Arena {
  private chunk = new Uint8Array(0)
  private used = 0

  /** The two one after the other. */
  join(a: Uint8Array, b: Uint8Array): Uint8Array {
    const length = a.length + b.length
    if (this.used + length > this.chunk.length) {
      this.chunk = new Uint8Array(Math.max(CHUNK, length))
      this.used = 0
    }
    const start = this.used
    this.chunk.set(a, start)
    this.chunk.set(b, start + a.length)
    this.used += length
    return this.chunk.subarray(start, this.used)
  }
}

/**
 * Gathers all signatures of a block and has them checked in one call. This may run ahead of the commit of the previous block, because
 * it depends on no configuration.
 */
export class SignatureChecks {
  private readonly provider: IdentityProvider
  private readonly own: OwnSignatures | undefined
  private readonly messages = new Arena()
  private readonly items: { key: PublicKey; data: Uint8Array; signature: Uint8Array }[] = []

  constructor(provider: IdentityProvider, own: OwnSignatures | undefined) {
    this.provider = provider
    this.own = own
  }

  /** Signatures whose verdict can matter: not those of a transaction that is broken before they would be asked for. */
  add({ view, header, body, endorsed }: Structure): SignatureSlots {
    if (header !== undefined) return { creator: NO_KEY, endorsements: NO_ENDORSEMENTS }
    const creator = this.check(view.creator, view.payload, view.signature)
    if (body !== undefined || endorsed === undefined || endorsed.results !== undefined)
      return { creator, endorsements: NO_ENDORSEMENTS }
    const { proposalResponsePayload, endorsements } = endorsed.action
    const slots: number[] = []
    for (const { endorser, signature } of endorsements) {
      const message = this.messages.join(proposalResponsePayload, endorser)
      slots.push(this.own?.recognise(message, signature) === true ? OWN : this.check(endorser, message, signature))
    }
    return { creator, endorsements: slots }
  }

  /** Starts the work. A failure of the provider shows when the result is awaited, as ValidationHalted. */
  start(): Promise<SignatureVerdicts> {
    const verdicts = this.verify()
    // Whoever prepared the block may drop it without asking.
    verdicts.catch(() => undefined)
    return verdicts
  }

  private check(identity: Uint8Array, data: Uint8Array, signature: Uint8Array): number {
    if (signature.length === 0) return NO_KEY
    const key = this.provider.keyOf(identity)
    return key === undefined ? NO_KEY : this.items.push({ key, data, signature }) - 1
  }

  private async verify(): Promise<SignatureVerdicts> {
    let verdicts: readonly boolean[]
    try {
      verdicts = this.items.length === 0 ? [] : await this.provider.verifyAll(this.items)
    } catch (cause) {
      throw new ValidationHalted(
        'VALIDATION_SIGNATURES_UNAVAILABLE',
        'the signatures of a block could not be checked',
        {},
        { cause },
      )
    }
    return { holds: (slot) => slot === OWN || verdicts[slot] === true }
  }
}
