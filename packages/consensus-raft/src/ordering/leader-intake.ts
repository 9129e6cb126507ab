import {
  BatchPacer,
  type BlockCutter,
  type ChannelHost,
  type ConfigSubmission,
  HeddleError,
  OrderError,
  type Pace,
  type Submission,
} from '@heddle/core/plugin'
import type { Refusal } from '../core/types.ts'
import type { Origin } from '../forwarding/forward-receiver.ts'
import { abandoned, type Submissions, type Waiting } from './submissions.ts'

/** An envelope that this leader is to order: of this node, or forwarded. */
export interface Item {
  readonly submission: Submission
  readonly isConfig: boolean
  readonly own: Waiting | undefined
  readonly origin: Origin | undefined
}

/** Envelopes for one block. */
export interface CutBatch {
  readonly items: readonly Item[]
  /** The next configuration, for a config envelope that stands alone. */
  readonly config: ConfigSubmission | undefined
}

/** `wait`: try again later; `not-leader`: this node does not lead any more. */
export type Proposed = { readonly index: number; readonly term: number } | { readonly reason: Refusal }

export interface LeaderIntakeParts {
  readonly host: ChannelHost
  readonly pace: Partial<Pace>
  readonly submissions: Submissions
  readonly maxInflightBlocks: () => number
  /** Bytes of forwarded envelopes that wait here; beyond it followers have to wait. */
  readonly maxForwardedBytes: number
  readonly propose: (batch: CutBatch) => Proposed
  /** Whether a config update may be proposed now; throws OrderError when it may never be. */
  readonly admitConfig: (config: ConfigSubmission) => 'now' | 'later'
  readonly refuse: (origin: Origin, code: string, message: string) => void
  /** There is room for forwarded envelopes again. */
  readonly roomAgain: () => void
}

/** One leadership of this node: what was begun under it must not end under another. */
interface Leadership {
  readonly term: number
}

/** Bytes of envelopes in one entry, whatever the channel's batch limits say: the log and the messages have to carry it. */
const MAX_BATCH_BYTES = 64 << 20
/** Config updates that wait for the one under way. */
const CONFIG_QUEUE = 64

/**
 * What a leader does with envelopes: has them checked again when the configuration has moved on, cuts them into batches, and proposes
 * these, a few at a time. A config update goes alone, behind what was cut before it, and nothing goes behind it until it has been applied.
 */
export class LeaderIntake {
  readonly #parts: LeaderIntakeParts
  readonly #host: ChannelHost
  readonly #cutter: BlockCutter<Item>
  readonly #pacer: BatchPacer
  #leadership: Leadership | undefined
  /** An entry of this term was applied, and with it everything before it. */
  #ready = false
  /** Wait until this leader is ready, or a config update has been applied. */
  #held: Item[] = []
  #cut: CutBatch[] = []
  #configs: Item[] = []
  #configUnderWay = false
  /** Proposed and not decided, by index. */
  readonly #proposed = new Map<number, { readonly term: number; readonly batch: CutBatch }>()
  #forwardedBytes = 0
  #forwarded = 0
  #isFull = false

  constructor(parts: LeaderIntakeParts) {
    this.#parts = parts
    this.#host = parts.host
    this.#cutter = parts.host.cutter()
    const { host } = parts
    const intake = this
    const load = {
      get ingress() {
        return host.load.ingress
      },
      get inFlight() {
        return host.load.inFlight + intake.#forwarded
      },
      get blocks() {
        return host.load.blocks + intake.#proposed.size
      },
    }
    this.#pacer = new BatchPacer({
      clock: host.environment.clock,
      load: () => load,
      batchTimeout: () => host.config.batchTimeout,
      pending: () => this.#cutter.pending,
      cut: () => this.#flush(),
      pace: parts.pace,
    })
  }

  get leads(): boolean {
    return this.#leadership !== undefined
  }

  /** For operators. */
  status(): { readonly pending: number; readonly proposed: number; readonly forwarded: number } {
    const waiting = this.#cut.reduce((sum, { items }) => sum + items.length, this.#held.length + this.#cutter.pending)
    return { pending: waiting, proposed: this.#proposed.size, forwarded: this.#forwarded }
  }

  /** This node leads from now on; it takes envelopes, and orders them when it is ready. */
  begin(term: number): void {
    this.end()
    this.#leadership = { term }
  }

  /** An entry was applied. */
  applied(index: number, term: number): void {
    const proposal = this.#proposed.get(index)
    if (proposal !== undefined) {
      this.#proposed.delete(index)
      if (this.#leadership?.term === proposal.term) this.#release(proposal.batch.items)
      if (proposal.batch.config !== undefined && proposal.term === term) this.#configUnderWay = false
    }
    if (this.#leadership?.term === term) this.#ready = true
    this.#open()
  }

  /** Something moved: the log has room again, a membership change ended, a block became durable. */
  released(): void {
    this.#pump()
    this.#nextConfig()
    this.#pacer.released()
  }

  /** What another leader's block holds at the place of a proposal of this node. Undefined unless it is this very proposal. */
  proposalAt(index: number, term: number): CutBatch | undefined {
    const found = this.#proposed.get(index)
    return found?.term === term ? found.batch : undefined
  }

  /** Leadership is lost: what was not proposed goes back. What was proposed stays with the log; forwarders see to theirs by themselves. */
  end(): void {
    this.#leadership = undefined
    this.#ready = false
    this.#configUnderWay = false
    this.#held = []
    this.#cut = []
    this.#configs = []
    this.#cutter.cut()
    this.#pacer.wasCut()
    this.#forwarded = 0
    this.#forwardedBytes = 0
    this.#isFull = false
    this.#parts.submissions.handBack()
  }

  /** Entries up to here are applied or replaced: older proposals are none any more. */
  forgetProposals(upTo: number): void {
    for (const index of this.#proposed.keys()) if (index <= upTo) this.#proposed.delete(index)
  }

  stop(): void {
    this.end()
    this.#pacer.stop()
  }

  /** False when there is no room for more of other nodes. */
  take(item: Item): boolean {
    if (item.submission.size > MAX_BATCH_BYTES) {
      this.#refuse(
        item,
        new OrderError('ORDER_TOO_LARGE', `an envelope of ${item.submission.size} bytes fits in no entry of the log`),
      )
      return true
    }
    if (item.origin !== undefined) {
      if (this.#forwardedBytes >= this.#parts.maxForwardedBytes) {
        this.#isFull = true
        return false
      }
      this.#forwarded++
      this.#forwardedBytes += item.submission.size
    }
    if (item.own !== undefined) this.#parts.submissions.stand(item.own, 'held')
    if (item.isConfig) this.#takeConfig(item)
    else this.#takeNormal(item)
    return true
  }

  get #isOpen(): boolean {
    return this.#ready && !this.#configUnderWay
  }

  #takeNormal(item: Item): void {
    if (!this.#isOpen) this.#held.push(item)
    else if (item.submission.configSequence !== this.#host.config.sequence) this.#checkAgain(item)
    else {
      for (const items of this.#cutter.ordered(item, item.submission.size)) this.#queue(items)
      this.#pacer.arrived()
    }
  }

  #checkAgain(item: Item): void {
    const leadership = this.#leadership
    this.#host.recheck(item.submission).then(
      (submission) => {
        if (this.#leadership === leadership) this.#takeNormal({ ...item, submission })
      },
      (error) => {
        if (this.#leadership === leadership) this.#refuse(item, error)
      },
    )
  }

  #open(): void {
    if (!this.#isOpen) return
    if (this.#held.length > 0) for (const item of this.#held.splice(0)) this.#takeNormal(item)
    this.released()
  }

  #takeConfig(item: Item): void {
    if (this.#configs.length >= CONFIG_QUEUE) {
      this.#refuse(item, new OrderError('ORDERER_OVERLOADED', `${this.#configs.length} config updates wait`))
      return
    }
    this.#configs.push(item)
    this.#nextConfig()
  }

  /** One config update at a time: the next is computed from what this one leaves. */
  #nextConfig(): void {
    if (!this.#isOpen || this.#configs.length === 0) return
    this.#configUnderWay = true
    const item = this.#configs.shift()!
    const leadership = this.#leadership
    this.#checkConfig(item).then(
      (config) => {
        if (this.#leadership === leadership) this.#proposeConfig(item, config)
      },
      (error) => {
        if (this.#leadership !== leadership) return
        this.#configUnderWay = false
        this.#refuse(item, error)
        this.#open()
      },
    )
  }

  async #checkConfig(item: Item): Promise<ConfigSubmission> {
    const { submission, origin } = item
    if (origin === undefined) return this.#host.recheckConfig(submission)
    if (submission.configSequence !== this.#host.config.sequence) {
      // The node that holds the submitter computes it again: it has to know the envelope that will be ordered.
      throw new OrderError('ORDER_CONFIG_REFUSED', 'computed under another configuration', { reason: RECHECK })
    }
    const { next } = await this.#host.recheckConfig(submission)
    await this.#host.verify({ envelopes: [submission.envelope], isConfig: true })
    return { ...submission, next }
  }

  #proposeConfig(item: Item, config: ConfigSubmission): void {
    try {
      if (this.#parts.admitConfig(config) === 'later') {
        // Leadership is on its way to another node, or a change is not over: tried again when something has moved.
        this.#configs.unshift(item)
        this.#configUnderWay = false
        return
      }
    } catch (error) {
      this.#configUnderWay = false
      this.#refuse(item, error)
      this.#open()
      return
    }
    if (item.own !== undefined) this.#parts.submissions.replace(item.own, config)
    this.#flush()
    this.#cut.push({ items: [{ ...item, submission: config }], config })
    this.#pump()
  }

  #flush(): void {
    this.#queue(this.#cutter.cut())
  }

  #queue(items: readonly Item[]): void {
    if (items.length === 0) return
    for (const part of fitting(items)) this.#cut.push({ items: part, config: undefined })
    this.#pacer.wasCut()
    this.#pump()
  }

  #pump(): void {
    while (this.#ready && this.#cut.length > 0 && this.#proposed.size < this.#parts.maxInflightBlocks()) {
      const batch = this.#wanted(this.#cut[0]!)
      if (batch.items.length === 0) {
        this.#cut.shift()
        if (batch.config !== undefined) {
          this.#configUnderWay = false
          queueMicrotask(() => this.#open())
        }
        continue
      }
      const proposed = this.#parts.propose(batch)
      if ('reason' in proposed) return
      this.#cut.shift()
      this.#proposed.set(proposed.index, { term: proposed.term, batch })
      for (const { own } of batch.items) if (own !== undefined) this.#parts.submissions.stand(own, 'sent', proposed.term)
    }
  }

  /** Without those that nobody waits for, or that stand in a block already. */
  #wanted(batch: CutBatch): CutBatch {
    const { submissions } = this.#parts
    const isGone = ({ own }: Item): boolean =>
      own !== undefined && (own.signal?.aborted === true || own.standing !== 'held' || !submissions.has(own))
    if (!batch.items.some(isGone)) return batch
    const gone = batch.items.filter(isGone)
    for (const { own } of gone)
      if (own!.signal?.aborted === true && own!.standing === 'held') submissions.reject(own!, abandoned())
    this.#release(gone)
    return { ...batch, items: batch.items.filter((item) => !gone.includes(item)) }
  }

  #refuse(item: Item, error: unknown): void {
    this.#release([item])
    const typed =
      error instanceof OrderError
        ? error
        : new OrderError('ORDER_UNAVAILABLE', `the envelope could not be checked: ${String(error)}`)
    if (item.own !== undefined) this.#parts.submissions.reject(item.own, typed)
    if (item.origin !== undefined) {
      const code = typed.data.reason === RECHECK ? RECHECK : error instanceof HeddleError ? typed.code : 'ORDER_UNAVAILABLE'
      this.#parts.refuse(item.origin, code, typed.message)
    }
  }

  /** Forwarded envelopes that are no longer held here. */
  #release(items: readonly Item[]): void {
    for (const { origin, submission } of items) {
      if (origin === undefined) continue
      this.#forwarded = Math.max(0, this.#forwarded - 1)
      this.#forwardedBytes = Math.max(0, this.#forwardedBytes - submission.size)
    }
    if (this.#isFull && this.#forwardedBytes < this.#parts.maxForwardedBytes / 2) {
      this.#isFull = false
      this.#parts.roomAgain()
    }
  }
}

/** Code of a refusal that means: compute the config update again under the configuration in force, and send it again. */
export const RECHECK = 'RECHECK'

/** A batch in parts that an entry can hold: one, unless the channel's preferred size is beyond reason. */
function fitting(items: readonly Item[]): readonly (readonly Item[])[] {
  const parts: Item[][] = []
  let room = -1
  for (const item of items) {
    if (item.submission.size > room) {
      parts.push([])
      room = MAX_BATCH_BYTES
    }
    parts.at(-1)!.push(item)
    room -= item.submission.size
  }
  return parts
}
