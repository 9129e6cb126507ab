import { createServer } from 'node:net'
import { CertificateAuthority, mspConfig, serializeIdentity, systemClock, systemRandom } from '@heddle/core'
import { genesisBlock } from '@heddle/core/testing'
import raft, { type RaftOptions } from '../src/index.ts'

export const CHANNEL = 'main'
export const ORDERER_MSP = 'OrdererMSP'
export const CLIENT_MSP = 'ClientMSP'

/** Someone with a certificate and its key, PEM. */
export interface Holder {
  readonly mspId: string
  readonly certificate: string
  readonly privateKey: string
}

export interface OrdererPlan extends Holder {
  readonly name: string
  readonly port: number
}

/** All that the processes of a cluster have to know; plain data, so that it travels as JSON. */
export interface ClusterPlan {
  readonly orderers: readonly OrdererPlan[]
  readonly client: Holder
  /** Root certificates by MSP, PEM. */
  readonly roots: Readonly<Record<string, string>>
  /** Base64. */
  readonly genesis: string
  readonly raft: RaftOptions
}

/** What one orderer process is told. */
export interface OrdererOrders {
  readonly plan: ClusterPlan
  readonly name: string
  readonly folder: string
  /** The disk keeps in memory what was not synced, so that a kill loses it; `ignoring` loses what was synced too. */
  readonly disk: 'real' | 'write-behind' | 'write-behind-ignoring-sync'
}

export async function planCluster(
  nodes: number,
  options: { readonly raft?: RaftOptions; readonly batchTimeout?: number; readonly maxMessageCount?: number } = {},
): Promise<ClusterPlan> {
  const environment = { clock: systemClock, random: systemRandom() }
  const authorities = new Map(
    [ORDERER_MSP, CLIENT_MSP].map((mspId) => [
      mspId,
      CertificateAuthority.createRoot({ commonName: `ca.${mspId.toLowerCase()}` }, environment),
    ]),
  )
  const enrol = (mspId: string, name: string, role: 'orderer' | 'client'): Holder => {
    const { certificate, privateKey } = authorities
      .get(mspId)!
      .issue({ enrolmentId: name, role }, { hosts: ['127.0.0.1', 'localhost'] })
    return { mspId, certificate, privateKey: privateKey! }
  }
  const ports = await freePorts(nodes)
  const orderers = ports.map((port, i) => ({ name: `orderer${i}`, port, ...enrol(ORDERER_MSP, `orderer${i}`, 'orderer') }))
  const msp = (mspId: string): Uint8Array => mspConfig({ mspId, roots: [authorities.get(mspId)!.certificate] })
  const { raft: raftOptions = {}, batchTimeout, maxMessageCount } = options
  const genesis = genesisBlock({
    channel: CHANNEL,
    ordering: {
      type: 'etcdraft',
      metadata: raft.genesisMetadata!(
        orderers.map(({ name, mspId, certificate }) => ({ name, mspId, identity: serializeIdentity(mspId, certificate) })),
        raftOptions,
      ),
      ...(batchTimeout === undefined ? {} : { batchTimeout }),
      ...(maxMessageCount === undefined ? {} : { batchSize: { maxMessageCount } }),
      organizations: [{ name: 'Orderers', mspConfig: msp(ORDERER_MSP) }],
    },
    application: { organizations: [{ name: 'Clients', mspConfig: msp(CLIENT_MSP) }] },
  })
  return {
    orderers,
    client: enrol(CLIENT_MSP, 'load', 'client'),
    roots: Object.fromEntries([...authorities].map(([mspId, { certificate }]) => [mspId, certificate])),
    genesis: Buffer.from(genesis.encode()).toString('base64'),
    raft: raftOptions,
  }
}

/** Ports of loopback that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve, reject) => {
        server.on('error', reject)
        server.listen(0, '127.0.0.1', () => resolve(server))
      })
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
