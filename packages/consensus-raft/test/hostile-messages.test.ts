import { type MemoryMetrics, seededRandom } from '@heddle/core/testing'
import { keyedHashSigner, turn, until } from '@heddle/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../src/core/types.ts'
import { encodeMessage } from '../src/messages/message.ts'
import { CHANNEL, Cluster, type ClusterNode, PATIENCE } from './cluster.fixture.ts'

let cluster: Cluster

beforeEach(async () => {
  cluster = new Cluster(3)
  await cluster.start()
  await cluster.leader()
})

afterEach(() => cluster.stop())

const forged = (changes: Partial<Message>): Message => ({
  type: 'append',
  from: 1,
  to: 2,
  term: 1_000_000,
  incarnation: 5,
  index: 0,
  logTerm: 0,
  commit: 0,
  hint: 0,
  context: 0,
  reject: false,
  entries: [],
  snapshot: undefined,
  ...changes,
})

const dropped = (metrics: MemoryMetrics, reason: string): number =>
  metrics.value('heddle_raft_dropped_messages_total', { channel: CHANNEL, reason }) ?? 0

/** Somebody whom the transport lets in under a name, with an identity. */
async function somebody(name: string, identityName = name) {
  const transport = cluster.hub.connect({ name, identity: keyedHashSigner('OrdererMSP', 'orderer', identityName).identity })
  await transport.start()
  return {
    send: (to: ClusterNode, bytes: Uint8Array) => transport.send({ to: to.name, service: 'order', channel: CHANNEL }, bytes),
    stop: () => transport.stop(),
  }
}

async function staysTheSame(work: () => Promise<void>): Promise<void> {
  const before = (await cluster.leader()).raft
  await work()
  await turn()
  await cluster.submit(cluster.nodes.get('orderer1')!, 'after')
  const after = (await cluster.leader()).raft
  expect(after.term).toBe(before.term)
  expect(await cluster.agree()).toContain('after')
}

describe('hostile messages', { timeout: 60_000 }, () => {
  it('of a node that is no orderer of the channel are not even looked at', async () => {
    const intruder = await somebody('intruder')
    await staysTheSame(async () => {
      for (const node of cluster.nodes.values())
        intruder.send(node, encodeMessage(cluster.genesis.hash(), { kind: 'raft', message: forged({ to: node.raft.node }) }))
    })
    for (const { metrics } of cluster.nodes.values()) expect(dropped(metrics, 'wrong-sender')).toBe(0)
    await intruder.stop()
  })

  it('of an orderer that is no consenter, whatever id they claim, are dropped and counted', async () => {
    cluster.names.push('orderer9')
    const stranger = await somebody('orderer9')
    await staysTheSame(async () => {
      for (const node of cluster.nodes.values()) {
        for (const from of [1, 2, 3, 4, 99])
          for (const type of ['append', 'heartbeat', 'vote', 'pre-vote', 'snapshot', 'disown', 'timeout-now'] as const)
            stranger.send(
              node,
              encodeMessage(cluster.genesis.hash(), { kind: 'raft', message: forged({ from, to: node.raft.node, type }) }),
            )
        const forward = { kind: 'forward', term: node.raft.term, session: 1, first: 1, heard: 0, envelopes: [] } as const
        stranger.send(node, encodeMessage(cluster.genesis.hash(), forward))
      }
    })
    for (const { metrics } of cluster.nodes.values()) expect(dropped(metrics, 'wrong-sender')).toBe(36)
    await stranger.stop()
  })

  it('a wrong receiver, another network, garbage and old sessions harm nobody', async () => {
    const victim = await cluster.follower()
    const leader = await cluster.leader()
    const third = cluster.up.find((node) => node !== victim && node !== leader)!
    await third.stop()
    // In the third one's place, with its certificate.
    const impostor = await somebody(third.name)
    const id = [1, 2, 3].find((each) => each !== victim.raft.node && each !== leader.raft.node)!
    const { term } = leader.raft
    const genesis = cluster.genesis.hash()
    await cluster.submit(victim, 'before')
    const random = seededRandom('garbage')
    for (const node of [victim, leader]) {
      const to = node.raft.node
      impostor.send(node, encodeMessage(genesis, { kind: 'raft', message: forged({ from: id, to: 77, term }) }))
      impostor.send(node, encodeMessage(new Uint8Array(32), { kind: 'raft', message: forged({ from: id, to, term }) }))
      impostor.send(node, encodeMessage(genesis, { kind: 'forward', term, session: 7, first: 5, heard: 0, envelopes: [] }))
      impostor.send(
        node,
        encodeMessage(genesis, { kind: 'taken', term, session: 7, upTo: 1e9, again: true, firstRefused: 0, refused: [] }),
      )
      impostor.send(node, encodeMessage(genesis, { kind: 'height', height: Number.MAX_SAFE_INTEGER }))
      for (let i = 0; i < 300; i++) impostor.send(node, random.bytes(Math.floor(random.float() * 60)))
    }
    await until(
      PATIENCE,
      () => [victim, leader].every(({ metrics }) => dropped(metrics, 'foreign-channel') >= 1),
      'all to be looked at',
    )
    await turn()
    for (const { metrics } of [victim, leader]) {
      expect(dropped(metrics, 'wrong-receiver')).toBe(1)
      expect(dropped(metrics, 'not-leader')).toBe(1)
    }
    const envelope = { bytes: Uint8Array.of(9, 9, 9), isConfig: false, configSequence: 0 }
    impostor.send(
      leader,
      encodeMessage(genesis, { kind: 'forward', term, session: 8, first: 1, heard: 0, envelopes: [envelope] }),
    )
    await cluster.submit(victim, 'after')
    await impostor.stop()
    await third.start()
    expect(await cluster.agree()).toEqual(['before', 'after'])
  })
})
