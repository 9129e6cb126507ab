import { fastRandom } from './fast-random.ts'
import { MESH } from './model-topic.ts'
import { SimEndpoint, SimWorld } from './sim-network.ts'
import { VirtualTime } from './virtual-time.ts'

export interface Outcome {
  /** Share of messages that came, over all peers that did not send them. */
  readonly coverage: number
  /** Copies that came in vain, for each that was needed. */
  readonly duplicates: number
}

/** The model of gossipsub by itself: `peers` that all know each other, the first of which publishes. */
export async function modelOutcome(peers: number, messages: number, bytes: number): Promise<Outcome> {
  const time = new VirtualTime()
  // Both sides judge without any work here.
  const shape = { ...MESH, check: 0.05 }
  const world = new SimWorld(
    time,
    fastRandom('calibration'),
    { latency: { min: 0.2, max: 0.6 }, bandwidth: 100_000, loss: 0 },
    shape,
  )
  let received = 0
  const endpoints = Array.from({ length: peers }, (_, i) => new SimEndpoint(world, `peer${i}`))
  const topics = await Promise.all(
    endpoints.map((endpoint) =>
      endpoint.topic('topic', {
        judge: async () => {
          received++
          return 'accept'
        },
        expects: () => true,
      }),
    ),
  )
  const run = (milliseconds: number): Promise<boolean> => time.run(() => false, time.now + milliseconds)
  for (const [i, endpoint] of endpoints.entries())
    for (let j = 0; j < i; j++) {
      const dialled = endpoint.dial(`/sim/peer${j}`)
      await run(50)
      const link = await dialled
      topics[i]!.admit(link)
      topics[j]!.admit({ ...link, peer: endpoint.self } as never)
    }
  await run(5_000)
  for (let i = 0; i < messages; i++) {
    await topics[0]!.publish(new Uint8Array(bytes).fill(i))
    await run(1_000)
  }
  await run(5_000)
  const duplicates = topics.reduce((sum, topic) => sum + topic.duplicates(), 0)
  return { coverage: received / (messages * (peers - 1)), duplicates: duplicates / Math.max(1, received) }
}
