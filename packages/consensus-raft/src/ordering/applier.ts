import type { EnvelopeView } from '@heddle/core/model'
import type { ChannelHost, Tip } from '@heddle/core/plugin'
import type { Entry } from '../core/types.ts'
import { blockMetadata } from '../membership/consenters.ts'
import { type ConsenterIds, decodeBatch, decodeConfig } from './entry-payload.ts'
import { RaftError } from './errors.ts'

export interface ApplierParts {
  readonly host: ChannelHost
  /** Entries up to here stand in the chain already. */
  readonly appliedIndex: number
  /** Ids that blocks name now. */
  readonly ids: () => ConsenterIds
  /** An envelope that this node has parsed already. */
  readonly viewOf: (bytes: Uint8Array) => EnvelopeView | undefined
  readonly decided: (block: DecidedBlock) => void
  /** Blocks of all entries up to `index` are durable, with the chain at `tip`; `bytes` of payloads since the last call. */
  readonly durable: (index: number, tip: Tip, bytes: number) => void
  readonly failed: (error: Error) => void
}

/** A block that an entry made. */
export interface DecidedBlock {
  readonly number: number
  readonly envelopes: readonly (Uint8Array | EnvelopeView)[]
  readonly isConfig: boolean
  readonly durable: Promise<void>
}

interface Undurable {
  readonly index: number
  readonly bytes: number
  readonly tip: Tip
  isDurable: boolean
}

/** Makes blocks of committed entries, each once: what stands in the chain already is passed over. */
export class Applier {
  readonly #parts: ApplierParts
  #appliedIndex: number
  readonly #undurable: Undurable[] = []

  constructor(parts: ApplierParts) {
    this.#parts = parts
    this.#appliedIndex = parts.appliedIndex
  }

  /** Entries up to here stand in the chain, or make no block. */
  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** The chain took a block from others, of an entry at `index`. */
  skipTo(index: number, durable: Promise<void>): void {
    if (index <= this.#appliedIndex) return
    this.#appliedIndex = index
    this.#push(index, 0, durable)
  }

  /** @param views the envelopes as this node proposed them, if it did */
  apply(entry: Entry, views: readonly EnvelopeView[] | undefined): void {
    const { index, kind, payload } = entry
    if (index <= this.#appliedIndex) {
      this.#push(index, 0, undefined)
      return
    }
    this.#appliedIndex = index
    if (kind === 'empty') this.#push(index, 0, undefined)
    else this.#push(index, payload.length, kind === 'normal' ? this.#applyBatch(entry, views) : this.#applyConfig(entry, views))
  }

  #applyBatch({ index, payload }: Entry, views: readonly EnvelopeView[] | undefined): Promise<void> {
    const { host, viewOf, ids, decided } = this.#parts
    const decoded = views ?? decodeBatch(payload)?.map((bytes) => viewOf(bytes) ?? bytes)
    if (decoded === undefined) throw this.#unreadable(index)
    const { number, durable } = host.decide({
      batch: { envelopes: decoded, isConfig: false },
      consenterMetadata: blockMetadata(ids(), index),
    })
    decided({ number, envelopes: decoded, isConfig: false, durable })
    return durable
  }

  #applyConfig({ index, payload }: Entry, views: readonly EnvelopeView[] | undefined): Promise<void> {
    const { host, viewOf, decided } = this.#parts
    const config = decodeConfig(payload)
    if (config === undefined) throw this.#unreadable(index)
    const envelopes = [views?.[0] ?? viewOf(config.envelope) ?? config.envelope]
    const { number, durable } = host.decide({
      batch: { envelopes, isConfig: true },
      consenterMetadata: blockMetadata(config.consenters, index),
    })
    decided({ number, envelopes, isConfig: true, durable })
    return durable
  }

  /** In order: the log may forget only what lies before the first block that is still on its way to the disk. */
  #push(index: number, bytes: number, durable: Promise<void> | undefined): void {
    const waiting: Undurable = { index, bytes, tip: this.#parts.host.tip, isDurable: durable === undefined }
    this.#undurable.push(waiting)
    if (durable === undefined) {
      this.#advance()
      return
    }
    durable.then(
      () => {
        waiting.isDurable = true
        this.#advance()
      },
      (error) => this.#parts.failed(error),
    )
  }

  #advance(): void {
    let bytes = 0
    let last: Undurable | undefined
    while (this.#undurable[0]?.isDurable === true) {
      const first = this.#undurable.shift()!
      if (last === undefined || first.index > last.index) last = first
      bytes += first.bytes
    }
    if (last !== undefined) this.#parts.durable(last.index, last.tip, bytes)
  }

  #unreadable(index: number): RaftError {
    return new RaftError('RAFT_ENTRY_UNREADABLE', `entry ${index} holds nothing that this version can read`, { index })
  }
}
