import { createNetwork, defineChaincode, type Network } from '@heddle/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, text } from './network/asset.fixture.ts'

const caller = defineChaincode({
  async read(stub, chaincode = '', channel = '', key = '') {
    const { status, message, payload } = await stub.invokeChaincode(chaincode, ['get', key], channel)
    if (status !== 200) throw new Error(message)
    return payload
  },
  async write(stub, chaincode = '', channel = '', key = '', value = '') {
    await stub.putState(`wrote ${key}`, value)
    await stub.invokeChaincode(chaincode, ['put', key, value], channel)
    stub.setEvent('called', Buffer.from(key))
  },
})

let network: Network
beforeEach(async () => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2', 'Org3'],
    base: import.meta.url,
    channels: {
      all: {},
      pair: { organizations: ['Org1', 'Org2'] },
    },
    chaincodes: {
      asset: { chaincode: asset, endorsement: "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')" },
      caller: { chaincode: caller, endorsement: "OR('Org1MSP.peer','Org2MSP.peer')" },
    },
  })
})
afterEach(() => network.stop())

const asset1 = (channel: string, who = 'Org1') => network.gateway(who).channel(channel).contract('asset')
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const first = async <T>(stream: AsyncIterable<T>): Promise<T | undefined> => {
  for await (const each of stream) return each
  return undefined
}

describe('channels of one network', () => {
  it('keep state, heights and events apart', async () => {
    const heights = { all: network.channel('all').height, pair: network.channel('pair').height }
    await asset1('all').submit('put', 'a', 'all')
    await asset1('pair').submit('put', 'a', 'pair')
    await asset1('pair').submit('put', 'b', 'pair')
    expect(text(await asset1('all').evaluate('get', 'a'))).toBe('all')
    expect(text(await asset1('all').evaluate('get', 'b'))).toBe('')
    expect(network.channel('all').height).toBe(heights.all + 1)
    expect(network.channel('pair').height).toBe(heights.pair + 2)
    const keys: string[] = []
    const events = network.gateway('Org1').channel('pair').chaincodeEvents('asset', { startBlock: 0 })
    for await (const { payload } of events) if (keys.push(text(payload)) === 2) break
    expect(keys).toEqual(['a', 'b'])
  })

  it('one transaction id is of one channel', async () => {
    const transaction = await asset1('pair').newProposal('put', 'a', '1').endorse()
    const { blockNumber } = await (await transaction.submit()).getStatus()
    expect((await network.channel('pair').block(blockNumber))?.envelope(0).txId).toBe(transaction.getTransactionId())
    for await (const block of network.channel('all').blocks())
      for (let i = 0; i < block.data.length; i++) expect(block.envelope(i).txId).not.toBe(transaction.getTransactionId())
  })

  it('have configurations of their own', async () => {
    await network.channel('pair').setBatchSize({ maxMessageCount: 3 })
    expect(network.channel('all').config.sequence).toBe(0)
    expect(network.channel('all').config.ordering.batchSize.maxMessageCount).toBe(500)
  })

  it('a chaincode reads another channel and writes nothing there', async () => {
    await asset1('all').submit('put', 'a', '1')
    const caller1 = network.gateway('Org1').channel('pair').contract('caller')
    expect(text(await caller1.evaluate('read', 'asset', 'all', 'a'))).toBe('1')
    const height = network.channel('all').height
    await caller1.submit('write', 'asset', 'all', 'a', '2')
    expect(text(await caller1.evaluate('read', 'asset', 'all', 'a'))).toBe('1')
    expect(network.channel('all').height).toBe(height)
  })

  it('on the same channel a called chaincode takes part; only the outer event counts', async () => {
    const startBlock = network.channel('pair').height
    await network.gateway('Org1').channel('pair').contract('caller').submit('write', 'asset', '', 'a', '2')
    expect(text(await asset1('pair').evaluate('get', 'a'))).toBe('2')
    await asset1('pair').submit('put', 'end', '1')
    const channel = network.gateway('Org1').channel('pair')
    expect(await first(channel.chaincodeEvents('caller', { startBlock }))).toMatchObject({ eventName: 'called' })
    expect(text((await first(channel.chaincodeEvents('asset', { startBlock })))!.payload)).toBe('end')
  })
})

describe('an organisation that is no member of a channel', () => {
  it('has no peer on it', () => {
    expect(() => network.peer('peer0.org3').height('pair')).toThrow(/has not joined channel 'pair'/)
    expect(network.channel('pair').config.organizations.application.map(({ name }) => name)).toEqual(['Org1', 'Org2'])
  })

  it('gets no query answered and nothing endorsed', async () => {
    await asset1('pair').submit('put', 'a', 'secret')
    expect(await failure(asset1('pair', 'Org3').evaluate('get', 'a'))).toMatchObject({ code: 'EVALUATE_REFUSED' })
    expect(await failure(asset1('pair', 'Org3').submit('put', 'a', '1'))).toMatchObject({ code: 'ENDORSE_REFUSED' })
  })

  it('gets nothing ordered', async () => {
    const org1 = network.organization('Org1').identity('client')
    const org3 = network.organization('Org3').identity('client')
    // Endorsed for somebody else, signed and sent by the stranger.
    const transaction = await asset1('pair').newProposal('put', 'a', '1').endorse()
    const forged = network.gateway({ mspId: org1.mspId, identity: org1.identity, signer: org3.signer! })
    expect(await failure(forged.newTransaction(transaction.getBytes()).submit())).toMatchObject({ code: 'SUBMIT_REFUSED' })
  })

  it('gets no block, no event and no status', async () => {
    const transaction = await asset1('pair').newProposal('put', 'a', 'secret').endorse()
    await (await transaction.submit()).getStatus()
    const stranger = network.gateway('Org3').channel('pair')
    expect(await failure(first(stranger.blockEvents({ startBlock: 0 })))).toMatchObject({ code: 'EVENTS_REFUSED' })
    expect(await failure(first(stranger.chaincodeEvents('asset', { startBlock: 0 })))).toMatchObject({ code: 'EVENTS_REFUSED' })
    const commit = await (await asset1('pair').newProposal('put', 'b', '1').endorse()).submit()
    expect(await failure(network.gateway('Org3').newCommit(commit.getBytes()).getStatus())).toMatchObject({
      code: 'COMMIT_STATUS_REFUSED',
    })
    expect(await commit.getStatus()).toMatchObject({ successful: true })
  })

  it('does not reach it through a chaincode on a channel of its own', async () => {
    await asset1('pair').submit('put', 'a', 'secret')
    // A peer of Org1 has both channels; the client of Org3 may not read the other one there.
    const proposal = network
      .gateway('Org3')
      .channel('all')
      .contract('caller')
      .newProposal('read', 'asset', 'pair', 'a', { endorsingOrganizations: ['Org1MSP'] })
    expect(await failure(proposal.evaluate())).toMatchObject({ code: 'EVALUATE_REFUSED' })
    expect(await failure(proposal.endorse())).toMatchObject({ code: 'ENDORSE_REFUSED' })
  })
})
