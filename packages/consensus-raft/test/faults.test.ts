import { until } from '@heddle/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterOptions, type Outcome, PATIENCE } from './cluster.fixture.ts'

let cluster: Cluster

async function started(count: number, options: ClusterOptions = {}): Promise<Cluster> {
  cluster = new Cluster(count, options)
  await cluster.start()
  await cluster.leader()
  return cluster
}

afterEach(async () => {
  cluster.hub.heal()
  await cluster.stop()
})

/** Who was told `ordered` finds the envelope in the chain, who was told `retry` does not, and nothing stands there twice. */
function checkTruth(outcomes: readonly Outcome[], chain: readonly string[]): void {
  const counts = new Map<string, number>()
  for (const text of chain) counts.set(text, (counts.get(text) ?? 0) + 1)
  for (const { text, ordered, error } of outcomes) {
    if (ordered !== undefined) expect(counts.get(text), `${text} was acknowledged`).toBe(1)
    else if (error?.duty === 'retry') expect(counts.get(text), `${text} was refused with ${error.code}`).toBeUndefined()
    else expect(error?.code, text).toBe('ORDER_OUTCOME_UNKNOWN')
  }
}

describe('faults', { timeout: 60_000 }, () => {
  it('a leader that is killed under load loses nothing that was acknowledged, and what it had is ordered once', async () => {
    await started(3, { batchSize: { maxMessageCount: 10 } })
    const leader = await cluster.leader()
    const nodes = [...cluster.nodes.values()]
    const outcomes = Array.from({ length: 300 }, (_, i) => cluster.attempt(nodes[i % 3]!, `tx${i}`))
    await Promise.race(outcomes)
    await leader.kill()
    const answers = await Promise.all(outcomes)
    await leader.start()
    await cluster.submit(leader, 'after')
    checkTruth(answers, await cluster.agree())
    // Submitters at the other nodes need not do anything: their envelopes went to the next leader.
    const others = answers.filter((_, i) => nodes[i % 3] !== leader)
    expect(others.filter(({ ordered }) => ordered === undefined)).toEqual([])
  })

  it('a leader that stops hands over at once', async () => {
    await started(3, { options: { electionTimeout: 3000, heartbeat: 30 } })
    const leader = await cluster.leader()
    await cluster.submit(leader, 'before')
    const begun = performance.now()
    await leader.stop()
    await cluster.submit(cluster.up[0]!, 'after')
    // Without a hand-over nobody stands for election before one election timeout is over.
    expect(performance.now() - begun).toBeLessThan(3000)
  })

  it('a leader that is cut off answers with the truth, and catches up when it is back', async () => {
    await started(3, { batchSize: { maxMessageCount: 10 } })
    const leader = await cluster.leader()
    const others = cluster.up.filter((node) => node !== leader)
    const early = Array.from({ length: 50 }, (_, i) => cluster.attempt(leader, `early${i}`))
    await Promise.race(early)
    for (const other of others) cluster.hub.cut(leader.name, other.name)
    const late = Array.from({ length: 50 }, (_, i) => cluster.attempt(leader, `late${i}`))
    const elsewhere = Array.from({ length: 50 }, (_, i) => cluster.attempt(others[i % 2]!, `elsewhere${i}`))
    expect((await Promise.all(elsewhere)).filter(({ ordered }) => ordered === undefined)).toEqual([])
    cluster.hub.heal()
    const answers = await Promise.all([...early, ...late])
    checkTruth(answers, await cluster.agree())
    expect(answers.filter(({ ordered }) => ordered === undefined)).toEqual([])
  })

  it('a follower that is cut off keeps its submissions for the leader, or says that they were not ordered', async () => {
    await started(3)
    const follower = await cluster.follower()
    for (const other of cluster.up) if (other !== follower) cluster.hub.cut(follower.name, other.name)
    const outcomes = Array.from({ length: 20 }, (_, i) => cluster.attempt(follower, `tx${i}`))
    const leader = await cluster.leader(cluster.up.filter((node) => node !== follower))
    await cluster.submit(leader, 'meanwhile')
    cluster.hub.heal()
    checkTruth(await Promise.all(outcomes), await cluster.agree())
  })

  it('without a quorum a submitter is told to try elsewhere, in bounded time', async () => {
    await started(3, { options: { submitTimeout: 400, outcomeTimeout: 2000 } })
    const [one, two, three] = [...cluster.nodes.values()]
    await two!.kill()
    await three!.kill()
    await until(PATIENCE, () => one!.raft.leader === 0, 'the last node knows that nobody leads')
    const { error } = await cluster.attempt(one!, 'alone')
    expect(error).toMatchObject({ code: 'ORDER_UNAVAILABLE', duty: 'retry' })
    await two!.start()
    await three!.start()
    await cluster.submit(one!, 'again')
    expect(await cluster.agree()).toEqual(['again'])
  })

  for (const [what, code] of [
    ['fails', 'DISK_FAILED'],
    ['is full', 'DISK_FULL'],
  ] as const) {
    for (const operation of ['datasync', 'append'] as const) {
      it(`a log whose disk ${what} at ${operation} ends its node, and no other`, async () => {
        await started(3)
        const victim = await cluster.leader()
        await cluster.submit(victim, 'before')
        const path = (await victim.disk.list('raft')).map((name) => `raft/${name}`).at(-1)!
        victim.disk.failNext(operation, code, path)
        const others = cluster.up.filter((node) => node !== victim)
        const outcomes = [await cluster.attempt(victim, 'during')]
        await until(PATIENCE, () => victim.host.status().halted !== undefined, 'the node to end')
        expect(victim.host.status().halted).toMatchObject({ code: 'RAFT_NODE_FAILED' })
        expect((await cluster.attempt(victim, 'later')).error).toMatchObject({ code: 'ORDER_UNAVAILABLE' })
        await cluster.submit(others[0]!, 'after')
        await victim.kill()
        await victim.start()
        await cluster.submit(victim, 'back')
        checkTruth(outcomes, await cluster.agree())
      })
    }
  }

  it('a node that missed more than the log still holds pulls the blocks from others', async () => {
    await started(3, { options: { snapshotInterval: 4096 }, batchSize: { maxMessageCount: 1 } })
    const absent = await cluster.follower()
    await absent.stop()
    const leader = await cluster.leader()
    for (let i = 0; i < 60; i++) await cluster.submit(leader, `tx${i}`, 500)
    // What the absent node lacks is in no log any more.
    expect(leader.raft.firstIndex).toBeGreaterThan(10)
    await absent.start()
    await cluster.submit(absent, 'after')
    expect(absent.raft.snapshotIndex).toBeGreaterThan(10)
    expect(await cluster.agree()).toHaveLength(61)
    // It goes on from there after a restart, too.
    await absent.kill()
    await absent.start()
    await cluster.submit(absent, 'again')
    expect(await cluster.agree()).toHaveLength(62)
  })
})
