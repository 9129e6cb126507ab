import { mspConfig, noMetrics, serializeIdentity, silentLogger, systemClock, systemRandom } from '@heddle/core'
import { createSignaturePool, MspAdmission, TcpTransport, X509IdentityProvider } from '@heddle/core/testing'
import type { ClusterPlan, Holder } from './cluster-plan.ts'

/** The transport of somebody in a cluster, with mutual TLS on MSP certificates; one that has no port only calls others. */
export function connect(plan: ClusterPlan, self: string, holder: Holder, port?: number) {
  const pool = createSignaturePool()
  const provider = new X509IdentityProvider(pool)
  const base = provider.createMembership(Object.entries(plan.roots).map(([mspId, root]) => mspConfig({ mspId, roots: [root] })))
  const addresses = new Map(plan.orderers.map(({ name, port: at }) => [name, { host: '127.0.0.1', port: at }]))
  const mspIds = new Map(plan.orderers.map(({ name, mspId }) => [name, mspId]))
  const admission = new MspAdmission({
    clock: systemClock,
    base,
    nodes: (name) => {
      const mspId = mspIds.get(name)
      return mspId === undefined ? undefined : { mspId, role: 'orderer' }
    },
  })
  const identity = serializeIdentity(holder.mspId, holder.certificate)
  const transport = new TcpTransport({
    self,
    identity,
    credentials: { certificates: holder.certificate, privateKey: holder.privateKey },
    ...(port === undefined ? {} : { listen: { host: '127.0.0.1', port } }),
    addressOf: (name) => addresses.get(name),
    admission,
    clock: systemClock,
    random: systemRandom(),
    metrics: noMetrics,
    logger: silentLogger,
  })
  return { transport, provider, pool, identity }
}
