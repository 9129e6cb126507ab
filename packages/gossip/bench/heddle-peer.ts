import { createPrivateKey, createPublicKey, randomFillSync, sign, verify } from 'node:crypto'
import { systemClock, systemRandom } from '@heddle/core'
import { Block, sha256 } from '@heddle/core/model'
import {
  type BlockFinding,
  type DeliverEndpoint,
  type Dissemination,
  noMetrics,
  type PeerChannelHost,
  silentLogger,
} from '@heddle/core/plugin'
import { memoryDisk } from '@heddle/core/testing'
import gossip from '@heddle/gossip'
import { type Arrived, type Participant, type Start, sharedNow } from './participant.ts'

const CHANNEL = 'bench'
/** PKCS#8 before the 32 bytes of a P-256 key. */
const PKCS8 = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex')
/** The orderer's key, the same in all processes of the benchmark: made of a word, and nobody's secret. */
const KEY = createPrivateKey({ key: Buffer.concat([PKCS8, sha256(Buffer.from('bench'))]), format: 'der', type: 'pkcs8' })
const PUBLIC = createPublicKey(KEY)

/** An orderer whose blocks are made on request. Counts what it hands out. */
export class BenchOrderer implements DeliverEndpoint {
  readonly name = 'orderer'
  readonly chain: Block[] = []
  delivered = 0
  private waiting: (() => void)[] = []

  constructor() {
    this.make(Buffer.alloc(100))
  }

  make(data: Uint8Array): Block {
    const previous = this.chain.at(-1)?.hash() ?? new Uint8Array(0)
    const plain = Block.create(this.chain.length, previous, [data])
    const block = plain.withMetadata({ 0: sign('sha256', plain.headerBytes(), KEY) })
    this.chain.push(block)
    const { waiting } = this
    this.waiting = []
    for (const wake of waiting) wake()
    return block
  }

  async *deliver(from: number, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    for (let number = from; !signal.aborted; number++) {
      while (number >= this.chain.length && !signal.aborted)
        await new Promise<void>((resolve) => {
          this.waiting.push(resolve)
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      if (signal.aborted) return
      this.delivered++
      yield this.chain[number]!
    }
  }
}

/** The plugin, through its published interface, over a ledger that is a list: each block is hashed and its signature checked. */
export async function startHeddle(
  { index, transport, dial }: Start,
  arrived: Arrived,
  orderer: BenchOrderer | undefined = index === 0 ? new BenchOrderer() : undefined,
  leaders: readonly string[] = ['peer0'],
): Promise<Participant> {
  const node = `peer${index}`
  const environment = {
    clock: systemClock,
    random: systemRandom(),
    disk: memoryDisk(),
    logger: silentLogger,
    metrics: noMetrics,
    transport: undefined as never,
  }
  const context = { node, mspId: 'Org1', identity: Buffer.from(node), environment, signatures: undefined as never }
  const dissemination: Dissemination = await gossip.create(context as never, {
    transport,
    bootstrap: dial,
    leaders,
    limits: { handshakesPerSecond: 1_000, unproven: 200 },
  })
  const chain: Block[] = []
  let followers: (() => void)[] = []
  const host: PeerChannelHost = {
    channel: CHANNEL,
    mspId: 'Org1',
    node,
    environment,
    get height() {
      return chain.length
    },
    get committed() {
      return chain.length
    },
    async receive(block) {
      if (block.number !== chain.length) return block.number < chain.length ? 'known' : 'ahead'
      chain.push(block)
      const woken = followers
      followers = []
      for (const wake of woken) wake()
      return 'accepted'
    },
    async examine(block, { after, headerOnly = false } = {}): Promise<BlockFinding> {
      const tip = after ?? chain.at(-1)
      if (block.number !== (tip === undefined ? 0 : tip.number + 1)) return 'not-next'
      if (!headerOnly && !block.hasDataHash()) return 'bad'
      if (!verify('sha256', block.headerBytes(), PUBLIC, block.metadataAt(0))) return 'bad'
      arrived(block.number, sharedNow())
      return Buffer.compare(block.header.previousHash, tip?.hash() ?? new Uint8Array(0)) === 0 ? 'good' : 'forked'
    },
    async block(number) {
      return chain[number]
    },
    async *blocks(from, signal) {
      for (let number = from; !signal.aborted; ) {
        if (number < chain.length) yield chain[number++]!
        else
          await new Promise<void>((resolve) => {
            followers.push(resolve)
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
      }
    },
    orderers: () => (orderer === undefined ? [] : [orderer]),
    forked() {
      throw new Error('a fork')
    },
    signer: { mspId: 'Org1', identity: Buffer.from(node), sign: (message) => sha256(message) },
    member: (identity) => ({ mspId: 'Org1', id: Buffer.from(identity).toString(), expiresAt: Number.MAX_SAFE_INTEGER }),
    verify: async (_identity, message, signature) => Buffer.compare(sha256(message), signature) === 0,
    anchorPeers: () => [],
    onConfig: () => () => {},
    directory: { publish: () => {}, withdraw: () => {}, entries: () => [], onChange: () => () => {} },
  }
  await dissemination.start()
  await dissemination.join(host)
  const status = () => dissemination.status(CHANNEL) as { mesh: number; duplicates: number; node: { addresses: string[] } }
  return {
    address: status().node.addresses[0]!,
    mesh: () => status().mesh,
    async publish(bytes) {
      const data = randomFillSync(Buffer.alloc(bytes))
      const at = sharedNow()
      const { number } = orderer!.make(data)
      return { number, at }
    },
    counts: () => ({ received: chain.length, duplicates: status().duplicates }),
    stop: () => dissemination.stop(),
  }
}
