import type { Block } from '@heddle/core/model'
import type {
  BlockFinding,
  BlockVerdict,
  ChannelMember,
  DeliverEndpoint,
  DirectoryEntry,
  Environment,
  Examination,
  NodeDirectory,
  PeerChannelHost,
  Signer,
} from '@heddle/core/plugin'
import { turn } from '../patience.ts'

/** A peer's channel as a dissemination plugin sees it: takes what extends its chain, and remembers everything it was given. */
export class FakePeer implements PeerChannelHost {
  readonly channel: string
  readonly mspId = 'Org1MSP'
  readonly node = 'peer0.org1'
  readonly environment: Environment
  readonly accepted: Block[]
  readonly verdicts: BlockVerdict[] = []
  readonly #startedAt: number
  /** Most calls of `receive` that were open at one time. */
  mostAtOnce = 0
  /** Where set, `receive` waits for it: there is no room. */
  gate: Promise<void> | undefined
  /** True when a block was given although `leave` or `stop` had resolved. */
  closed = false
  givenAfterClose = 0
  readonly #list: DeliverEndpoint[]
  #open = 0

  constructor(environment: Environment, orderers: DeliverEndpoint[], chain: readonly Block[] = [], channel = 'trade') {
    this.environment = environment
    this.channel = channel
    this.accepted = [...chain]
    this.#startedAt = chain.length
    this.#list = orderers
  }

  get height(): number {
    return this.accepted.length
  }

  get committed(): number {
    return this.accepted.length
  }

  /** The only member that there is. */
  get signer(): Signer {
    return { mspId: this.mspId, identity: Buffer.from(this.node), sign: () => Uint8Array.of(1) }
  }

  get directory(): NodeDirectory {
    const entries: DirectoryEntry[] = []
    return { publish: () => {}, withdraw: () => {}, entries: () => entries, onChange: () => () => {} }
  }

  async examine(block: Block, { after, headerOnly = false }: Examination = {}): Promise<BlockFinding> {
    const tip = after ?? this.accepted.at(-1)
    if (block.number !== (tip === undefined ? 0 : tip.number + 1)) return 'not-next'
    const linked = tip === undefined || Buffer.compare(block.header.previousHash, tip.hash()) === 0
    if (linked && (headerOnly || block.hasDataHash())) return 'good'
    this.verdicts.push('refused')
    return 'bad'
  }

  async block(number: number): Promise<Block | undefined> {
    return this.accepted[number]
  }

  forked(): void {
    throw new Error('no block here is signed')
  }

  member(): ChannelMember {
    return { mspId: this.mspId, id: this.node, expiresAt: Number.MAX_SAFE_INTEGER }
  }

  async verify(): Promise<boolean> {
    return true
  }

  anchorPeers(): readonly [] {
    return []
  }

  onConfig(): () => void {
    return () => {}
  }

  /** Numbers of the blocks that came in and were accepted. */
  get received(): readonly number[] {
    return this.accepted.slice(this.#startedAt).map(({ number }) => number)
  }

  /** Calls of `receive` that wait. */
  get open(): number {
    return this.#open
  }

  orderers(): readonly DeliverEndpoint[] {
    return this.#list
  }

  async receive(block: Block): Promise<BlockVerdict> {
    if (this.closed) this.givenAfterClose++
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open)
    try {
      const verdict = this.#judge(block)
      this.verdicts.push(verdict)
      if (verdict === 'accepted') this.accepted.push(block)
      await turn()
      await this.gate
      return verdict
    } finally {
      this.#open--
    }
  }

  #judge(block: Block): BlockVerdict {
    const tip = this.accepted.at(-1)
    if (block.number < this.height) return 'known'
    if (block.number > this.height) return 'ahead'
    const linked = tip === undefined || Buffer.compare(block.header.previousHash, tip.hash()) === 0
    return linked && block.hasDataHash() ? 'accepted' : 'refused'
  }

  async *blocks(from: number, signal: AbortSignal): AsyncGenerator<Block> {
    for (let number = from; !signal.aborted; ) {
      const block = this.accepted[number]
      if (block === undefined) await turn()
      else {
        number++
        yield block
      }
    }
  }
}
