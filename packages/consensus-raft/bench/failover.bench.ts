// `npm run bench -- failover [--kills N] [--simulated N] [--json]`: the leader is killed (SIGKILL) under load; how long is nothing committed? In
// units of T, the election timeout. Processes over TCP with mutual TLS and synced disks; and the core alone on virtual time, many times.
// Reference: the goal, 2.2 T. (A follower stands for election between T and 2 T after it last heard of the leader.)
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '@heddle/core'
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import { planCluster } from '../processes/cluster-plan.ts'
import { OrdererCluster } from '../processes/orderer-cluster.ts'
import { DEFAULTS } from '../src/options.ts'
import { failoverGap } from './failover-simulation.ts'
import { envelopeMaker } from './load.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    simulated: { type: 'string', default: '1000' },
    json: { type: 'boolean' },
  },
})
const KILLS = Number(values.kills)
const SIMULATED = Number(values.simulated)
const T = DEFAULTS.electionTimeout
const CALLERS = 32
const GOAL = { name: 'goal: T to 2 T until somebody stands for election, and the vote', value: 2.2 }
/** Milliseconds of load before a kill, beside a random share of T. */
const STEADY = 2 * T
const PATIENCE = 60_000

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Gaps in the acknowledgements of a cluster whose leader is killed again and again, milliseconds. */
async function kills(say: (line: string) => void): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-failover-'))
  const plan = await planCluster(3)
  const cluster = new OrdererCluster(plan, folder)
  const { make } = envelopeMaker(plan.client)
  const random = seededRandom('failover')
  let isOver = false
  let acknowledgements: number[] = []
  const caller = async (index: number): Promise<void> => {
    for (let turn = index; !isOver; turn++) {
      const name = cluster.names[turn % cluster.names.length]!
      if (!cluster.isUp(name)) {
        // Not in a hurry while the others work; and never without a pause.
        await pause(1)
        continue
      }
      try {
        await cluster.submit(name, 'port', [make()])
        acknowledgements.push(performance.now())
      } catch {
        await pause(5)
      }
    }
  }
  try {
    await cluster.start()
    const callers = Array.from({ length: CALLERS }, (_, i) => caller(i))
    const gaps: number[] = []
    for (let kill = 1; kill <= KILLS; kill++) {
      const leader = await cluster.leader()
      await pause(STEADY + random.float() * T)
      acknowledgements = acknowledgements.slice(-1)
      const killed = performance.now()
      await cluster.kill(leader)
      // What was committed by the old leader may still be told; the gap is the longest silence.
      const gone = killed + 4 * T
      while (performance.now() < gone || acknowledgements.length < 2 || acknowledgements.at(-1)! < gone) {
        if (performance.now() > killed + PATIENCE) throw new Error(`nothing was committed after ${leader} was killed`)
        await pause(10)
      }
      let gap = 0
      for (let i = 1; i < acknowledgements.length; i++) gap = Math.max(gap, acknowledgements[i]! - acknowledgements[i - 1]!)
      gaps.push(gap)
      say(`kill ${kill} of ${KILLS}: ${(gap / T).toFixed(2)} T`)
      await cluster.startOne(leader)
      // It is killed when its turn comes: it must have caught up, as must all in a network that is well.
      const height = Math.max(...(await Promise.all(cluster.names.map((name) => heightOf(cluster, name)))))
      for (const end = performance.now() + PATIENCE; (await heightOf(cluster, leader)) < height && performance.now() < end; )
        await pause(20)
    }
    isOver = true
    await Promise.all(callers)
    return gaps
  } finally {
    isOver = true
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function heightOf(cluster: OrdererCluster, name: string): Promise<number> {
  try {
    return (await cluster.state(name)).height
  } catch {
    return 0
  }
}

await runBenchmark('failover', async (say) => {
  say(`${SIMULATED} failovers on virtual time`)
  const simulated = Array.from({ length: SIMULATED }, (_, seed) =>
    failoverGap(seededRandom(`failover ${seed}`), { electionTimeout: T, heartbeat: DEFAULTS.heartbeat }),
  )
  const inT = (milliseconds: number): number => milliseconds / T
  const rows = [
    row('gap-simulated-p50', 'T', inT(percentile(simulated, 0.5))),
    row('gap-simulated-p99', 'T', inT(percentile(simulated, 0.99)), GOAL),
    row('gap-simulated-max', 'T', inT(Math.max(...simulated))),
  ]
  if (KILLS === 0) return rows
  say(`${KILLS} kills of the leader, in processes, T = ${T} ms`)
  const gaps = await kills(say)
  return [row('gap-median', 'T', inT(percentile(gaps, 0.5))), row('gap-max', 'T', inT(Math.max(...gaps)), GOAL), ...rows]
})
