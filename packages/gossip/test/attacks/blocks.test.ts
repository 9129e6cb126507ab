import { Block } from '@heddle/core'
import { afterEach, expect, it } from 'vitest'
import { PULL_PROTOCOL } from '../../src/anti-entropy/pull-protocol.ts'
import { blockMessage } from '../../src/relay/relay.ts'
import { PullAnswer, TopicMessage } from '../../src/wire/messages.ts'
import { Attacker, CHANNEL, heldMegabytes, Target, until, VICTIM } from './attacker.fixture.ts'

const toStop: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of toStop.splice(0).reverse()) await each.stop()
})

const WHOLE = 3.5 * 1024 * 1024

/** A member of Org1 that is in the channel's topic. */
async function inside(height?: number) {
  const target = await Target.start()
  toStop.push(target)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  await target.submit(3)
  const spy = await attacker.infiltrate(target, mallory, height)
  return { target, attacker, spy, mallory }
}

/** The next block of the victim, forged: linked and hashed as it should be, signed by nobody. */
async function forged(target: Target, number?: number): Promise<Block> {
  const peer = target.network.peer(VICTIM)
  const tip = (await peer.block(CHANNEL, peer.height(CHANNEL) - 1))!
  return Block.create(number ?? tip.number + 1, tip.hash(), tip.data).withMetadata({ 0: tip.metadata[0]! })
}

const message = (block: Block): Uint8Array => blockMessage(block, WHOLE, 'x', 0)

it('a forged block costs its sender the connection and the way back, and stands in nobody’s way', async () => {
  const { target, attacker, spy, mallory } = await inside()
  const block = await forged(target)
  await spy.topic.publish(message(block))
  await spy.ended()
  expect(target.status().node.refused).toMatchObject({ misbehaved: 1 })
  // Under another libp2p key as well: it is the member that is not trusted.
  const again = await Attacker.start()
  toStop.push(again)
  const second = await again.connect(target, await again.hello(mallory))
  await second.ended()
  expect(second.messages).toEqual([])
  await target.isUnaffected()
  void attacker
})

it.each([
  ['garbage', () => Uint8Array.from({ length: 500 }, (_, i) => (i * 7) % 256)],
  ['an empty message', () => new Uint8Array(0)],
  ['a block that is none', () => TopicMessage.encode({ block: Uint8Array.of(255, 255, 255) })],
  ['a claim that is none', () => TopicMessage.encode({ claim: { statement: Uint8Array.of(9), signature: Uint8Array.of(9) } })],
  [
    'an announcement of a block without end',
    () => TopicMessage.encode({ announced: Block.create(4, new Uint8Array(32), []).encode(), size: 2 ** 31 }),
  ],
])('%s costs its sender the connection', async (_what, make) => {
  const { target, spy } = await inside()
  await spy.topic.publish(make())
  await spy.ended()
  await target.isUnaffected()
})

it('old blocks are passed over, and a flood of them ends the connection', async () => {
  const { target, spy } = await inside()
  const blocks = await Promise.all([0, 1, 2].map((number) => target.network.peer(VICTIM).block(CHANNEL, number)))
  const before = target.status().blocks
  // Each message is new to gossipsub, since what surrounds the block differs.
  let sent = 0
  const publish = async (): Promise<void> => {
    const block = blocks[sent % 3]!
    await spy.topic.publish(TopicMessage.encode({ block: block.encode(), origin: `${sent++}` }))
  }
  for (let i = 0; i < 50; i++) await publish()
  await target.isUnaffected()
  expect(spy.closed).toBe(false)
  while (!spy.closed && sent < 20_000) {
    await publish()
    if (sent % 50 === 0) await new Promise(setImmediate)
  }
  await spy.ended()
  expect(target.status().blocks.orderer + target.status().blocks.gossip).toBeGreaterThanOrEqual(before.orderer + before.gossip)
  await target.isUnaffected()
})

it('blocks of the future are not kept, however many', async () => {
  const { target, spy } = await inside()
  const before = heldMegabytes()
  const filler = new Uint8Array(1024 * 1024)
  for (let i = 0; i < 80 && !spy.closed; i++) {
    const block = Block.create(
      i % 2 === 0 ? 1_000_000 + i : target.network.peer(VICTIM).height(CHANNEL) + 2 + (i % 20),
      new Uint8Array(32),
      [filler],
    )
    await spy.topic.publish(message(block.withMetadata({ 4: Uint8Array.of(i % 256, i >> 8) })))
    await new Promise(setImmediate)
  }
  const { early } = target.status()
  expect(early).toBeLessThanOrEqual(32)
  await target.isUnaffected()
  await until('early blocks are let go', () => target.status().early === 0)
  // The attacker in this process keeps what it sent for a while as well.
  await until('memory is free again', () => heldMegabytes() - before < 48)
})

it('a message that is too large ends the stream, not the peer', async () => {
  const { target, spy } = await inside()
  await spy.topic.publish(TopicMessage.encode({ block: new Uint8Array(5 * 1024 * 1024) }))
  await target.isUnaffected()
  expect(target.status().waiting).toBe(0)
})

it('a peer that announces a large block and does not have it holds up nobody', async () => {
  const { target, spy } = await inside()
  const block = await forged(target)
  const header = Block.of(block.header, [], block.metadata)
  await spy.topic.publish(TopicMessage.encode({ announced: header.encode(), size: 8 * 1024 * 1024, origin: 'x' }))
  await target.isUnaffected()
})

it.each([
  ['forged blocks', async (_target: Target, block: Block) => [PullAnswer.encode({ block: block.encode() })]],
  [
    'other blocks than those asked for',
    async (target: Target) => [PullAnswer.encode({ block: (await forged(target, 77)).encode() })],
  ],
  ['garbage', async () => [Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 256)]],
  [
    'parts that never end',
    async () => Array.from({ length: 64 }, () => PullAnswer.encode({ part: new Uint8Array(1024), total: 2 ** 30 })),
  ],
  [
    'more than a window',
    async (target: Target) => {
      const block = await forged(target)
      return Array.from({ length: 40 }, () =>
        PullAnswer.encode({ block: Block.of(block.header, [new Uint8Array(1 << 20)], []).encode() }),
      )
    },
  ],
])('a neighbour that answers with %s is found out; blocks come from others', async (_what, lie) => {
  const { target, attacker, spy } = await inside()
  const frames = await lie(target, await forged(target))
  let asked = 0
  await attacker.network.serve(PULL_PROTOCOL, 8, (_link, stream) => {
    asked++
    void (async () => {
      for await (const _request of stream.frames(4096)) {
        for (const frame of frames) await stream.send(frame)
        stream.end()
      }
    })().catch(() => {})
  })
  await spy.say({ state: { channels: [{ channel: CHANNEL, height: target.network.peer(VICTIM).height(CHANNEL) + 1_000 }] } })
  await spy.ended()
  expect(asked).toBeGreaterThan(0)
  await target.isUnaffected()
})

it('a neighbour that says it has blocks and never answers only costs time of its own', async () => {
  const { target, attacker, spy } = await inside()
  await attacker.network.serve(PULL_PROTOCOL, 8, () => {})
  await spy.say({ state: { channels: [{ channel: CHANNEL, height: 1_000 }] } })
  await target.isUnaffected()
})
