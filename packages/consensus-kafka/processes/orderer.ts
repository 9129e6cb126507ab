import { randomBytes } from 'node:crypto'
import { ChannelHeader, ConfigUpdate, Envelope, HeaderType, Payload, SignatureHeader } from '@heddle/core/model'
import {
  type ChannelHost,
  type Consenter,
  type Environment,
  type LocalNodes,
  type OrderingService,
  type Plugin,
} from '@heddle/core/plugin'
import {
  BlockFileStore,
  computeConfigUpdate,
  configUpdateEnvelope,
  fileDisk,
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
import { keyedHashMsp, keyedHashProvider, keyedHashSigner } from '../../testkit/src/ordering-conformance/keyed-hash-identity.ts'
import kafka, { type KafkaOptions } from '../src/index.ts'

export const CHANNEL = 'orders'

export interface OrdererPlace {
  readonly name: string
  /** Names of all orderers of the channel. */
  readonly members: readonly string[]
  readonly folder: string
  /** Tells chains apart: networks of one tag have the same genesis block. */
  readonly tag: string
  readonly options: KafkaOptions
  readonly maxMessageCount?: number
  readonly batchTimeout?: number
  readonly local?: LocalNodes
}

/** An ordering node on the real disk with the real clock, as a network runs it, but for identities that are keyed hashes. */
export interface Orderer {
  readonly host: OrderingHost
  /** What the host gives to the plugin. */
  readonly channel: ChannelHost
  /** What the plugin made of it: the ordering port. */
  readonly service: OrderingService
  stop(): Promise<void>
}

const client = keyedHashSigner('ClientMSP', 'client', 'one')
const admin = keyedHashSigner('OrdererMSP', 'admin', 'one')

export async function startOrderer(
  place: OrdererPlace,
  wrap: (channel: ChannelHost) => ChannelHost = (host) => host,
): Promise<Orderer> {
  const { name, members, folder, tag, options, local } = place
  const plugin: Plugin<'ordering', KafkaOptions> = kafka
  const signer = keyedHashSigner('OrdererMSP', 'orderer', name)
  const transport = new InProcessHub().connect({ name, identity: signer.identity })
  // Not the same numbers after a restart: they name the producer.
  const random = seededRandom(`${name} ${process.pid} ${process.hrtime.bigint()}`)
  const disk = fileDisk(folder)
  const environment: Environment = { clock: systemClock, random, disk, transport, logger: silentLogger, metrics: noMetrics }
  const store = await BlockFileStore.open({ disk, folder: 'blocks', random, logger: silentLogger }, { transactions: false })
  if (store.height === 0) {
    await store.append(
      genesisBlock(
        {
          channel: CHANNEL,
          ordering: {
            type: 'kafka',
            metadata: Buffer.from(tag),
            batchSize: place.maxMessageCount === undefined ? {} : { maxMessageCount: place.maxMessageCount },
            batchTimeout: place.batchTimeout ?? 2000,
            organizations: [{ name: 'OrdererOrg', mspConfig: keyedHashMsp('OrdererMSP') }],
          },
          application: { organizations: [{ name: 'ClientOrg', mspConfig: keyedHashMsp('ClientMSP') }] },
        },
        { timestamp: 0 },
      ),
    )
  }
  await transport.start()
  const context = {
    node: name,
    mspId: 'OrdererMSP',
    identity: signer.identity,
    environment,
    signatures: undefined as never,
    ...(local === undefined ? {} : { local }),
  }
  const made = await plugin.create(context, options)
  let channel: ChannelHost | undefined
  let service: OrderingService | undefined
  const consenter: Consenter = {
    start: () => made.start(),
    stop: () => made.stop(),
    join(given) {
      channel = wrap(given)
      service = made.join(channel)
      return service
    },
    validateMetadata: (previous, next) => made.validateMetadata(previous, next),
    isConsenter: (config, identity) => made.isConsenter(config, identity),
  }
  await consenter.start()
  const host = await OrderingHost.open({
    channel: CHANNEL,
    store,
    consenter,
    provider: keyedHashProvider,
    signer,
    environment,
    members: () => members,
  })
  await host.start()
  return {
    host,
    channel: channel!,
    service: service!,
    async stop() {
      await host.stop()
      await consenter.stop()
      await transport.stop()
      await store.close()
    },
  }
}

/** A config update, computed from the configuration that a node has now. */
export async function configUpdate(host: OrderingHost, maxMessageCount: number): Promise<Uint8Array> {
  const { config } = host.config
  const nonce = randomBytes(24)
  const update = computeConfigUpdate(CHANNEL, config, setBatchSize(config, { maxMessageCount }))
  const bytes = ConfigUpdate.encode(update)
  const signature = await signConfigUpdate(bytes, admin, nonce)
  return configUpdateEnvelope(bytes, [signature], admin, { timestamp: 0, nonce })
}

/** A transaction of about `size` bytes that says `id`. */
export function transaction(id: string, size: number): Uint8Array {
  const header = {
    channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId: CHANNEL, txId: id }),
    signatureHeader: SignatureHeader.encode({ creator: client.identity, nonce: Buffer.from(id.padEnd(24)) }),
  }
  const data = Buffer.alloc(Math.max(1, size - 160), id)
  const payload = Payload.encode({ header, data })
  return Envelope.encode({ payload, signature: client.sign(payload) as Uint8Array })
}
