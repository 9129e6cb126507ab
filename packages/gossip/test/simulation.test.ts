import { describe, expect, it } from 'vitest'
import { modelOutcome } from '../sim/calibration.ts'
import { scenario } from '../sim/scenario.ts'
import { Libp2pNetwork } from '../src/libp2p/libp2p-network.ts'
import type { Link } from '../src/network.ts'
import { resolveOptions } from '../src/options.ts'
import { until } from './attacks/attacker.fixture.ts'

describe('simulation', () => {
  it.each([0, 30])(
    'ten peers get everything with %i in 100 messages lost, through churn, a partition, killed leaders and malice',
    async (loss) => {
      const report = await scenario({ peers: 10, loss, seed: 'test', calmBlocks: 10, stormBlocks: 20 })
      expect(report.violations).toEqual([])
      expect(report.coverage).toBe(1)
      expect(report.orderer.readers).toBe(report.organizations)
      expect(report.killedLeaders).toBeGreaterThan(0)
      expect(report.restarts).toBeGreaterThan(10)
      expect(report.rounds.max).toBeLessThan(6)
    },
  )

  it('one seed gives one history', async () => {
    const run = async () => {
      const { events, rounds, duplicates, restarts } = await scenario({
        peers: 8,
        loss: 10,
        seed: 'again',
        calmBlocks: 5,
        stormBlocks: 8,
      })
      return { events, rounds, duplicates, restarts }
    }
    expect(await run()).toEqual(await run())
  })
})

/** Five real nodes on the seam's own gossipsub, all connected, the first of which publishes. */
async function realOutcome(peers: number, messages: number, bytes: number): Promise<{ coverage: number; duplicates: number }> {
  const { connections, mesh } = resolveOptions({}, 'calibration')
  let received = 0
  const networks = await Promise.all(
    Array.from({ length: peers }, (_, i) =>
      Libp2pNetwork.start({
        seed: new Uint8Array(32).fill(100 + i),
        listen: [`/memory/calibration-${i}`],
        announce: [],
        connections,
        mesh,
      }),
    ),
  )
  try {
    const topics = await Promise.all(
      networks.map((network) =>
        network.topic('topic', {
          judge: async () => {
            received++
            return 'accept'
          },
          expects: () => true,
        }),
      ),
    )
    const links: Promise<void>[] = []
    for (const [i, network] of networks.entries())
      network.onLink((link: Link) => {
        links.push(Promise.resolve(topics[i]!.admit(link)))
      })
    for (let i = 0; i < peers; i++)
      for (let j = 0; j < i; j++) await networks[i]!.dial(`/memory/calibration-${j}`, AbortSignal.timeout(5_000))
    await until('a full mesh', () => topics.every((topic) => topic.mesh().length === peers - 1 && topic.mute().length === 0))
    for (let i = 0; i < messages; i++) {
      await topics[0]!.publish(new Uint8Array(bytes).fill(i))
      await until('the message is everywhere', () => received === (i + 1) * (peers - 1))
    }
    // Copies under way arrive when nothing changes any more.
    let last = -1
    const copies = (): number => topics.reduce((sum, topic) => sum + topic.duplicates(), 0)
    while (copies() !== last) {
      last = copies()
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    return { coverage: received / (messages * (peers - 1)), duplicates: copies() / received }
  } finally {
    await Promise.all(networks.map((network) => network.stop()))
  }
}

describe('the model of gossipsub', () => {
  it('gives as much coverage and as many copies as five real nodes', async () => {
    const [model, real] = [await modelOutcome(5, 40, 2_000), await realOutcome(5, 40, 2_000)]
    expect(real.coverage).toBe(1)
    expect(model.coverage).toBe(1)
    // How many copies IDONTWANT saves depends on the machine; within one copy of each other is what the model is used for.
    expect(Math.abs(model.duplicates - real.duplicates)).toBeLessThan(1)
  })
})
