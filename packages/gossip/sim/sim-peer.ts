import { Block } from '@heddle/core/model'
import {
  type BlockFinding,
  type BlockVerdict,
  type ChannelMember,
  type Environment,
  type Examination,
  noMetrics,
  type PeerChannelHost,
  type Random,
  type Signer,
  silentLogger,
} from '@heddle/core/plugin'
import { memoryDisk } from '@heddle/core/testing'
import { GossipDissemination } from '../src/gossip-dissemination.ts'
import { type GossipOptions, resolveOptions, WHOLE_BLOCK_BYTES } from '../src/options.ts'
import { blockMessage } from '../src/relay/relay.ts'
import { identityOf, isSigned, keyedHash, NO_DIRECTORY, type SimMembers, type SimOrderer } from './sim-ledger.ts'
import { SimEndpoint, type SimWorld } from './sim-network.ts'

/** What a peer does that is not as it should be. */
export type Malice = 'forges' | 'lies' | 'silent' | 'replays'

/** Milliseconds between two misdeeds. */
const MISCHIEF = 1_000

export interface SimPeerParts {
  readonly world: SimWorld
  readonly orderer: SimOrderer
  readonly members: SimMembers
  readonly random: Random
  readonly node: string
  readonly mspId: string
  readonly bootstrap: readonly string[]
  readonly options: GossipOptions
  readonly malice: Malice | undefined
  /** A block was accepted: of which number, and from whom. */
  readonly onBlock: (peer: SimPeer, number: number, from: string) => void
}

/**
 * A peer: the shipped dissemination on a simulated network, with a ledger that is a list and hashes for signatures. A malicious one runs
 * the same, and beside it what its malice says.
 */
export class SimPeer {
  readonly parts: SimPeerParts
  chain: Block[] = []
  endpoint: SimEndpoint | undefined
  violations: string[] = []
  /** Most blocks that were held for one reason or another. */
  mostHeld = 0
  private dissemination: GossipDissemination | undefined
  private incarnation = 0
  private readonly disk = memoryDisk()
  private waiting: (() => void)[] = []

  constructor(parts: SimPeerParts) {
    this.parts = parts
  }

  get isUp(): boolean {
    return this.dissemination !== undefined
  }

  get isHonest(): boolean {
    return this.parts.malice === undefined
  }

  get height(): number {
    return this.chain.length
  }

  get isLeader(): boolean {
    return this.status().isLeader === true
  }

  status(): Readonly<Record<string, unknown>> {
    return this.dissemination?.status('channel') ?? {}
  }

  async start(): Promise<void> {
    const { world, node, options, random, bootstrap } = this.parts
    const incarnation = ++this.incarnation
    const isAlive = (): boolean => this.incarnation === incarnation
    const environment: Environment = {
      clock: world.time.clock(isAlive),
      random: random.fork(`${node} ${incarnation}`),
      disk: this.disk,
      logger: silentLogger,
      metrics: noMetrics,
      transport: undefined as never,
    }
    const dissemination = new GossipDissemination({
      node,
      environment,
      options: resolveOptions({ ...options, bootstrap }, node),
      network: async () => {
        this.endpoint = new SimEndpoint(world, node)
        return this.parts.malice === 'silent' ? silenced(this.endpoint) : this.endpoint
      },
    })
    this.dissemination = dissemination
    await dissemination.start()
    await dissemination.join(this.host(environment, isAlive))
    if (this.parts.malice !== undefined) this.mischief(isAlive)
  }

  /** As a process ends that is asked to. */
  async stop(): Promise<void> {
    const { dissemination } = this
    this.dissemination = undefined
    await dissemination?.stop()
    this.incarnation++
    this.wake()
  }

  /** As a process ends that is killed; what it had committed stays. */
  crash(): void {
    this.incarnation++
    this.dissemination = undefined
    this.endpoint?.crash()
    this.wake()
  }

  private host(environment: Environment, isAlive: () => boolean): PeerChannelHost {
    const { members, orderer, node, mspId, malice, onBlock } = this.parts
    const peer = this
    const signer: Signer = {
      mspId,
      identity: identityOf(mspId, node),
      sign: (message) => keyedHash(identityOf(mspId, node), message),
    }
    return {
      channel: 'channel',
      mspId,
      node,
      environment,
      signer,
      directory: NO_DIRECTORY,
      get height() {
        return peer.chain.length
      },
      get committed() {
        return peer.chain.length + (malice === 'lies' ? 1_000 : 0)
      },
      async receive(block, from): Promise<BlockVerdict> {
        if (!isAlive()) throw new Error('the peer is gone')
        if (block.number < peer.chain.length) return 'known'
        if (block.number > peer.chain.length) return 'ahead'
        if (!isSigned(block)) peer.violations.push(`${node} took block ${block.number}, which no orderer signed`)
        peer.chain.push(block)
        onBlock(peer, block.number, from)
        peer.wake()
        return 'accepted'
      },
      async examine(block, { after, headerOnly = false }: Examination = {}): Promise<BlockFinding> {
        const tip = after ?? peer.chain.at(-1)
        if (block.number !== (tip === undefined ? 0 : tip.number + 1)) return 'not-next'
        if ((!headerOnly && !block.hasDataHash()) || !isSigned(block)) return 'bad'
        return Buffer.compare(block.header.previousHash, tip?.hash() ?? new Uint8Array(0)) === 0 ? 'good' : 'forked'
      },
      async block(number) {
        return malice === 'lies' ? forged(number) : peer.chain[number]
      },
      async *blocks(from, signal) {
        for (let number = from; !signal.aborted && isAlive(); ) {
          const block = peer.chain[number]
          if (block !== undefined) {
            number++
            yield block
          } else
            await new Promise<void>((resolve) => {
              peer.waiting.push(resolve)
              signal.addEventListener('abort', () => resolve(), { once: true })
            })
        }
      },
      orderers: () => [orderer],
      forked(held, other) {
        peer.violations.push(`${node} says that blocks ${held.number} and ${other.number} are a fork`)
      },
      member: (identity): ChannelMember => members.member(identity),
      async verify(identity, message, signature) {
        return Buffer.compare(signature, keyedHash(identity, message)) === 0
      },
      anchorPeers: () => [],
      onConfig: (listener) => members.onChange(listener),
    }
  }

  /** Sends what no honest peer sends, as long as it lives. */
  private mischief(isAlive: () => boolean): void {
    const { world, malice } = this.parts
    world.time.after(MISCHIEF, () => {
      if (!isAlive()) return
      const topic = [...(this.endpoint?.topics.values() ?? [])][0]
      const bad = malice === 'forges' ? forged(this.height) : malice === 'replays' ? this.chain[this.height - 5] : undefined
      if (bad !== undefined)
        void topic?.publish(blockMessage(bad, WHOLE_BLOCK_BYTES, `${world.time.now}`, Math.floor(world.time.now)))
      this.mischief(isAlive)
    })
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}

function forged(number: number): Block {
  return Block.create(number, new Uint8Array(32).fill(7), [Uint8Array.of(1, 2, 3)]).withMetadata({
    0: new Uint8Array(32).fill(9),
  })
}

/** Takes everything in and passes nothing on. */
function silenced(endpoint: SimEndpoint): SimEndpoint {
  const topic = endpoint.topic.bind(endpoint)
  endpoint.topic = (name, handlers) =>
    topic(name, {
      ...handlers,
      judge: async (from, data) => {
        await handlers.judge(from, data)
        return 'ignore'
      },
    })
  return endpoint
}
