import { Block, createNetwork, type Network } from '@heddle/core'
import { Metadata } from '@heddle/core/model'
import { afterEach, expect, it } from 'vitest'
import gossip from '../src/index.ts'
import { blockMessage } from '../src/relay/relay.ts'
import { Attacker, CHANNEL, Target, until, VICTIM } from './attacks/attacker.fixture.ts'

const toStop: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of toStop.splice(0).reverse()) await each.stop()
})

/** Another block in the place of one that is held, signed by the orderer as that one is. */
async function twin(network: Network, held: Block): Promise<Block> {
  const other = Block.create(held.number, held.header.previousHash, [...held.data, ...held.data])
  const { value, signatures } = Metadata.decode(held.metadataAt(0))
  const { signatureHeader } = signatures[0]!
  const { signer } = network.organization('Orderer').identity('orderer0.orderer')
  const signature = await signer!.sign(Buffer.concat([value, signatureHeader, other.headerBytes()]))
  return other.withMetadata({ 0: Metadata.encode({ value, signatures: [{ signatureHeader, signature }] }) })
}

const statusOf = (network: Network, peer: string) =>
  network
    .peer(peer)
    .status()
    .channels.find(({ channel }) => channel === CHANNEL)!

it('two signed blocks of one height stop the channel, are reported and kept, and the peer stays stopped when it starts again', async () => {
  const target = await Target.start()
  toStop.push(target)
  const { network } = target
  const mallory = await network.organization('Org1').enrol('mallory', { role: 'peer' })
  await target.submit(2)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  const spy = await attacker.infiltrate(target, mallory)
  const held = (await network.peer(VICTIM).block(CHANNEL, 2))!
  const other = await twin(network, held)
  await spy.topic.publish(blockMessage(other, 1 << 20, 'x', 0))
  await until('the channel stops', () => statusOf(network, VICTIM).halted !== undefined)
  const hex = (block: Block): string => Buffer.from(block.hash()).toString('hex')
  expect(statusOf(network, VICTIM).halted).toMatchObject({ code: 'PEER_CHANNEL_FORKED' })
  expect(statusOf(network, VICTIM).dissemination).toMatchObject({ fork: { block: 2, held: hex(held), other: hex(other) } })
  // The evidence is what was held and what came, and outlives the process.
  await network.peer(VICTIM).stop()
  await network.peer(VICTIM).start()
  expect(statusOf(network, VICTIM)).toMatchObject({
    halted: { code: 'PEER_CHANNEL_FORKED' },
    dissemination: { fork: { block: 2, held: hex(held), other: hex(other) } },
  })
  // Who has not seen the other block goes on.
  expect(statusOf(network, 'peer0.org2').halted).toBeUndefined()
})

it('the same block with another orderer’s signature bytes is known, and no fork', async () => {
  const target = await Target.start()
  toStop.push(target)
  const { network } = target
  const mallory = await network.organization('Org1').enrol('mallory', { role: 'peer' })
  await target.submit(2)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  const spy = await attacker.infiltrate(target, mallory)
  const held = (await network.peer(VICTIM).block(CHANNEL, 2))!
  await spy.topic.publish(blockMessage(held.withMetadata({ 0: Uint8Array.of(1) }), 1 << 20, 'x', 0))
  await target.isUnaffected()
  expect(spy.closed).toBe(false)
})

it('a block of another channel that the same orderer signed is refused, and no fork', async () => {
  const network = await createNetwork({
    organizations: [{ name: 'Org1', peers: 2 }],
    channels: { main: {}, other: {} },
    base: import.meta.url,
    dissemination: { use: gossip, options: { transport: 'memory' } },
    log: { level: 'silent' },
  })
  toStop.push(network)
  await Promise.all(['main', 'other'].map((channel) => network.channel(channel).setBatchTimeout(500)))
  await until('both have the block', () => network.peers.every((peer) => peer.height('main') === 2 && peer.height('other') === 2))
  const attacker = await Attacker.start()
  toStop.push(attacker)
  const mallory = await network.organization('Org1').enrol('mallory', { role: 'peer' })
  const status = () => statusOf(network, VICTIM)
  const target = { status: () => status().dissemination } as unknown as Target
  const spy = await attacker.infiltrate(target, mallory)
  await spy.topic.publish(blockMessage((await network.peer(VICTIM).block('other', 1))!, 1 << 20, 'x', 0))
  await spy.ended()
  expect(status().halted).toBeUndefined()
})
