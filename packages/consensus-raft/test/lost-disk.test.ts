import { until } from '@heddle/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterNode, consenterOf, PATIENCE } from './cluster.fixture.ts'

let cluster: Cluster

async function started(seed = 'cluster'): Promise<Cluster> {
  cluster = new Cluster(3, { seed })
  await cluster.start()
  await cluster.leader()
  return cluster
}

/** The documented way back: out of the channel, and in again under a new id. */
async function bringBack(node: ClusterNode): Promise<void> {
  const helper = cluster.up.find((each) => each !== node)!
  await cluster.change(helper, (consenters) => consenters.filter(({ host }) => host !== node.name))
  await cluster.change(helper, (consenters) => [...consenters, consenterOf(node.name)])
  await until(
    PATIENCE,
    () => node.raft.node === 4,
    () => `${node.name} to come back: ${cluster.describe()}`,
  )
  await cluster.submit(node, 'back')
  await until(
    PATIENCE,
    () => cluster.up.some(({ raft }) => raft.role === 'leader' && raft.members.some(({ id, votes }) => id === 4 && votes)),
    'its vote',
  )
}

afterEach(async () => {
  await cluster.stop()
})

describe('a lost disk', { timeout: 60_000 }, () => {
  it('a consenter whose whole disk is gone takes no part under its old id, and comes back under a new one', async () => {
    await started()
    const victim = await cluster.follower()
    await cluster.submit(victim, 'before')
    await victim.kill()
    victim.wipe()
    await victim.start()
    await until(
      PATIENCE,
      () => victim.raft.silent === 'disowned',
      () => `to be found out: ${cluster.describe()}`,
    )
    expect((await cluster.attempt(victim, 'refused')).error).toMatchObject({ code: 'ORDER_UNAVAILABLE' })
    await cluster.submit(await cluster.leader(), 'meanwhile')
    await bringBack(victim)
    expect(await cluster.agree()).toEqual(['before', 'meanwhile', 'back'])
    // Everybody is a full member again: another one may fail.
    const other = cluster.up.find((node) => node !== victim)!
    await other.kill()
    await cluster.submit(victim, 'without the other')
  })

  it('a consenter that lost only its Raft folder knows it by its own blocks', async () => {
    await started()
    const victim = await cluster.follower()
    await cluster.submit(victim, 'before')
    await victim.stop()
    for (const name of await victim.disk.list('raft')) await victim.disk.remove(`raft/${name}`)
    await victim.start()
    expect(victim.raft).toMatchObject({ silent: 'lost-log', role: 'none' })
    await bringBack(victim)
    expect(await cluster.agree()).toEqual(['before', 'back'])
  })

  it('a leader that forgets everything it promised does not lead again', async () => {
    await started()
    const victim = await cluster.leader()
    await cluster.submit(victim, 'before')
    await victim.kill()
    victim.wipe()
    await victim.start()
    const next = await cluster.leader(cluster.up.filter((node) => node !== victim))
    await cluster.submit(next, 'after')
    await until(PATIENCE, () => victim.raft.silent === 'disowned', 'to be found out')
    expect(await cluster.agree()).toEqual(['before', 'after'])
  })

  it('the block store may be lost: the log and the others bring it back', async () => {
    await started()
    const victim = await cluster.follower()
    for (let i = 0; i < 5; i++) await cluster.submit(victim, `tx${i}`)
    await victim.stop()
    const folder = 'ledgers/fleet/blocks'
    for (const name of await victim.disk.list(folder)) await victim.disk.remove(`${folder}/${name}`)
    await victim.start()
    await cluster.submit(victim, 'after')
    expect(await cluster.agree()).toHaveLength(6)
  })

  it('a node that is given the data folder of another node does not start', async () => {
    await started()
    const [one, two] = [...cluster.nodes.values()]
    await cluster.submit(one!, 'before')
    await one!.stop()
    await two!.stop()
    one!.disk = two!.disk
    await expect(one!.start()).rejects.toMatchObject({ code: 'RAFT_LOG_FOREIGN' })
  })

  it('a node that is given the Raft folder of another network does not order with it', async () => {
    await started('first')
    await cluster.submit(await cluster.leader(), 'before')
    const { disk } = cluster.nodes.get('orderer0')!
    await cluster.stop()
    await started('second')
    const node = cluster.nodes.get('orderer0')!
    await node.stop()
    for (const name of await node.disk.list('raft')) await node.disk.remove(`raft/${name}`)
    for (const name of await disk.list('raft')) {
      const from = await disk.open(`raft/${name}`)
      const to = await node.disk.open(`raft/${name}`, { create: true })
      await to.append([await from.read(0, from.size)])
    }
    await expect(node.start()).rejects.toMatchObject({ code: 'RAFT_LOG_FOREIGN' })
  })
})
