import { joinBytes } from '../../model/byte-slab.ts'
import type { PublicKey } from '../../ports/crypto-provider.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
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

/**
 * Bytes of signed messages that stand in memory at once. Each endorsement signs the results anew: a few megabytes on the wire can ask
 * for the signatures of many gigabytes.
 */
const MAX_JOINED = 64 * 1024 * 1024
/**
 * Bytes of signed messages of one transaction that are looked at, as 100 endorsements of the largest transaction have them. Endorsements
 * beyond count as wrong, at every peer alike. Fabric has no such bound: such a transaction would hold it up for minutes.
 */
const MAX_ENDORSED = 1024 * 1024 * 1024

/** One signature over two byte strings, one after the other; they are joined only for a provider that looks at them. */
class Item {
  readonly key: PublicKey
  readonly signature: Uint8Array
  readonly first: Uint8Array
  readonly second: Uint8Array | undefined

  constructor(key: PublicKey, first: Uint8Array, second: Uint8Array | undefined, signature: Uint8Array) {
    this.key = key
    this.first = first
    this.second = second
    this.signature = signature
  }

  get data(): Uint8Array {
    return this.second === undefined ? this.first : joinBytes(this.first, this.second)
  }
}

/**
 * Gathers all signatures of a block and has them checked in one call. This may run ahead of the commit of the previous block, because
 * it depends on no configuration.
 */
export class SignatureChecks {
  private readonly provider: IdentityProvider
  private readonly own: OwnSignatures | undefined
  private readonly items: Item[] = []
  /** Bytes of those that are to be joined. */
  private joined = 0

  constructor(provider: IdentityProvider, own: OwnSignatures | undefined) {
    this.provider = provider
    this.own = own
  }

  /** Signatures whose verdict can matter: not those of a transaction that is broken before they would be asked for. */
  add({ view, header, body, endorsed: action }: Structure): SignatureSlots {
    if (header !== undefined) return { creator: NO_KEY, endorsements: NO_ENDORSEMENTS }
    const creator = this.check(this.keyOf(view.creator, view.signature), view.payload, undefined, view.signature)
    if (body !== undefined || action === undefined || action.results !== undefined)
      return { creator, endorsements: NO_ENDORSEMENTS }
    const { proposalResponsePayload, endorsements } = action.action
    const slots: number[] = []
    let endorsed = 0
    for (const { endorser, signature } of endorsements) {
      const key = this.keyOf(endorser, signature)
      endorsed += proposalResponsePayload.length + endorser.length
      if (key === undefined || endorsed > MAX_ENDORSED) slots.push(NO_KEY)
      else slots.push(this.endorsement(key, proposalResponsePayload, endorser, signature))
    }
    return { creator, endorsements: slots }
  }

  private endorsement(key: PublicKey, payload: Uint8Array, endorser: Uint8Array, signature: Uint8Array): number {
    if (this.own?.recognise(payload, endorser, signature) === true) return OWN
    this.joined += payload.length + endorser.length
    return this.check(key, payload, endorser, signature)
  }

  /** Starts the work. A failure of the provider shows when the result is awaited, as ValidationHalted. */
  start(): Promise<SignatureVerdicts> {
    const verdicts = this.verify()
    // Whoever prepared the block may drop it without asking.
    verdicts.catch(() => undefined)
    return verdicts
  }

  private keyOf(identity: Uint8Array, signature: Uint8Array): PublicKey | undefined {
    return signature.length === 0 ? undefined : this.provider.keyOf(identity)
  }

  private check(key: PublicKey | undefined, first: Uint8Array, second: Uint8Array | undefined, signature: Uint8Array): number {
    return key === undefined ? NO_KEY : this.items.push(new Item(key, first, second, signature)) - 1
  }

  /** In one call, where what was signed fits in memory at once. */
  private verifyAll(): Awaitable<readonly boolean[]> {
    return this.joined <= MAX_JOINED ? this.provider.verifyAll(this.items) : this.verifyParts()
  }

  private async verifyParts(): Promise<readonly boolean[]> {
    const { items } = this
    let verdicts: readonly boolean[] = []
    for (let from = 0; from < items.length; ) {
      const part: Item[] = []
      for (let bytes = 0; from < items.length && bytes <= MAX_JOINED; from++) {
        const item = items[from]!
        if (item.second !== undefined) bytes += item.first.length + item.second.length
        part.push(item)
      }
      verdicts = verdicts.concat(await this.provider.verifyAll(part))
    }
    return verdicts
  }

  private async verify(): Promise<SignatureVerdicts> {
    let verdicts: readonly boolean[]
    try {
      const verifying = this.verifyAll()
      verdicts = verifying instanceof Promise ? await verifying : verifying
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
