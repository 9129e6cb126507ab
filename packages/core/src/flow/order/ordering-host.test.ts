import { describe, expect, it } from 'vitest'
import { plainSigner } from '../../channel/plain-identity.fixture.ts'
import type { Block } from '../../model/block.ts'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { BlockMetadataIndex, LastConfig, Metadata, OrdererBlockMetadata, SignatureHeader } from '../../model/messages/common.ts'
import { signedBytes } from './block-assembly.ts'
import { envelope, HeldStore, settled, type TestOrderer, testGenesis, testOrderer, textsOf, Wire } from './ordering.fixture.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

/** Submits and waits until consensus has it. */
async function submitted({ host }: TestOrderer, text: string) {
  const outcome = host.broadcast(await envelope(text))
  await settled()
  return outcome
}

describe('giving up', () => {
  it('before consensus has the envelope takes it back', async () => {
    await using orderer = await testOrderer()
    const abort = new AbortController()
    const outcome = orderer.host.broadcast(await envelope('a'), abort.signal)
    abort.abort()
    await expect(outcome).rejects.toEqual(code('ORDER_ABORTED'))
    await settled()
    expect(orderer.consensus.waiting).toEqual([])
    expect(orderer.host.status().inFlight.envelopes).toBe(0)
  })

  it('afterwards leaves the outcome unknown, and tells consensus that nobody waits', async () => {
    await using orderer = await testOrderer()
    const abort = new AbortController()
    const outcome = orderer.host.broadcast(await envelope('a'), abort.signal)
    await settled()
    abort.abort()
    await expect(outcome).rejects.toEqual(code('ORDER_OUTCOME_UNKNOWN'))
    expect(orderer.consensus.waiting[0]!.signal?.aborted).toBe(true)
    orderer.consensus.decideAll()
  })

  it('of one caller leaves another who joined waiting', async () => {
    await using orderer = await testOrderer()
    const abort = new AbortController()
    const bytes = await envelope('a')
    const first = orderer.host.broadcast(bytes, abort.signal)
    const second = orderer.host.broadcast(bytes)
    await settled()
    abort.abort()
    await expect(first).rejects.toEqual(code('ORDER_OUTCOME_UNKNOWN'))
    expect(orderer.consensus.waiting[0]!.signal?.aborted).toBe(false)
    orderer.consensus.decideAll()
    expect(await second).toEqual({ blockNumber: 1 })
  })
})

describe('blocks', () => {
  it('chain by number and header hash, name the last config block, and carry a signature over metadata, signature header and header', async () => {
    await using orderer = await testOrderer()
    const outcome = submitted(orderer, 'a')
    await settled()
    orderer.consensus.decideAll({ consenterMetadata: Buffer.from('position 7') })
    await outcome
    const [genesis, block] = orderer.store.blocks as [Block, Block]
    expect(block.header.previousHash).toEqual(genesis.hash())
    expect(block.hasDataHash()).toBe(true)
    expect(block.metadata).toHaveLength(5)
    expect(block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)).toHaveLength(0)
    expect(LastConfig.decode(Metadata.decode(block.metadataAt(BlockMetadataIndex.LAST_CONFIG)).value)).toEqual({ index: 0 })
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    const stated = OrdererBlockMetadata.decode(value)
    expect(stated.lastConfig).toEqual({ index: 0 })
    expect(Buffer.from(Metadata.decode(stated.consenterMetadata).value).toString()).toBe('position 7')
    const { signatureHeader, signature } = signatures[0]!
    const signer = plainSigner('OrdererMSP', 'orderer', 'orderer0')
    expect(SignatureHeader.decode(signatureHeader).creator).toEqual(signer.identity)
    expect(signature).toEqual(await signer.sign(signedBytes(value, signatureHeader, block.headerBytes())))
  })

  it('are acknowledged and delivered only when they are durable', async () => {
    await using orderer = await testOrderer()
    orderer.store.hold()
    let acknowledged = false
    const outcome = submitted(orderer, 'a').then((ordered) => {
      acknowledged = true
      return ordered
    })
    const delivered = orderer.host.deliver(1).next()
    await settled()
    orderer.consensus.decideAll()
    await settled()
    expect([acknowledged, orderer.host.height, orderer.consensus.host.tip.number]).toEqual([false, 1, 1])
    orderer.store.release()
    expect(await outcome).toEqual({ blockNumber: 1 })
    expect((await delivered).value).toBe(orderer.store.blocks[1])
  })

  it('go to the disk in groups, in order, while the sync of the first is under way', async () => {
    await using orderer = await testOrderer()
    orderer.store.hold()
    const outcomes: Promise<unknown>[] = []
    for (const text of ['a', 'b', 'c', 'd']) {
      outcomes.push(orderer.host.broadcast(await envelope(text)))
      await settled()
      orderer.consensus.decideAll()
    }
    orderer.store.release()
    await Promise.all(outcomes)
    expect(orderer.store.groups).toEqual([1, 3])
    expect(orderer.store.blocks.slice(1).flatMap(textsOf)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('decided again, at or below the tip, change nothing', async () => {
    await using orderer = await testOrderer()
    const outcome = submitted(orderer, 'a')
    await settled()
    orderer.consensus.decideAll({ number: 1 })
    await outcome
    const bytes = await envelope('b')
    const again = orderer.consensus.host.decide({
      number: 1,
      batch: { envelopes: [bytes], isConfig: false },
      consenterMetadata: new Uint8Array(0),
    })
    await again.durable
    expect([again.block, orderer.store.height]).toEqual([undefined, 2])
  })

  it('decided with a gap are refused', async () => {
    await using orderer = await testOrderer()
    const batch = { envelopes: [await envelope('a')], isConfig: false }
    const decide = (): unknown => orderer.consensus.host.decide({ number: 5, batch, consenterMetadata: new Uint8Array(0) })
    expect(decide).toThrow(code('ORDER_DECISION_GAP'))
  })

  it('that cannot be stored halt the channel, and every open submission learns that its outcome is unknown', async () => {
    await using orderer = await testOrderer()
    orderer.store.fail(new Error('no space left'))
    const outcome = submitted(orderer, 'a')
    await settled()
    orderer.consensus.decideAll()
    await expect(outcome).rejects.toEqual(code('ORDER_OUTCOME_UNKNOWN'))
    await expect(orderer.host.failed).rejects.toThrow('no space left')
    await expect(orderer.host.broadcast(await envelope('b'))).rejects.toEqual(code('ORDER_UNAVAILABLE'))
    expect(orderer.host.status().halted?.message).toBe('no space left')
  })

  it('after a restart go on where the store ends', async () => {
    const store = new HeldStore([testGenesis()])
    {
      await using orderer = await testOrderer({ store })
      const outcome = submitted(orderer, 'a')
      await settled()
      orderer.consensus.decideAll({ consenterMetadata: Buffer.from('here') })
      await outcome
    }
    await using orderer = await testOrderer({ store })
    const { number, headerHash, consenterMetadata, lastConfig } = orderer.consensus.host.tip
    expect([number, Buffer.from(consenterMetadata).toString(), lastConfig]).toEqual([1, 'here', 0])
    expect(headerHash).toEqual(store.blocks[1]!.hash())
  })

  it('hand on the envelopes that ingress decoded', async () => {
    await using orderer = await testOrderer()
    const view = new EnvelopeView(await envelope('a'))
    const outcome = orderer.host.broadcast(view)
    await settled()
    orderer.consensus.decideAll()
    await outcome
    expect(orderer.store.blocks[1]!.envelope(0)).toBe(view)
  })
})

describe('stop', () => {
  it('answers every open submission', async () => {
    const orderer = await testOrderer()
    const outcome = submitted(orderer, 'a')
    await settled()
    await orderer.host.stop()
    await expect(outcome).rejects.toEqual(code('ORDER_OUTCOME_UNKNOWN'))
    await expect(orderer.host.broadcast(await envelope('b'))).rejects.toEqual(code('ORDER_UNAVAILABLE'))
  })

  it('lets a decided block reach the disk', async () => {
    const orderer = await testOrderer()
    orderer.store.hold()
    const outcome = submitted(orderer, 'a')
    await settled()
    orderer.consensus.decideAll()
    const stopped = orderer.host.stop()
    orderer.store.release()
    await stopped
    expect(await outcome).toEqual({ blockNumber: 1 })
  })
})

describe('traffic of the ordering cluster', () => {
  it('reaches the plugin from members only', async () => {
    const wire = new Wire()
    await using a = await testOrderer({ name: 'a', wire, members: ['a', 'b'] })
    await using b = await testOrderer({ name: 'b', wire, members: ['a', 'b'] })
    await using stranger = await testOrderer({ name: 'c', wire, members: ['a', 'b', 'c'] })
    a.consensus.host.send('b', Buffer.from('hello'))
    stranger.consensus.host.send('b', Buffer.from('let me in'))
    expect(b.consensus.received).toEqual([{ from: 'a', text: 'hello' }])
  })
})
