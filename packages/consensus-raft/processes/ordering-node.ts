import { createPrivateKey } from 'node:crypto'
import { join } from 'node:path'
import { noMetrics, serializeIdentity, silentLogger, systemClock, systemRandom } from '@heddle/core'
import { Block, EnvelopeView } from '@heddle/core/model'
import type {
  Disk,
  Environment,
  IdentityProvider,
  Ordered,
  OrderingService,
  SignaturePool,
  Submission,
  Transport,
} from '@heddle/core/plugin'
import { BlockFileStore, fileDisk, OrderingHost } from '@heddle/core/testing'
import { writeBehindDisk } from '@heddle/testkit'
import raft from '../src/index.ts'
import { CHANNEL, type OrdererOrders } from './cluster-plan.ts'

/** An ordering node as core runs it: real disk, block files, host and plugin. */
export interface OrderingNode {
  readonly host: OrderingHost
  /** Through the ordering port alone: what the ingress filters of the host do is left out. */
  submit(envelope: Uint8Array): Promise<Ordered>
  stop(): Promise<void>
}

/** What a benchmark needs of the inside of a host, to go round its ingress filters. */
interface HostInside {
  readonly service: OrderingService
  readonly inFlight: { add(view: EnvelopeView): object; remove(entry: object): void }
}

export async function startOrderingNode(
  { plan, name, folder, disk: kind }: OrdererOrders,
  parts: {
    readonly transport: Transport
    readonly provider: IdentityProvider
    readonly pool: SignaturePool
    readonly identity: Uint8Array
  },
): Promise<OrderingNode> {
  const own = plan.orderers.find((each) => each.name === name)!
  const signer = parts.provider.signer(parts.identity, pkcs8(own.privateKey))
  const disk = openDisk(join(folder, name), kind)
  const random = systemRandom()
  const environment: Environment = {
    clock: systemClock,
    random,
    disk,
    transport: parts.transport,
    logger: silentLogger,
    metrics: noMetrics,
  }
  const store = await BlockFileStore.open(
    { disk, folder: `ledgers/${CHANNEL}/blocks`, random, logger: silentLogger },
    { transactions: false },
  )
  if (store.height === 0) await store.append(Block.decode(Buffer.from(plan.genesis, 'base64')))
  const context = { node: name, mspId: own.mspId, identity: parts.identity, environment, signatures: parts.pool }
  const consenter = await raft.create(context, plan.raft)
  await consenter.start()
  const names = plan.orderers.map((each) => each.name)
  const identities = new Map(plan.orderers.map((each) => [each.name, serializeIdentity(each.mspId, each.certificate)]))
  const host = await OrderingHost.open({
    channel: CHANNEL,
    store,
    consenter,
    provider: parts.provider,
    signer,
    environment,
    members: () => names,
    identityOf: (member) => identities.get(member),
  })
  await host.start()
  const { service, inFlight } = host as unknown as HostInside
  return {
    host,
    async submit(envelope) {
      const view = new EnvelopeView(envelope)
      const entry = inFlight.add(view)
      const submission: Submission = {
        envelope: view,
        size: view.payload.length + view.signature.length,
        configSequence: host.config.sequence,
      }
      try {
        return await service.submit(submission)
      } finally {
        inFlight.remove(entry)
      }
    },
    async stop() {
      await host.stop()
      await consenter.stop()
      await store.close()
    },
  }
}

function openDisk(folder: string, kind: OrdererOrders['disk']): Disk {
  const disk = fileDisk(folder)
  return kind === 'real' ? disk : writeBehindDisk(disk, { ignoreSync: kind === 'write-behind-ignoring-sync' })
}

const pkcs8 = (pem: string): Uint8Array => createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
