import { createNetwork, definePlugin, type Network, seededRandom } from '@heddle/core'
import { type Consenter, OrderError, orderingFromLog } from '@heddle/core/plugin'
import { MemoryLogs } from '@heddle/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

/** Names of the orderers that took an envelope, in order. */
let taken: string[]
/** Orderers that order what they take and lose the answer. */
let mute: Set<string>
let network: Network

/** Three orderers over one log; watched, and able to lose answers. */
const sharedLog = () => {
  const logs = new MemoryLogs(seededRandom('shared log'))
  return definePlugin<'ordering'>({
    name: 'shared-log',
    provides: 'ordering',
    capabilities: { faultModel: 'crash', simulable: true, nodes: { min: 1 } },
    create: ({ node }) => watched(orderingFromLog({ provider: logs.provider() }), node),
  })
}

function watched(consenter: Consenter, node: string): Consenter {
  return {
    start: () => consenter.start(),
    stop: () => consenter.stop(),
    validateMetadata: (previous, next) => consenter.validateMetadata(previous, next),
    isConsenter: (config, identity) => consenter.isConsenter(config, identity),
    join(host) {
      const service = consenter.join(host)
      return {
        start: () => service.start(),
        stop: () => service.stop(),
        configure: (submission, signal) => service.configure(submission, signal),
        receive: (from, message, identity) => service.receive(from, message, identity),
        adopted: (tip, block, durable) => service.adopted(tip, block, durable),
        status: () => service.status(),
        failed: service.failed,
        async submit(submission, signal) {
          taken.push(node)
          const ordered = await service.submit(submission, signal)
          if (mute.has(node)) throw new OrderError('ORDER_OUTCOME_UNKNOWN', 'the answer was lost')
          return ordered
        },
      }
    },
  }
}

beforeEach(async () => {
  taken = []
  mute = new Set()
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    orderers: 3,
    ordering: sharedLog(),
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })
  taken = []
})
afterEach(() => network.stop())

const contract = () => network.gateway('Org1').contract('asset')

/** Ledger entries of a transaction, with their codes. */
async function entries(txId: string): Promise<number[]> {
  const codes: number[] = []
  for await (const block of network.channel('main').blocks())
    for (let i = 0; i < block.data.length; i++) if (block.envelope(i).txId === txId) codes.push(block.metadataAt(2)[i]!)
  return codes
}

describe('several orderers', () => {
  it('are taken in turn', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await contract().submit('put', key, '1')
    const first = taken.slice(0, 3)
    expect(new Set(first).size).toBe(3)
    expect(taken).toEqual([...first, ...first])
  })

  it('go on when one stops; it catches up when it starts again, with the same blocks', async () => {
    await contract().submit('put', 'a', '1')
    await network.orderer('orderer1.orderer').stop()
    taken = []
    for (const key of ['b', 'c', 'd', 'e']) await contract().submit('put', key, '1')
    expect(new Set(taken)).toEqual(new Set(['orderer0.orderer', 'orderer2.orderer']))
    await network.orderer('orderer1.orderer').start()
    // Each of the three orders again: the third has caught up, or it could not number its block.
    for (const key of ['f', 'g', 'h']) await contract().submit('put', key, '1')
    expect(taken).toContain('orderer1.orderer')
    const height = network.channel('main').height
    await network.orderer('orderer0.orderer').stop()
    await network.orderer('orderer2.orderer').stop()
    // Peers now follow the one that was away.
    await contract().submit('put', 'i', '1')
    await network.channel('main').synchronize()
    expect(network.channel('main').height).toBe(height + 1)
    expect(network.orderer('orderer1.orderer').height('main')).toBe(height + 1)
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
  })

  it('without any the transaction is refused as not ordered, and counts once it is submitted to one that is back', async () => {
    const transaction = await contract().newProposal('add', 'n', '1').endorse()
    for (const orderer of network.orderers) await orderer.stop()
    await expect(transaction.submit()).rejects.toMatchObject({ code: 'SUBMIT_UNAVAILABLE', duty: 'retry' })
    await network.orderer('orderer2.orderer').start()
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    for (const orderer of network.orderers) await orderer.start()
    expect(await entries(transaction.getTransactionId())).toEqual([0])
  })

  it('one that lost its answer: the same bytes go to the next one, and the transaction counts once', async () => {
    mute.add('orderer0.orderer').add('orderer1.orderer')
    for (let i = 1; i <= 3; i++) {
      const transaction = await contract().newProposal('add', 'sum', '1').endorse()
      expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
      const codes = await entries(transaction.getTransactionId())
      expect(codes.filter((code) => code === 0)).toHaveLength(1)
      expect(text(await contract().evaluate('get', 'sum'))).toBe(String(i))
    }
  })

  it('all lost their answers: submitting again after OUTCOME_UNKNOWN never commits twice', async () => {
    for (const { name } of network.orderers) mute.add(name)
    const transaction = await contract().newProposal('add', 'sum', '1').endorse()
    const attempt = () => transaction.submit().catch((error: unknown) => error)
    for (let i = 0; i < 3; i++) {
      const outcome = await attempt()
      // The peer may have seen it commit by now: then it is known after all.
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'OUTCOME_UNKNOWN', duty: 'ask-status' })
    }
    mute.clear()
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    const codes = await entries(transaction.getTransactionId())
    expect(codes.length).toBeGreaterThan(1)
    expect(codes.filter((code) => code === 0)).toHaveLength(1)
    expect(codes.filter((code) => code !== 0 && code !== 9)).toEqual([])
    expect(text(await contract().evaluate('get', 'sum'))).toBe('1')
  })
})
