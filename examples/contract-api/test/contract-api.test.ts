import { fileURLToPath } from 'node:url'
import { createNetwork, createNetworkFromFile, type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

let network: Network
beforeAll(async () => {
  network = await createNetworkFromFile(path('../network.yaml'))
})
afterAll(() => network?.stop())

describe('an unmodified fabric-contract-api package, by config', () => {
  it('runs in the worker runtime', () => {
    expect(network.config.chaincodeRuntime.use).toBe('worker')
  })

  it('creates, transfers, lists and remembers assets', async () => {
    const assets = network.gateway('Org1').contract('assets')
    const created = JSON.parse(text(await assets.submit('CreateAsset', 'a1', 'blue', '7')))
    expect(created).toEqual({ id: 'a1', colour: 'blue', value: 7, owner: 'Org1MSP' })
    expect(text(await assets.submit('TransferAsset', 'a1', 'Org2MSP'))).toBe('Org1MSP')
    expect(JSON.parse(text(await assets.evaluate('GetAllAssets')))).toEqual([{ ...created, owner: 'Org2MSP' }])
    expect(JSON.parse(text(await assets.evaluate('History', 'a1')))).toEqual(['Org2MSP', 'Org1MSP'])
    expect(text(await assets.evaluate('AssetExists', 'a2'))).toBe('false')
  })

  it('what a contract throws is refused with its own words', async () => {
    const assets = network.gateway('Org1').contract('assets')
    await expect(assets.submit('TransferAsset', 'a1', 'Org1MSP')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
      message: expect.stringContaining('asset a1 belongs to Org2MSP, not to Org1MSP'),
    })
    await expect(assets.evaluate('NoSuchFunction')).rejects.toMatchObject({ code: 'EVALUATE_REFUSED' })
  })

  it("answers for its metadata, as Fabric's tools ask", async () => {
    const contract = network.gateway('Org1').channel('main').contract('assets', 'org.hyperledger.fabric')
    const metadata = JSON.parse(text(await contract.evaluate('GetMetadata')))
    expect(Object.keys(metadata.contracts)).toEqual(['AssetTransfer', 'org.hyperledger.fabric'])
  })

  it('emits events', async () => {
    await network.gateway('Org1').contract('assets').submit('CreateAsset', 'a9', 'red', '1')
    const names: string[] = []
    for await (const event of network.gateway('Org1').channel('main').chaincodeEvents('assets', { startBlock: 1 })) {
      names.push(text(event.payload))
      if (names.length === 2) break
    }
    expect(names).toEqual(['a1', 'a9'])
  })
})

describe.each(['worker', 'inline'])('contracts in other forms (%s)', (chaincodeRuntime) => {
  it('two contracts in one chaincode from an ES module, addressed by name; a class as the default export', async () => {
    await using other = await createNetwork({
      organizations: ['Org1'],
      base: import.meta.url,
      chaincodeRuntime,
      chaincodes: {
        two: { module: './forms/two-contracts.mjs' },
        single: { module: './forms/default-class.mjs' },
      },
    })
    const channel = other.gateway('Org1').channel('main')
    await channel.contract('two', 'counters').submit('Add', 'k', '2')
    await channel.contract('two', 'counters').submit('Add', 'k', '3')
    expect(text(await channel.contract('two', 'notes').evaluate('Read', 'k'))).toBe('the note says 5')
    // Without a name the first contract answers.
    expect(text(await channel.contract('two').submit('Add', 'k', '1'))).toBe('6')
    expect(text(await channel.contract('single').evaluate('Greet', 'Ada'))).toBe('good day, Ada')
  })
})
