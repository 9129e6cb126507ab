import { serializeIdentity } from '@heddle/core'
import { createSignaturePool, InProcessHub, X509IdentityProvider } from '@heddle/core/testing'
import type { ClusterPlan } from '../processes/cluster-plan.ts'
import { type OrderingNode, startOrderingNode } from '../processes/ordering-node.ts'

/** The orderers of a plan in this process, with disks of their own. */
export async function inProcess(plan: ClusterPlan, folder: string) {
  const hub = new InProcessHub()
  const pool = createSignaturePool()
  const provider = new X509IdentityProvider(pool)
  const nodes: OrderingNode[] = []
  const transports = await Promise.all(
    plan.orderers.map(async ({ name, mspId, certificate }) => {
      const identity = serializeIdentity(mspId, certificate)
      const transport = hub.connect({ name, identity })
      await transport.start()
      return { transport, identity, name }
    }),
  )
  for (const { transport, identity, name } of transports)
    nodes.push(await startOrderingNode({ plan, name, folder, disk: 'real' }, { transport, provider, pool, identity }))
  return {
    submit: (to: number, envelopes: readonly Uint8Array[]) =>
      Promise.all(envelopes.map((envelope) => nodes[to % nodes.length]!.submit(envelope))),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await Promise.all(transports.map(({ transport }) => transport.stop()))
      await pool.close()
    },
  }
}
