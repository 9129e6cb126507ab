import { describe, expect, it } from 'vitest'
import { ordererAdmin, updateTo } from '../../channel/plain-channel.fixture.ts'
import { setBatchSize } from '../../channel/update/edit-config.ts'
import type { Block } from '../../model/block.ts'
import { Metadata } from '../../model/messages/common.ts'
import { envelope, HeldStore, settled, type TestOrderer, testOrderer, Wire } from './ordering.fixture.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

/** Submits and waits until consensus has it. */
async function submitted({ host }: TestOrderer, text: string) {
  const outcome = host.broadcast(await envelope(text))
  await settled()
  return outcome
}

async function collect(blocks: AsyncIterable<Block>): Promise<number[]> {
  const numbers: number[] = []
  for await (const { number } of blocks) numbers.push(number)
  return numbers
}

describe('deliver', () => {
  it('gives stored blocks, then new ones, to the end asked for', async () => {
    await using orderer = await testOrderer()
    const numbers = collect(orderer.host.deliver(0, undefined, 2))
    for (const text of ['a', 'b']) {
      const outcome = submitted(orderer, text)
      await settled()
      orderer.consensus.decideAll()
      await outcome
    }
    expect(await numbers).toEqual([0, 1, 2])
  })

  it('ends when aborted, while it waits', async () => {
    await using orderer = await testOrderer()
    const abort = new AbortController()
    const numbers = collect(orderer.host.deliver(0, abort.signal))
    await settled()
    abort.abort()
    expect(await numbers).toEqual([0])
  })

  it('ends when the orderer stops', async () => {
    const orderer = await testOrderer()
    const numbers = collect(orderer.host.deliver(0))
    await settled()
    await orderer.host.stop()
    expect(await numbers).toEqual([0])
  })
})

describe('catch-up', () => {
  async function chainOf(texts: readonly string[], wire: Wire, members: readonly string[]): Promise<TestOrderer> {
    const orderer = await testOrderer({ name: 'orderer0', wire, members })
    for (const text of texts) {
      const outcome = submitted(orderer, text)
      await settled()
      orderer.consensus.decideAll()
      await outcome
    }
    return orderer
  }

  it('takes verified blocks from another orderer and tells the plugin', async () => {
    const wire = new Wire()
    const members = ['orderer0', 'orderer1']
    await using ahead = await chainOf(['a', 'b', 'c'], wire, members)
    await using behind = await testOrderer({ name: 'orderer1', wire, members })
    await behind.consensus.host.pull(1, 3, new AbortController().signal)
    expect(behind.store.blocks.map((block) => block.hash())).toEqual(ahead.store.blocks.map((block) => block.hash()))
    expect(behind.consensus.adoptedTips.map(({ number }) => number)).toEqual([1, 2, 3])
    expect(behind.host.height).toBe(4)
  })

  it('takes config blocks with their configuration', async () => {
    const wire = new Wire()
    const members = ['orderer0', 'orderer1']
    await using ahead = await testOrderer({ wire, members })
    const { config } = ahead.host
    const outcome = ahead.host.broadcast(
      await updateTo(config, setBatchSize(config.config, { maxMessageCount: 9 }), ordererAdmin),
    )
    await settled()
    ahead.consensus.decideConfig()
    await outcome
    await using behind = await testOrderer({ name: 'orderer1', wire, members })
    await behind.consensus.host.pull(1, 1, new AbortController().signal)
    expect([behind.host.config.sequence, behind.consensus.host.tip.lastConfig]).toEqual([1, 1])
  })

  it('refuses blocks with a wrong signature, and asks the next orderer', async () => {
    const wire = new Wire()
    const members = ['orderer0', 'orderer2', 'orderer1']
    await using ahead = await chainOf(['a'], wire, members)
    const good = ahead.store.blocks[1]!
    const { value } = Metadata.decode(good.metadataAt(0))
    const forged = new HeldStore([ahead.store.blocks[0]!, good.withMetadata({ 0: Metadata.encode({ value, signatures: [] }) })])
    await ahead.host.stop()
    await using liar = await testOrderer({ name: 'orderer0', wire, members, store: forged })
    await using honest = await testOrderer({ name: 'orderer2', wire, members, store: ahead.store })
    await using behind = await testOrderer({ name: 'orderer1', wire, members })
    await behind.consensus.host.pull(1, 1, new AbortController().signal)
    expect(Buffer.compare(behind.store.blocks[1]!.encode(), good.encode())).toBe(0)
    expect([liar.host.height, honest.host.height]).toEqual([2, 2])
  })

  it('from nobody fails with a typed error', async () => {
    await using orderer = await testOrderer({ members: ['orderer0', 'gone'] })
    const pulled = orderer.consensus.host.pull(1, 3, new AbortController().signal)
    const expected = expect(pulled).rejects.toEqual(code('ORDER_CATCH_UP_FAILED'))
    for (let i = 0; i < 10; i++) {
      await settled()
      orderer.clock.advance(10_000)
    }
    await expected
  })
})
