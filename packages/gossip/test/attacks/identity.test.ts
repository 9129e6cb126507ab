import { createNetwork } from '@heddle/core'
import { afterEach, expect, it } from 'vitest'
import { PULL_PROTOCOL } from '../../src/anti-entropy/pull-protocol.ts'
import gossip from '../../src/index.ts'
import { PullAnswer, PullRequest } from '../../src/wire/messages.ts'
import { Attacker, CHANNEL, Conversation, Target, until } from './attacker.fixture.ts'

const toStop: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of toStop.splice(0).reverse()) await each.stop()
})

async function stage(): Promise<{ target: Target; attacker: Attacker }> {
  const target = await Target.start()
  toStop.push(target)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  return { target, attacker }
}

async function pull(conversation: Conversation, channel: string): Promise<string> {
  try {
    const stream = await conversation.link.open(PULL_PROTOCOL, AbortSignal.timeout(5_000))
    await stream.send(PullRequest.encode({ channel, from: 0, count: 1, maxBytes: 1 << 20 }))
    for await (const frame of stream.frames(4 << 20)) {
      const { refused, block } = PullAnswer.decode(frame)
      return refused === '' ? `${block.length > 0 ? 'a block' : 'nothing'}` : refused
    }
    return 'nothing'
  } catch {
    return 'nothing'
  }
}

it('a member is answered, and gets blocks', async () => {
  const { target, attacker } = await stage()
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  const conversation = await attacker.connect(target, await attacker.hello(mallory))
  await conversation.heard((message) => message.hello !== undefined)
  expect(await pull(conversation, CHANNEL)).toBe('a block')
})

it('a stranger is disconnected, learns nothing of who this is, and gets no block', async () => {
  const { target, attacker } = await stage()
  const other = await createNetwork({ organizations: ['Org1'], base: import.meta.url, log: { level: 'silent' } })
  toStop.push(other)
  // The same names, another authority.
  const impostor = await other.organization('Org1').enrol('mallory', { role: 'peer' })
  const conversation = await attacker.connect(target, await attacker.hello(impostor))
  await conversation.ended()
  expect(conversation.messages).toEqual([])
  expect(await pull(conversation, CHANNEL)).toBe('nothing')
  await target.isUnaffected()
})

it('who proves nothing is given neither a block nor a place in a topic, and is disconnected in time', async () => {
  const { target, attacker } = await stage()
  const link = await attacker.dial(target)
  const silent = { link } as Conversation
  expect(await pull(silent, CHANNEL)).toBe('nothing')
  const topic = await attacker.topic(link)
  await new Promise<void>((resolve) => link.onClose(resolve))
  expect(topic.mesh()).toEqual([])
  await target.isUnaffected()
})

it('the statement of another peer proves nothing to who replays it', async () => {
  const { target, attacker } = await stage()
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  const member = await attacker.connect(target, await attacker.hello(mallory))
  const { hello } = await member.heard((message) => message.hello !== undefined)
  const thief = await Attacker.start()
  toStop.push(thief)
  for (const stolen of [hello!, await attacker.hello(mallory)]) {
    const conversation = await thief.connect(target, stolen)
    await conversation.ended()
    expect(conversation.messages).toEqual([])
  }
  await target.isUnaffected()
})

it('a statement that expired, that holds too long, or that was changed is refused', async () => {
  const { target, attacker } = await stage()
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  const good = await attacker.hello(mallory)
  const bad = [
    await attacker.hello(mallory, { notAfter: Date.now() - 1 }),
    await attacker.hello(mallory, { notAfter: Date.now() + 30 * 24 * 3_600_000 }),
    { ...good, signature: Uint8Array.from(good.signature, (byte, i) => (i === 20 ? byte ^ 1 : byte)) },
    { ...good, statement: good.statement.subarray(0, good.statement.length - 1) },
    { statement: new Uint8Array(0), signature: new Uint8Array(0) },
  ]
  for (const hello of bad) {
    const conversation = await attacker.connect(target, hello)
    await conversation.ended()
    expect(conversation.messages).toEqual([])
  }
  await target.isUnaffected()
})

it('a member of another channel gets neither subscription nor blocks of this one', async () => {
  const network = await createNetwork({
    organizations: [{ name: 'Org1', peers: 2 }, 'Org2', 'Org3'],
    channels: { first: { organizations: ['Org1', 'Org2'] }, second: { organizations: ['Org1', 'Org3'] } },
    base: import.meta.url,
    dissemination: { use: gossip, options: { transport: 'memory' } },
    log: { level: 'silent' },
  })
  toStop.push(network)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  const status = network.peer('peer0.org1').status().channels[0]!.dissemination as { node: { addresses: string[] } }
  const mallory = await network.organization('Org3').enrol('mallory', { role: 'peer' })
  const link = await attacker.network.dial(status.node.addresses[0]!, AbortSignal.timeout(5_000))
  const conversation = new Conversation(link, await link.open('/heddle/gossip/1/link', AbortSignal.timeout(5_000)))
  await conversation.say({ hello: await attacker.hello(mallory) })
  const { state } = await conversation.heard((message) => message.state !== undefined)
  expect(state!.channels.map(({ channel }) => channel)).toEqual(['second'])
  expect(await pull(conversation, 'second')).toBe('a block')
  expect(await pull(conversation, 'first')).toBe('no such channel')
  // Claiming to have joined does not help either.
  await conversation.say({ state: { channels: [{ channel: 'first', height: 1 }] } })
  const topic = await attacker.network.topic('heddle/1/first/Org1MSP', { judge: async () => 'accept', expects: () => true })
  topic.admit(link)
  expect(await pull(conversation, 'first')).toBe('no such channel')
  expect(topic.mesh()).toEqual([])
  const seen = network
    .peer('peer0.org1')
    .status()
    .channels.find(({ channel }) => channel === 'first')!.dissemination
  expect((seen.neighbours as { node: string }[]).map(({ node }) => node)).not.toContain('attacker')
})

it('revocation ends a living connection, and the way back', async () => {
  const { target, attacker } = await stage()
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  const conversation = await attacker.infiltrate(target, mallory)
  await target.network.channel(CHANNEL).revoke('Org1', 'mallory')
  await conversation.ended()
  const again = await attacker.connect(target, await attacker.hello(mallory))
  await again.ended()
  expect(again.messages).toEqual([])
  await target.isUnaffected()
})

it('the end of a statement ends a living connection', async () => {
  const { target, attacker } = await stage()
  const mallory = await target.network.organization('Org1').enrol('mallory', { role: 'peer' })
  const conversation = await attacker.connect(target, await attacker.hello(mallory, { notAfter: Date.now() + 1_000 }))
  await conversation.heard((message) => message.hello !== undefined)
  await until('it is a neighbour', () => target.status().node.connections > 3)
  await conversation.ended()
  await target.isUnaffected()
})
