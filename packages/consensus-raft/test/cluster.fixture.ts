import { type Block, ConfigUpdate, type EtcdRaftConsenter, type EtcdRaftOptions, SerializedIdentity } from '@heddle/core/model'
import type { Consenter, Ordered, Plugin } from '@heddle/core/plugin'
import { etcdraftMetadata, type OrderError, readEtcdraftMetadata } from '@heddle/core/plugin'
import {
  type BatchLimits,
  BlockFileStore,
  computeConfigUpdate,
  configUpdateEnvelope,
  genesisBlock,
  InProcessHub,
  MemoryMetrics,
  OrderingHost,
  seededRandom,
  setConsensusMetadata,
  signConfigUpdate,
  silentLogger,
  systemClock,
} from '@heddle/core/testing'
import {
  type FaultyDisk,
  faultyDisk,
  keyedHashMsp,
  keyedHashProvider,
  keyedHashSigner,
  plainEnvelope,
  textsOf,
  until,
} from '@heddle/testkit'
import raft, { type RaftOptions } from '../src/index.ts'

export const CHANNEL = 'fleet'
/** Longest that anything in these tests may take, milliseconds. Nothing waits for it that works. */
export const PATIENCE = 20_000

/** Shorter than the defaults: all nodes share one thread that does nothing else. */
export const QUICK: RaftOptions = { electionTimeout: 150, heartbeat: 30, submitTimeout: 5000, outcomeTimeout: 10_000 }

export interface ClusterOptions {
  readonly options?: RaftOptions
  readonly batchSize?: Partial<BatchLimits>
  /** Tells clusters of one test apart. */
  readonly seed?: string
}

const certificateOf = (name: string): Uint8Array => Buffer.from(`orderer:${name}`)

export function consenterOf(name: string, certificate = name): EtcdRaftConsenter {
  const cert = certificateOf(certificate)
  return { host: name, port: 7050, clientTlsCert: cert, serverTlsCert: cert }
}

interface Life {
  readonly host: OrderingHost
  readonly consenter: Consenter
  readonly store: BlockFileStore
  stopTransport(): Promise<void>
}

/** An ordering node that can be stopped, killed, wiped and started again. */
export class ClusterNode {
  readonly name: string
  readonly metrics = new MemoryMetrics()
  disk: FaultyDisk
  /** Name in its certificate. */
  certificate: string
  private readonly cluster: Cluster
  private life: Life | undefined
  private starts = 0

  constructor(cluster: Cluster, name: string) {
    this.cluster = cluster
    this.name = name
    this.certificate = name
    this.disk = faultyDisk({ random: seededRandom(`${cluster.seed} disk of ${name}`) })
  }

  get running(): boolean {
    return this.life !== undefined
  }

  get host(): OrderingHost {
    if (this.life === undefined) throw new Error(`${this.name} is down`)
    return this.life.host
  }

  /** status() of the plugin. */
  get raft(): RaftStatus {
    return this.host.status().consensus as unknown as RaftStatus
  }

  async start(): Promise<void> {
    const { hub, seed, genesis, names } = this.cluster
    const signer = keyedHashSigner('OrdererMSP', 'orderer', this.certificate)
    const transport = hub.connect({ name: this.name, identity: signer.identity })
    const random = seededRandom(`${seed} ${this.name} ${this.starts++}`)
    const environment = { clock: systemClock, random, disk: this.disk, transport, logger: silentLogger, metrics: this.metrics }
    const place = { disk: this.disk, folder: `ledgers/${CHANNEL}/blocks`, random, logger: silentLogger }
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
    const consenter = await (raft as Plugin<'ordering', RaftOptions>).create(context, this.cluster.options)
    try {
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
      host.failed.catch(() => {})
      this.life = { host, consenter, store, stopTransport: () => transport.stop() }
      await host.start()
    } catch (error) {
      this.life = undefined
      await consenter.stop().catch(() => {})
      await transport.stop()
      await store.close()
      throw error
    }
  }

  async stop(): Promise<void> {
    const { life } = this
    this.life = undefined
    if (life === undefined) return
    await life.host.stop()
    await life.consenter.stop()
    await life.stopTransport()
    await life.store.close()
  }

  /** Loses the power: nobody says goodbye, and what was not synced is lost. */
  async kill(): Promise<void> {
    const { life } = this
    this.life = undefined
    if (life === undefined) return
    this.disk.crash()
    await life.stopTransport()
    for (const part of [life.host, life.consenter]) await part.stop().catch(() => {})
    await life.store.close().catch(() => {})
  }

  /** A new, empty disk. */
  wipe(): void {
    this.disk = faultyDisk({ random: seededRandom(`${this.cluster.seed} new disk of ${this.name}`) })
  }

  /** Durable blocks up to `to`; waits for those to come. */
  async blocks(to: number): Promise<Block[]> {
    const blocks: Block[] = []
    for await (const block of this.host.deliver(0, undefined, to)) blocks.push(block)
    return blocks
  }
}

export interface RaftStatus {
  readonly node: number
  readonly role: string
  readonly leader: number
  readonly leaderNode: string | null
  readonly term: number
  readonly silent: string
  readonly firstIndex: number
  readonly lastIndex: number
  readonly snapshotIndex: number
  readonly members: readonly { readonly id: number; readonly host: string; readonly votes: boolean; readonly alive?: boolean }[]
}

/** What became of a submission. */
export interface Outcome {
  readonly text: string
  readonly ordered: Ordered | undefined
  readonly error: OrderError | undefined
}

/** Raft nodes of one channel in one process. */
export class Cluster {
  readonly hub = new InProcessHub()
  readonly nodes = new Map<string, ClusterNode>()
  readonly names: string[] = []
  readonly genesis: Block
  readonly options: RaftOptions
  readonly seed: string
  private nonces = 0
  private readonly client = keyedHashSigner('ClientMSP', 'client', 'one')
  private readonly admin = keyedHashSigner('OrdererMSP', 'admin', 'one')

  constructor(count: number, { options = {}, batchSize = {}, seed = 'cluster' }: ClusterOptions = {}) {
    this.options = { ...QUICK, ...options }
    this.seed = seed
    const names = Array.from({ length: count }, (_, i) => `orderer${i}`)
    this.genesis = genesisBlock({
      channel: CHANNEL,
      ordering: {
        type: 'etcdraft',
        metadata: raft.genesisMetadata!(
          names.map((name) => ({
            name,
            mspId: 'OrdererMSP',
            identity: SerializedIdentity.encode({ mspid: 'OrdererMSP', idBytes: certificateOf(name) }),
          })),
          this.options as never,
        ),
        batchSize,
        batchTimeout: 3_600_000,
        organizations: [{ name: 'OrdererOrg', mspConfig: keyedHashMsp('OrdererMSP') }],
      },
      application: { organizations: [{ name: `ClientOrg${seed}`, mspConfig: keyedHashMsp('ClientMSP') }] },
    })
    for (const name of names) this.node(name)
  }

  /** The node of a name; a new one is known to the others by name at once, as an orderer's address is. */
  node(name: string): ClusterNode {
    let node = this.nodes.get(name)
    if (node === undefined) {
      node = new ClusterNode(this, name)
      this.nodes.set(name, node)
      this.names.push(name)
    }
    return node
  }

  get up(): readonly ClusterNode[] {
    return [...this.nodes.values()].filter(({ running }) => running)
  }

  async start(): Promise<void> {
    await Promise.all([...this.nodes.values()].filter(({ running }) => !running).map((node) => node.start()))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.stop()))
  }

  /** The node that leads, once one does. */
  async leader(among: readonly ClusterNode[] = this.up): Promise<ClusterNode> {
    const find = () =>
      among.filter(({ running, raft }) => running && raft.role === 'leader').sort((a, b) => b.raft.term - a.raft.term)[0]
    await until(PATIENCE, () => find() !== undefined, 'a leader')
    return find()!
  }

  async follower(): Promise<ClusterNode> {
    const leader = await this.leader()
    return this.up.find((node) => node !== leader)!
  }

  envelope(text: string, size = 0): Promise<Uint8Array> {
    return plainEnvelope(this.client, CHANNEL, ++this.nonces, text, size)
  }

  async submit(node: ClusterNode, text: string, size = 0): Promise<Ordered> {
    return node.host.broadcast(await this.envelope(text, size))
  }

  /** Never rejects. */
  async attempt(node: ClusterNode, text: string, size = 0): Promise<Outcome> {
    const envelope = await this.envelope(text, size)
    try {
      return { text, ordered: await node.host.broadcast(envelope), error: undefined }
    } catch (error) {
      return { text, ordered: undefined, error: error as OrderError }
    }
  }

  /** Changes the channel's etcdraft metadata by a config update through a node. */
  async change(
    node: ClusterNode,
    edit: (consenters: readonly EtcdRaftConsenter[]) => readonly EtcdRaftConsenter[],
    options: Partial<EtcdRaftOptions> = {},
  ): Promise<Ordered> {
    const { config, ordering } = node.host.config
    const metadata = readEtcdraftMetadata(ordering.consensusMetadata)
    const next = setConsensusMetadata(config, etcdraftMetadata(edit(metadata.consenters), { ...metadata.options, ...options }))
    return node.host.broadcast(await this.updateEnvelope(ConfigUpdate.encode(computeConfigUpdate(CHANNEL, config, next))))
  }

  private async updateEnvelope(bytes: Uint8Array): Promise<Uint8Array> {
    const nonce = Buffer.from(`config ${++this.nonces}`.padEnd(24))
    return configUpdateEnvelope(bytes, [await signConfigUpdate(bytes, this.admin, nonce)], this.admin, { timestamp: 0, nonce })
  }

  /** All running nodes have the same durable blocks up to the longest chain among them. Gives what the envelopes say. */
  async agree(): Promise<string[]> {
    const height = Math.max(...this.up.map(({ host }) => host.height))
    await until(
      PATIENCE,
      () => this.up.every(({ host }) => host.height >= height),
      () => `all nodes at height ${height}: ${this.describe()}`,
    )
    const chains = await Promise.all(this.up.map((node) => node.blocks(height - 1)))
    const [first = [], ...others] = chains.map((blocks) => blocks.map((block) => Buffer.from(block.hash()).toString('hex')))
    for (const other of others) if (`${other}` !== `${first}`) throw new Error('the chains differ')
    return textsOf(chains[0]!)
  }

  describe(): string {
    return JSON.stringify(this.up.map((node) => ({ name: node.name, height: node.host.height, ...node.raft })))
  }
}
