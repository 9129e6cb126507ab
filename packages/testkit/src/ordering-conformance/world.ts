import { type Block, ConfigUpdate } from '@heddle/core/model'
import type { Consenter, Environment, Ordered, Plugin } from '@heddle/core/plugin'
import {
  type BatchLimits,
  BlockFileStore,
  computeConfigUpdate,
  configUpdateEnvelope,
  genesisBlock,
  InProcessHub,
  noMetrics,
  OrderingHost,
  seededRandom,
  setBatchSize,
  signConfigUpdate,
  silentLogger,
  systemClock,
} from '@heddle/core/testing'
import { CrashDisk } from './crash-disk.ts'
import { keyedHashMsp, keyedHashProvider, keyedHashSigner } from './keyed-hash-identity.ts'
import { plainEnvelope } from './plain-envelope.ts'

export const CHANNEL = 'conformance'

/** An hour: whatever a rule of the suite sees happen did not wait for the batch timeout. */
const BATCH_TIMEOUT = 3_600_000

export interface WorldOptions {
  readonly plugin: Plugin<'ordering', never>
  readonly options: unknown
  readonly nodes: number
  readonly metadata: Uint8Array
  readonly batchSize?: Partial<BatchLimits>
  readonly batchTimeout?: number
}

/** An ordering node that can stop, crash and come back. */
export class WorldNode {
  readonly name: string
  private readonly world: World
  private readonly disk = new CrashDisk()
  private running: { host: OrderingHost; consenter: Consenter; store: BlockFileStore; environment: Environment } | undefined

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
  }

  get host(): OrderingHost {
    if (this.running === undefined) throw new Error(`${this.name} is down`)
    return this.running.host
  }

  async start(): Promise<void> {
    const { plugin, options, genesis, hub, names } = this.world
    const signer = keyedHashSigner('OrdererMSP', 'orderer', this.name)
    const random = seededRandom(`${this.name} ${this.world.starts++}`)
    const transport = hub.connect({ name: this.name, identity: signer.identity })
    const environment: Environment = {
      clock: systemClock,
      random,
      disk: this.disk.mount(),
      transport,
      logger: silentLogger,
      metrics: noMetrics,
    }
    const place = { disk: environment.disk, folder: `ledgers/${CHANNEL}/blocks`, random, logger: silentLogger }
    const store = await BlockFileStore.open(place)
    if (store.height === 0) await store.append(genesis)
    await transport.start()
    const context = {
      node: this.name,
      mspId: 'OrdererMSP',
      identity: signer.identity,
      environment,
      signatures: undefined as never,
    }
    const consenter = await plugin.create(context, options as never)
    await consenter.start()
    const host = await OrderingHost.open({
      channel: CHANNEL,
      store,
      consenter,
      provider: keyedHashProvider,
      signer,
      environment,
      members: () => names,
    })
    this.running = { host, consenter, store, environment }
    await host.start()
  }

  async stop(): Promise<void> {
    const { running } = this
    if (running === undefined) return
    this.running = undefined
    await running.host.stop()
    await running.consenter.stop()
    await running.environment.transport.stop()
    await running.store.close()
  }

  /** Loses the power: nothing that was not synced survives, nobody says goodbye. */
  async crash(): Promise<void> {
    const { running } = this
    if (running === undefined) return
    this.running = undefined
    await this.disk.crash()
    // What is left of the process is only taken out of the way; it cannot write any more.
    await running.environment.transport.stop()
    await running.host.stop().catch(() => {})
    await running.consenter.stop().catch(() => {})
    await running.store.close().catch(() => {})
  }

  /** Durable blocks from the genesis block to `to`; waits for those to come. */
  async blocks(to: number): Promise<Block[]> {
    const blocks: Block[] = []
    for await (const block of this.host.deliver(0, undefined, to)) blocks.push(block)
    return blocks
  }

  submit(envelope: Uint8Array, signal?: AbortSignal): Promise<Ordered> {
    return this.host.broadcast(envelope, signal)
  }
}

/** The ordering nodes of one channel in one process, with keyed-hash identities. */
export class World {
  readonly plugin: Plugin<'ordering', never>
  readonly options: unknown
  readonly nodes: readonly WorldNode[]
  readonly names: readonly string[]
  readonly genesis: Block
  readonly hub = new InProcessHub()
  starts = 0
  private nonces = 0
  private readonly client = keyedHashSigner('ClientMSP', 'client', 'one')
  private readonly admin = keyedHashSigner('OrdererMSP', 'admin', 'one')

  constructor({ plugin, options, nodes, metadata, batchSize = {}, batchTimeout = BATCH_TIMEOUT }: WorldOptions) {
    this.plugin = plugin
    this.options = options
    this.names = Array.from({ length: nodes }, (_, i) => `orderer${i}`)
    this.genesis = genesisBlock({
      channel: CHANNEL,
      ordering: {
        type: plugin.capabilities.consensusType ?? plugin.name,
        metadata,
        batchSize,
        batchTimeout,
        organizations: [{ name: 'OrdererOrg', mspConfig: keyedHashMsp('OrdererMSP') }],
      },
      application: { organizations: [{ name: 'ClientOrg', mspConfig: keyedHashMsp('ClientMSP') }] },
    })
    this.nodes = this.names.map((name) => new WorldNode(this, name))
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  node(index: number): WorldNode {
    return this.nodes[index % this.nodes.length]!
  }

  /** An envelope that says `text`, padded to `size` bytes of content. */
  envelope(text: string, size = 0): Promise<Uint8Array> {
    return plainEnvelope(this.client, CHANNEL, ++this.nonces, text, size)
  }

  envelopes(count: number, prefix = 'tx'): Promise<Uint8Array[]> {
    return Promise.all(Array.from({ length: count }, (_, i) => this.envelope(`${prefix}${i}`)))
  }

  /** A config update, computed from the configuration that a node has now. */
  async configUpdate(node: WorldNode, maxMessageCount: number): Promise<Uint8Array> {
    const { config } = node.host.config
    const nonce = Buffer.from(`config ${++this.nonces}`.padEnd(24))
    const update = computeConfigUpdate(CHANNEL, config, setBatchSize(config, { maxMessageCount }))
    const bytes = ConfigUpdate.encode(update)
    const signature = await signConfigUpdate(bytes, this.admin, nonce)
    return configUpdateEnvelope(bytes, [signature], this.admin, { timestamp: 0, nonce })
  }
}
