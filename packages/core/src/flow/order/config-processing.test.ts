import { describe, expect, it } from 'vitest'
import { admin1, admin2, ordererAdmin, updateTo } from '../../channel/plain-channel.fixture.ts'
import { plainProvider } from '../../channel/plain-identity.fixture.ts'
import { setBatchSize, setMaintenance } from '../../channel/update/edit-config.ts'
import { HeaderType, LastConfig, Metadata } from '../../model/messages/common.ts'
import { envelope, settled, type TestOrderer, testOrderer } from './ordering.fixture.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

/** Submits and waits until consensus has it. */
async function submitted({ host }: TestOrderer, text: string) {
  const outcome = host.broadcast(await envelope(text))
  await settled()
  return outcome
}

describe('configuration', () => {
  const larger = (orderer: TestOrderer, maxMessageCount: number) =>
    updateTo(orderer.host.config, setBatchSize(orderer.host.config.config, { maxMessageCount }), ordererAdmin)

  it('stands alone in its block, takes effect with the decision, and is named by the blocks that follow', async () => {
    await using orderer = await testOrderer()
    const outcome = orderer.host.broadcast(await larger(orderer, 77))
    await settled()
    expect(orderer.consensus.configs[0]!.submission.next.batchSize.maxMessageCount).toBe(77)
    orderer.consensus.decideConfig()
    expect(orderer.consensus.host.config.batchSize.maxMessageCount).toBe(77)
    expect(await outcome).toEqual({ blockNumber: 1 })
    const next = submitted(orderer, 'a')
    await settled()
    orderer.consensus.decideAll()
    await next
    const blocks = orderer.store.blocks.slice(1)
    expect(blocks.map(({ data }) => data.length)).toEqual([1, 1])
    expect(blocks[0]!.envelope(0).type).toBe(HeaderType.CONFIG)
    const lastConfigs = blocks.map((block) => LastConfig.decode(Metadata.decode(block.metadataAt(1)).value).index)
    expect(lastConfigs).toEqual([1, 1])
  })

  it('is computed one at a time, each from what the one before left', async () => {
    await using orderer = await testOrderer()
    const first = orderer.host.broadcast(await larger(orderer, 77))
    const second = orderer.host.broadcast(await larger(orderer, 78))
    await settled()
    expect(orderer.consensus.configs).toHaveLength(1)
    orderer.consensus.decideConfig()
    await first
    // It was computed from the configuration that the first one replaced.
    await expect(second).rejects.toEqual(code('ORDER_CONFIG_REFUSED'))
  })

  it('with too few signatures is refused', async () => {
    await using orderer = await testOrderer()
    const { config } = orderer.host
    const update = await updateTo(config, setBatchSize(config.config, { maxMessageCount: 5 }), admin1, admin2)
    await expect(orderer.host.broadcast(update)).rejects.toEqual(code('ORDER_CONFIG_REFUSED'))
  })

  it('that the consensus plugin finds unsafe is refused', async () => {
    await using orderer = await testOrderer()
    orderer.consensus.metadataRule = () => {
      throw new TypeError('never')
    }
    await expect(orderer.host.broadcast(await larger(orderer, 5))).rejects.toEqual(code('ORDER_CONFIG_REFUSED'))
  })

  it('decided out of sequence is refused', async () => {
    await using orderer = await testOrderer()
    const outcome = orderer.host.broadcast(await larger(orderer, 77))
    await settled()
    const { submission } = orderer.consensus.configs[0]!
    orderer.consensus.decideConfig()
    await outcome
    const batch = { envelopes: [submission.envelope], isConfig: true }
    const decide = (): unknown => orderer.consensus.host.decide({ batch, consenterMetadata: new Uint8Array(0) })
    expect(decide).toThrow(code('ORDER_BAD_DECISION'))
  })

  it('that was ordered without being valid halts the node before the block is stored', async () => {
    await using orderer = await testOrderer()
    await using other = await testOrderer({ provider: { ...plainProvider, verifyAll: (items) => items.map(() => true) } })
    // Signed by nobody who may: the careless orderer lets it pass.
    const { config } = other.host
    const update = await updateTo(config, setBatchSize(config.config, { maxMessageCount: 5 }), {
      ...ordererAdmin,
      sign: () => Buffer.from('forged'),
    })
    void other.host.broadcast(update).catch(() => {})
    await settled()
    const { submission } = other.consensus.configs[0]!
    orderer.consensus.host.decide({
      batch: { envelopes: [submission.envelope], isConfig: true },
      consenterMetadata: new Uint8Array(0),
    })
    await expect(orderer.host.failed).rejects.toEqual(code('CONFIG_UPDATE_NOT_AUTHORIZED'))
    expect(orderer.store.height).toBe(1)
  })

  it('in maintenance mode only the ordering organisations may write', async () => {
    await using orderer = await testOrderer()
    const { config } = orderer.host
    const outcome = orderer.host.broadcast(await updateTo(config, setMaintenance(config.config, true), ordererAdmin))
    await settled()
    orderer.consensus.decideConfig()
    await outcome
    await expect(orderer.host.broadcast(await envelope('a'))).rejects.toEqual(code('ORDER_MAINTENANCE'))
    const now = orderer.host.config
    const fromOutside = await updateTo(now, setMaintenance(now.config, false), admin1)
    await expect(orderer.host.broadcast(fromOutside)).rejects.toEqual(code('ORDER_FORBIDDEN'))
    const back = orderer.host.broadcast(await updateTo(now, setMaintenance(now.config, false), ordererAdmin))
    await settled()
    orderer.consensus.decideConfig()
    expect(await back).toEqual({ blockNumber: 2 })
  })

  it('recheck gives a submission under the new configuration, or refuses it', async () => {
    await using orderer = await testOrderer()
    const pending = submitted(orderer, 'a')
    await settled()
    const outcome = orderer.host.broadcast(await larger(orderer, 77))
    await settled()
    orderer.consensus.decideConfig()
    await outcome
    const { submission } = orderer.consensus.waiting[0]!
    expect((await orderer.consensus.host.recheck(submission)).configSequence).toBe(submission.configSequence + 1)
    orderer.consensus.decideAll()
    await pending
  })
})
