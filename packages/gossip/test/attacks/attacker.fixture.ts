import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createNetwork, defineChaincode, type Network, type UserIdentity } from '@heddle/core'
import type { Signer } from '@heddle/core/plugin'
import { makeBinding } from '../../src/binding/binding.ts'
import gossip, { type GossipOptions } from '../../src/index.ts'
import { Libp2pLink, Libp2pNetwork } from '../../src/libp2p/libp2p-network.ts'
import { LINK_PROTOCOL } from '../../src/links/session.ts'
import type { FrameStream, Judgement, Link, Topic } from '../../src/network.ts'
import { resolveOptions } from '../../src/options.ts'
import { LinkMessage, type Signed } from '../../src/wire/messages.ts'

export const CHANNEL = 'main'
export const VICTIM = 'peer0.org1'

const counter = defineChaincode({
  put: async (stub, key, value) => {
    await stub.putState(key!, Buffer.from(value!))
    return 'done'
  },
})

/** What a peer tells of its gossip. */
export interface Status {
  readonly isLeader: boolean
  readonly neighbours: readonly { readonly peer: string; readonly node: string }[]
  readonly blocks: { readonly gossip: number; readonly pull: number; readonly orderer: number }
  readonly waiting: number
  readonly early: number
  readonly mesh: number
  readonly node: {
    readonly peer: string
    readonly addresses: readonly string[]
    readonly connections: number
    readonly unproven: number
    readonly refused: Readonly<Record<string, number>>
  }
}

/** Two organisations with two peers each, whose honest peers must not notice what is done to one of them. */
export class Target {
  readonly network: Network
  private sent = 0

  private constructor(network: Network) {
    this.network = network
  }

  static async start(options: GossipOptions = {}): Promise<Target> {
    const network = await createNetwork({
      organizations: [
        { name: 'Org1', peers: 2 },
        { name: 'Org2', peers: 2 },
      ],
      base: import.meta.url,
      dissemination: { use: gossip, options: { transport: 'memory', antiEntropy: { interval: 100, grace: 50 }, ...options } },
      chaincodes: { counter: { chaincode: counter } },
      log: { level: 'silent' },
    })
    const target = new Target(network)
    await until('the peers are connected', () => network.peers.every(({ name }) => target.status(name).neighbours.length >= 3))
    return target
  }

  status(peer = VICTIM): Status {
    const found = this.network
      .peer(peer)
      .status()
      .channels.find(({ channel }) => channel === CHANNEL)
    return found!.dissemination as unknown as Status
  }

  async submit(count: number): Promise<void> {
    const contract = this.network.gateway('Org2').contract('counter')
    for (let i = 0; i < count; i++) await contract.submit('put', `key${this.sent++}`, 'value')
  }

  /** Transactions go through and all peers agree; throws otherwise. */
  async isUnaffected(): Promise<void> {
    await this.submit(3)
    const { peers } = this.network
    const height = Math.max(...peers.map((peer) => peer.height(CHANNEL)))
    await Promise.all(peers.map((peer) => peer.reach(CHANNEL, height)))
    const hashes = new Set(peers.map((peer) => peer.commitHash(CHANNEL)))
    if (hashes.size !== 1) throw new Error('peers disagree')
    const halted = peers.flatMap((peer) => peer.status().channels.filter((channel) => channel.halted !== undefined))
    if (halted.length > 0) throw new Error(JSON.stringify(halted))
    await until('honest peers stay connected', () => peers.every(({ name }) => this.status(name).neighbours.length >= 3))
  }

  stop(): Promise<void> {
    return this.network.stop()
  }
}

let attackers = 0

/** A peer that speaks the protocols as it likes. */
export class Attacker {
  readonly network: Libp2pNetwork

  private constructor(network: Libp2pNetwork) {
    this.network = network
  }

  static async start(): Promise<Attacker> {
    const { connections, mesh } = resolveOptions({}, 'attacker')
    const number = attackers++
    const seed = new Uint8Array(32).fill(number + 1)
    const listen = [`/memory/attacker-${number}`]
    return new Attacker(await Libp2pNetwork.start({ seed, listen, announce: [], connections, mesh }))
  }

  /** A statement of its own, signed by somebody. */
  hello(who: UserIdentity, change: Partial<{ peer: string; notAfter: number }> = {}): Promise<Signed> {
    const about = { peer: this.network.self, node: 'attacker', addresses: [], notAfter: Date.now() + 60_000, ...change }
    return makeBinding(who.signer as Signer, about)
  }

  dial(target: Target, peer = VICTIM): Promise<Link> {
    return this.network.dial(target.status(peer).node.addresses[0]!, AbortSignal.timeout(5_000))
  }

  /** Connects, proves what it is told to prove, and listens. */
  async connect(target: Target, hello: Signed, peer = VICTIM): Promise<Conversation> {
    const link = await this.dial(target, peer)
    const stream = await link.open(LINK_PROTOCOL, AbortSignal.timeout(5_000))
    const conversation = new Conversation(link, stream)
    await stream.send(LinkMessage.encode({ hello }))
    return conversation
  }

  /** Connects as a member that has joined the channel, and is admitted to the topic of Org1. */
  async infiltrate(target: Target, who: UserIdentity, height = 1): Promise<Conversation & { topic: Topic }> {
    const conversation = await this.connect(target, await this.hello(who))
    await conversation.heard((message) => message.hello !== undefined)
    await conversation.say({ state: { channels: [{ channel: CHANNEL, height }] } })
    const topic = await this.topic(conversation.link)
    await until('the attacker is in the topic', () => topic.mesh().length > 0 && topic.mute().length === 0)
    return Object.assign(conversation, { topic })
  }

  async topic(link: Link, judge: (data: Uint8Array) => Judgement = () => 'accept'): Promise<Topic> {
    const topic = await this.network.topic(`heddle/1/${CHANNEL}/Org1MSP`, {
      judge: async (_from, data) => judge(data),
      expects: () => true,
    })
    topic.admit(link)
    return topic
  }

  /** Bytes on gossipsub's own stream. */
  async raw(link: Link, protocol: string): Promise<{ send(bytes: Uint8Array): boolean; abort(error: Error): void }> {
    return (link as Libp2pLink).connection.newStream(protocol)
  }

  stop(): Promise<void> {
    return this.network.stop()
  }
}

/** The messages of one link stream, as the attacker sees them. */
export class Conversation {
  readonly link: Link
  readonly stream: FrameStream
  readonly messages: LinkMessage[] = []
  closed = false
  private wake: () => void = () => {}

  constructor(link: Link, stream: FrameStream) {
    this.link = link
    this.stream = stream
    link.onClose(() => {
      this.closed = true
      this.wake()
    })
    void this.listen()
  }

  say(message: Parameters<typeof LinkMessage.encode>[0]): Promise<void> {
    return this.stream.send(LinkMessage.encode(message))
  }

  async heard(wanted: (message: LinkMessage) => boolean): Promise<LinkMessage> {
    for (;;) {
      const found = this.messages.find(wanted)
      if (found !== undefined) return found
      if (this.closed) throw new Error('the connection was closed')
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  /** Resolves when the other side closes the connection. */
  async ended(): Promise<void> {
    while (!this.closed)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
  }

  private async listen(): Promise<void> {
    try {
      for await (const frame of this.stream.frames(1 << 20)) {
        this.messages.push(LinkMessage.decode(frame))
        if (this.messages.length > 1000) this.messages.shift()
        this.wake()
      }
    } catch {
      // Closed by the other side.
    }
  }
}

export async function until(what: string, holds: () => boolean, milliseconds = 15_000): Promise<void> {
  const end = performance.now() + milliseconds
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

setFlagsFromString('--expose_gc')
const gc = runInNewContext('gc') as () => void

/** Megabytes that are in use after a collection. */
export function heldMegabytes(): number {
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / (1024 * 1024)
}
