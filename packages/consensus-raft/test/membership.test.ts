import { turn, until } from '@heddle/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterNode, type ClusterOptions, consenterOf, PATIENCE } from './cluster.fixture.ts'

let cluster: Cluster
let load: Load | undefined

async function started(count: number, options: ClusterOptions = {}): Promise<Cluster> {
  cluster = new Cluster(count, options)
  await cluster.start()
  await cluster.leader()
  return cluster
}

/** Submits one envelope after the other, until told to end, at whichever node there is; every one has to be ordered. */
class Load {
  readonly texts: string[] = []
  private running = true
  private readonly done: Promise<void>

  constructor(nodes: () => readonly ClusterNode[]) {
    this.done = this.run(nodes)
  }

  private async run(nodes: () => readonly ClusterNode[]): Promise<void> {
    for (let i = 0; this.running; i++) {
      // With disks in memory nothing else waits for more than a microtask: timers want their turn.
      await turn()
      const up = nodes()
      const { text, error } = await cluster.attempt(up[i % up.length]!, `load${i}`)
      if (error === undefined) this.texts.push(text)
      else if (error.duty !== 'retry' && error.code !== 'ORDER_OUTCOME_UNKNOWN') throw error
    }
  }

  /** Two more envelopes were ordered. */
  async goesOn(): Promise<void> {
    const wanted = this.texts.length + 2
    await until(
      PATIENCE,
      () => this.texts.length >= wanted,
      () => `transactions to flow: ${cluster.describe()}`,
    )
  }

  async end(): Promise<string[]> {
    this.running = false
    await this.done
    return this.texts
  }
}

const votes = (node: ClusterNode, id: number): boolean => node.raft.members.some((member) => member.id === id && member.votes)

async function untilVotes(id: number): Promise<void> {
  await until(
    PATIENCE,
    () => cluster.up.some((node) => node.raft.role === 'leader' && votes(node, id)),
    () => `${id} votes: ${cluster.describe()}`,
  )
}

afterEach(async () => {
  await load?.end().catch(() => {})
  load = undefined
  cluster.hub.heal()
  await cluster.stop()
})

describe('membership', { timeout: 60_000 }, () => {
  it('grows from three to five and shrinks to one while transactions flow', async () => {
    await started(3)
    const founders = [...cluster.nodes.values()]
    load = new Load(() => founders.slice(0, 1))
    for (const name of ['orderer3', 'orderer4']) {
      const fresh = cluster.node(name)
      await cluster.change(founders[0]!, (consenters) => [...consenters, consenterOf(name)])
      await fresh.start()
      await cluster.submit(founders[1]!, `after ${name}`)
      await untilVotes(fresh.name === 'orderer3' ? 4 : 5)
      await cluster.submit(fresh, `at ${name}`)
      await load.goesOn()
    }
    expect(founders[0]!.raft.members.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5])
    for (const node of [...cluster.nodes.values()].slice(1).reverse()) {
      await cluster.change(founders[0]!, (consenters) => consenters.filter(({ host }) => host !== node.name))
      await until(
        PATIENCE,
        () => node.raft.role === 'none',
        () => `${node.name} to leave: ${cluster.describe()}`,
      )
      const { error } = await cluster.attempt(node, 'refused')
      expect(error).toMatchObject({ code: 'ORDER_UNAVAILABLE', duty: 'retry' })
      await load.goesOn()
    }
    const texts = await load.end()
    await cluster.submit(founders[0]!, 'last')
    // Who left still follows the chain.
    const chain = await cluster.agree()
    expect(founders[0]!.raft.members.map(({ id }) => id)).toEqual([1])
    for (const text of texts) expect(chain.filter((each) => each === text)).toHaveLength(1)
  })

  it('a leader that a config update removes hands over first', async () => {
    await started(3)
    const leader = await cluster.leader()
    load = new Load(() => cluster.up.filter((node) => node !== leader))
    await cluster.change(leader, (consenters) => consenters.filter(({ host }) => host !== leader.name))
    await until(PATIENCE, () => leader.raft.role === 'none', 'the leader to leave')
    const next = await cluster.leader()
    expect(next).not.toBe(leader)
    await cluster.submit(next, 'after')
    await load.goesOn()
    await load.end()
    await cluster.agree()
  })

  it('a consenter that was removed while it was cut off finds out by itself', async () => {
    await started(3)
    const victim = await cluster.follower()
    for (const other of cluster.up) if (other !== victim) cluster.hub.cut(victim.name, other.name)
    const leader = await cluster.leader(cluster.up.filter((node) => node !== victim))
    await cluster.change(leader, (consenters) => consenters.filter(({ host }) => host !== victim.name))
    cluster.hub.heal()
    await until(
      PATIENCE,
      () => victim.raft.role === 'none',
      () => `to leave: ${cluster.describe()}`,
    )
    await cluster.submit(leader, 'after')
    await cluster.agree()
  })

  it('a node that is no consenter yet follows the chain, refuses submissions, and orders from the block on that adds it', async () => {
    await started(3)
    const [first] = cluster.up
    const fresh = cluster.node('orderer3')
    await fresh.start()
    await cluster.submit(first!, 'one')
    expect((await cluster.attempt(fresh, 'refused')).error).toMatchObject({ code: 'ORDER_UNAVAILABLE' })
    await cluster.agree()
    await cluster.change(first!, (consenters) => [...consenters, consenterOf('orderer3')])
    await untilVotes(4)
    await cluster.submit(fresh, 'two')
    expect(await cluster.agree()).toEqual(['one', 'two'])
  })

  it('a certificate changes while transactions flow: the consenter keeps its id and its log', async () => {
    await started(3)
    const node = await cluster.follower()
    const others = cluster.up.filter((each) => each !== node)
    load = new Load(() => others)
    const { node: id } = node.raft
    await cluster.change(others[0]!, (consenters) =>
      consenters.map((each) => (each.host === node.name ? consenterOf(node.name, 'renewed') : each)),
    )
    await node.stop()
    node.certificate = 'renewed'
    await node.start()
    await cluster.submit(node, 'with the new certificate')
    expect(node.raft).toMatchObject({ node: id, silent: 'no' })
    await load.goesOn()
    await load.end()
    expect(await cluster.agree()).toContain('with')
  })

  it('more than one change at a time is refused, and so is metadata that makes no sense', async () => {
    await started(3)
    const [node] = cluster.up
    const refused = { code: 'ORDER_CONFIG_REFUSED', duty: 'fix-input' }
    const two = [consenterOf('orderer3'), consenterOf('orderer4')]
    await expect(cluster.change(node!, (consenters) => [...consenters, ...two])).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, (consenters) => consenters.slice(0, 1))).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, () => [])).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, (consenters) => [...consenters, consenters[0]!])).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, (all) => all, { electionTick: 1, heartbeatTick: 1 })).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, (all) => all, { tickInterval: 'soon' })).rejects.toMatchObject(refused)
    await expect(cluster.change(node!, (all) => all, { maxInflightBlocks: 0 })).rejects.toMatchObject(refused)
    await cluster.submit(node!, 'after')
    expect(await cluster.agree()).toEqual(['after'])
  })

  it('a removal that would leave too few living consenters is refused', async () => {
    await started(3)
    const victim = await cluster.follower()
    await victim.stop()
    const leader = await cluster.leader()
    const other = cluster.up.find((node) => node !== leader)!
    // The leader notices who is silent after an election timeout.
    await until(PATIENCE, () => leader.raft.members.some((member) => member.alive === false), 'the silence to be noticed')
    await expect(
      cluster.change(leader, (consenters) => consenters.filter(({ host }) => host !== other.name)),
    ).rejects.toMatchObject({ code: 'ORDER_CONFIG_REFUSED' })
    await cluster.change(leader, (consenters) => consenters.filter(({ host }) => host !== victim.name))
    await cluster.submit(leader, 'after')
  })

  it('limits that a config update changes take effect at once', async () => {
    await started(3)
    const [node] = cluster.up
    await cluster.change(node!, (all) => all, { maxInflightBlocks: 1, snapshotIntervalSize: 2048 })
    await Promise.all(Array.from({ length: 40 }, (_, i) => cluster.submit(node!, `tx${i}`, 300)))
    await until(PATIENCE, () => cluster.up.every(({ raft }) => raft.snapshotIndex > 0), 'snapshots at the new interval')
  })
})
