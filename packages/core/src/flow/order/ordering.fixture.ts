import { ManualClock } from '../../adapters/environment/clock.ts'
import { noMetrics } from '../../adapters/environment/metrics.ts'
import { seededRandom } from '../../adapters/environment/random.ts'
import { silentLogger } from '../../adapters/environment/silent-logger.ts'
import type { ChannelDefinition } from '../../channel/genesis/definition.ts'
import { genesisBlock } from '../../channel/genesis/genesis-block.ts'
import { plainDefinition } from '../../channel/plain-channel.fixture.ts'
import { plainProvider, plainSigner } from '../../channel/plain-identity.fixture.ts'
import type { Block } from '../../model/block.ts'
import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '../../model/messages/common.ts'
import { transactionId } from '../../model/transaction-id.ts'
import type { BlockStore } from '../../ports/block-store.ts'
import type { Environment } from '../../ports/environment.ts'
import type { IdentityProvider, Signer } from '../../ports/identity.ts'
import type {
  ChannelHost,
  ConfigSubmission,
  Consenter,
  Decision,
  Ordered,
  OrderingConfig,
  OrderingService,
  Submission,
  Tip,
} from '../../ports/ordering-service.ts'
import type { RemoteNode, Transport } from '../../ports/transport.ts'
import { OrderingHost, type OrderingHostOptions } from './ordering-host.ts'

export const client: Signer = plainSigner('Org1MSP', 'client')

let nonces = 0

/** An envelope as a client sends it: type, channel, content, signer. */
export async function envelope(
  text: string,
  {
    type = HeaderType.ENDORSER_TRANSACTION as number,
    channel = 'trade',
    signer = client,
    signature = undefined as Uint8Array | undefined,
    txId = undefined as string | undefined,
    size = 0,
  } = {},
): Promise<Uint8Array> {
  const nonce = Buffer.from(`nonce ${++nonces}`.padEnd(24))
  const header = {
    channelHeader: ChannelHeader.encode({ type, channelId: channel, txId: txId ?? transactionId(nonce, signer.identity) }),
    signatureHeader: SignatureHeader.encode({ creator: signer.identity, nonce }),
  }
  const payload = Payload.encode({ header, data: Buffer.from(text.padEnd(size, '.')) })
  return Envelope.encode({ payload, signature: signature ?? (await signer.sign(payload)) })
}

/** What the envelopes of a block say. */
export function textsOf(block: Block): string[] {
  return block.data.map((_, i) => Buffer.from(block.envelope(i).data).toString())
}

/** Blocks in memory. `hold` keeps appends from becoming durable until `release`; `fail` makes the next one fail. */
export class HeldStore implements BlockStore {
  readonly blocks: Block[]
  /** Sizes of the groups that were appended together. */
  readonly groups: number[] = []
  private held: PromiseWithResolvers<void> | undefined
  private failure: Error | undefined

  constructor(blocks: readonly Block[]) {
    this.blocks = [...blocks]
  }

  get height(): number {
    return this.blocks.length
  }

  get lastHash(): Uint8Array | undefined {
    return this.blocks.at(-1)?.hash()
  }

  hold(): void {
    this.held ??= Promise.withResolvers()
  }

  release(): void {
    this.held?.resolve()
    this.held = undefined
  }

  fail(error: Error): void {
    this.failure = error
  }

  append(block: Block): Promise<void> {
    return this.appendAll([block])
  }

  async appendAll(blocks: readonly Block[]): Promise<void> {
    await this.held?.promise
    if (this.failure !== undefined) throw this.failure
    for (const block of blocks) {
      if (block.number !== this.height) throw new RangeError(`block ${block.number} at height ${this.height}`)
      this.blocks.push(block)
    }
    this.groups.push(blocks.length)
  }

  async get(number: number): Promise<Block | undefined> {
    return this.blocks[number]
  }

  async byHash(): Promise<Block | undefined> {
    return undefined
  }

  async transaction(): Promise<undefined> {
    return undefined
  }

  async knownTransactions(): Promise<ReadonlySet<string>> {
    return new Set()
  }

  async *read(from: number): AsyncIterable<Block> {
    yield* this.blocks.slice(from)
  }

  async close(): Promise<void> {}
}

/** Connects nodes of one test; what a node serves, others reach at once. */
export class Wire {
  private readonly nodes = new Map<string, WireTransport>()

  node(name: string, identity: Uint8Array): Transport {
    const node = new WireTransport({ name, identity }, this.nodes)
    this.nodes.set(name, node)
    return node
  }
}

class WireTransport implements Transport {
  readonly self: string
  readonly messages = new Map<string, (from: RemoteNode, message: Uint8Array) => void>()
  readonly streams = new Map<string, Parameters<Transport['onStream']>[2]>()
  private readonly remote: RemoteNode
  private readonly nodes: ReadonlyMap<string, WireTransport>

  constructor(remote: RemoteNode, nodes: ReadonlyMap<string, WireTransport>) {
    this.self = remote.name
    this.remote = remote
    this.nodes = nodes
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  send({ to, service, channel }: Parameters<Transport['send']>[0], message: Uint8Array): void {
    this.nodes.get(to)?.messages.get(`${service}/${channel}`)?.(this.remote, message)
  }

  onMessage(service: string, channel: string, handler: (from: RemoteNode, message: Uint8Array) => void): void {
    this.messages.set(`${service}/${channel}`, handler)
  }

  request(): Promise<Uint8Array> {
    throw new TypeError('nobody answers')
  }

  onRequest(): void {}

  async *stream(
    { to, service, channel }: Parameters<Transport['stream']>[0],
    message: Uint8Array,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const handler = this.nodes.get(to)?.streams.get(`${service}/${channel}`)
    if (handler === undefined) throw new Error(`${to} does not serve ${service}`)
    yield* handler(this.remote, message, signal ?? new AbortController().signal)
  }

  onStream(service: string, channel: string, handler: Parameters<Transport['onStream']>[2]): void {
    this.streams.set(`${service}/${channel}`, handler)
  }

  withdraw(service: string, channel: string): void {
    this.messages.delete(`${service}/${channel}`)
    this.streams.delete(`${service}/${channel}`)
  }
}

/** A consensus that does what the test says: what was submitted waits in `waiting` until the test decides it. */
export class ScriptedConsensus implements Consenter, OrderingService {
  host!: ChannelHost
  readonly waiting: { submission: Submission; signal: AbortSignal | undefined; outcome: PromiseWithResolvers<Ordered> }[] = []
  readonly configs: { submission: ConfigSubmission; outcome: PromiseWithResolvers<Ordered> }[] = []
  readonly received: { from: string; text: string }[] = []
  readonly adoptedTips: Tip[] = []
  readonly failure = Promise.withResolvers<never>()
  readonly failed: Promise<never> = this.failure.promise
  metadataRule: (previous: OrderingConfig | undefined, next: OrderingConfig) => void = () => {}

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  join(host: ChannelHost): OrderingService {
    this.host = host
    return this
  }

  validateMetadata(previous: OrderingConfig | undefined, next: OrderingConfig): void {
    this.metadataRule(previous, next)
  }

  isConsenter(): boolean {
    return true
  }

  submit(submission: Submission, signal?: AbortSignal): Promise<Ordered> {
    const outcome = Promise.withResolvers<Ordered>()
    this.waiting.push({ submission, signal, outcome })
    return outcome.promise
  }

  configure(submission: ConfigSubmission): Promise<Ordered> {
    const outcome = Promise.withResolvers<Ordered>()
    this.configs.push({ submission, outcome })
    return outcome.promise
  }

  receive(from: string, message: Uint8Array): void {
    this.received.push({ from, text: Buffer.from(message).toString() })
  }

  adopted(tip: Tip): void {
    this.adoptedTips.push(tip)
  }

  status(): Readonly<Record<string, unknown>> {
    return { waiting: this.waiting.length }
  }

  /** Puts everything that waits into one block and answers when it is durable. */
  decideAll(decision: Partial<Decision> = {}): void {
    const batch = this.waiting.splice(0)
    const envelopes = batch.map(({ submission }) => submission.envelope)
    const { number, durable } = this.host.decide({
      batch: { envelopes, isConfig: false },
      consenterMetadata: NOTHING,
      ...decision,
    })
    for (const { outcome } of batch) durable.then(() => outcome.resolve({ blockNumber: number }), outcome.reject)
  }

  decideConfig(): void {
    const { submission, outcome } = this.configs.shift()!
    const { number, durable } = this.host.decide({
      batch: { envelopes: [submission.envelope], isConfig: true },
      consenterMetadata: NOTHING,
    })
    durable.then(() => outcome.resolve({ blockNumber: number }), outcome.reject)
  }
}

const NOTHING = new Uint8Array(0)

export interface TestOrderer extends AsyncDisposable {
  readonly host: OrderingHost
  readonly consensus: ScriptedConsensus
  readonly store: HeldStore
  readonly clock: ManualClock
}

export interface TestOrdererOptions {
  readonly name?: string
  readonly definition?: Partial<ChannelDefinition>
  readonly store?: HeldStore
  readonly wire?: Wire
  readonly provider?: IdentityProvider
  readonly members?: readonly string[]
  readonly options?: Partial<OrderingHostOptions>
}

export const testGenesis = (definition: Partial<ChannelDefinition> = {}): Block => genesisBlock(plainDefinition(definition))

export function testEnvironment(transport: Transport, clock: ManualClock = new ManualClock()): Environment {
  const disk = undefined as unknown as Environment['disk']
  return { clock, random: seededRandom(transport.self), disk, transport, logger: silentLogger, metrics: noMetrics }
}

/** An ordering node with one channel, in memory, on a clock that stands still. */
export async function testOrderer(given: TestOrdererOptions = {}): Promise<TestOrderer> {
  const { name = 'orderer0', wire = new Wire(), members = [name] } = given
  const store = given.store ?? new HeldStore([testGenesis(given.definition)])
  const signer = plainSigner('OrdererMSP', 'orderer', name)
  const clock = new ManualClock()
  const consensus = new ScriptedConsensus()
  const host = await OrderingHost.open({
    channel: 'trade',
    store,
    consenter: consensus,
    provider: given.provider ?? plainProvider,
    signer,
    environment: testEnvironment(wire.node(name, signer.identity), clock),
    members: () => members,
    ...given.options,
  })
  await host.start()
  return { host, consensus, store, clock, [Symbol.asyncDispose]: () => host.stop() }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
