import { Block, createNetwork, type Network, Tokens } from '@heddle/core'
import type { Dissemination, PeerChannelHost, StateDB } from '@heddle/core/plugin'
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../src/adapters/state-memory/memory-state-db.ts'
import { asset, BOTH } from './asset.fixture.ts'

let network: Network
afterEach(() => network.stop())

/** A network whose second organisation's peer gets its blocks from the test, not from the orderers. */
async function withFedPeer(state?: StateDB): Promise<PeerChannelHost> {
  let fed: PeerChannelHost | undefined
  const byHand: Dissemination = {
    start: async () => {},
    stop: async () => {},
    leave: async () => {},
    status: () => ({}),
    join: async (channel) => {
      fed = channel
    },
  }
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    log: { level: 'silent' },
    overrides: {
      node: (container, { name }) => {
        if (name === 'peer0.org2') container.registerInstance(Tokens.Dissemination, byHand)
      },
      channel: (container, { node }) => {
        if (node.name === 'peer0.org2' && state !== undefined) container.registerInstance(Tokens.StateDB, state)
      },
    },
  })
  return fed!
}

const blockOf = async (number: number): Promise<Block> => Block.decode((await network.channel('main').block(number))!.encode())
/** As an orderer delivers it: without what a peer adds. */
const delivered = async (number: number): Promise<Block> =>
  (await blockOf(number)).withMetadata({ 2: new Uint8Array(0), 4: new Uint8Array(0) })
const makeBlocks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await network.channel('main').setBatchTimeout(1_000 + i, {})
}

describe('the pipeline of a peer', () => {
  it('says of each block whether it is known, ahead or taken', async () => {
    const peer = await withFedPeer()
    const updating = makeBlocks(2).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    expect(await peer.receive(await blockOf(0), 'test')).toBe('known')
    expect(await peer.receive(await delivered(1), 'test')).toBe('accepted')
    await network.peer('peer0.org1').reach('main', 3)
    await network.peer('peer0.org2').reach('main', 2)
    expect(
      await peer.receive(Block.of({ number: 9, previousHash: new Uint8Array(32), dataHash: new Uint8Array(32) }, [], []), 'test'),
    ).toBe('ahead')
    expect(await peer.receive(await delivered(2), 'test')).toBe('accepted')
    await updating
    expect(network.peer('peer0.org2').commitHash('main')).toBe(network.peer('peer0.org1').commitHash('main'))
  })

  it('refuses a block with changed data, hash chain or signatures, whoever brings it, and takes the right one afterwards', async () => {
    const peer = await withFedPeer()
    const updating = makeBlocks(1).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    const good = await delivered(1)
    const otherData = Block.of(good.header, [Uint8Array.of(...good.data[0]!, 0)], good.metadata)
    const otherParent = Block.of({ ...good.header, previousHash: new Uint8Array(32) }, good.data, good.metadata)
    const unsigned = good.withMetadata({ 0: new Uint8Array(0) })
    for (const bad of [otherData, otherParent, unsigned]) expect(await peer.receive(bad, 'liar')).toBe('refused')
    expect(await peer.receive(good, 'orderer')).toBe('accepted')
    await updating
    expect(network.peer('peer0.org2').height('main')).toBe(2)
  })

  it('two sources that bring the same block at once: it is taken once', async () => {
    const peer = await withFedPeer()
    const updating = makeBlocks(1).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    const [a, b] = [await delivered(1), await delivered(1)]
    expect((await Promise.all([peer.receive(a, 'a'), peer.receive(b, 'b')])).sort()).toEqual(['accepted', 'known'])
    await updating
  })

  it('an error of the state database halts the channel and marks no transaction invalid', async () => {
    const state = new MemoryStateDB()
    let full = false
    const failing: StateDB = new Proxy(state, {
      get(target, name) {
        if (name === 'commit' && full) return () => Promise.reject(new Error('disk full'))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const peer = await withFedPeer(failing)
    full = true
    const updating = makeBlocks(1).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    await peer.receive(await delivered(1), 'orderer')
    await network.peer('peer0.org2').reach('main', 2)
    await updating
    const [channel] = network.peer('peer0.org2').status().channels
    expect(channel).toMatchObject({ height: 1, halted: { code: 'PEER_CHANNEL_HALTED' } })
    expect(channel?.halted?.message).toContain('disk full')
    await expect(peer.receive(await delivered(1), 'orderer')).rejects.toMatchObject({ code: 'PEER_CHANNEL_HALTED' })
    // The rest of the network goes on; what the halted peer cannot do another may.
    expect(network.peer('peer0.org1').height('main')).toBe(2)
  })
})

it('a chaincode that is not deployed is refused by name', async () => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })
  await expect(network.gateway('Org1').contract('aset').submit('put')).rejects.toMatchObject({
    code: 'ENDORSE_REFUSED',
    data: { details: [{ code: 'CHAINCODE_NOT_DEFINED' }] },
  })
})

it('a chaincode that never answers is given up at its own time limit', async () => {
  const hangs = { invoke: () => new Promise(() => {}) }
  network = await createNetwork({
    organizations: ['Org1'],
    base: import.meta.url,
    chaincodes: { hangs: { chaincode: hangs, timeout: 20 } },
  })
  await expect(network.gateway('Org1').contract('hangs').submit('anything')).rejects.toMatchObject({
    code: 'ENDORSE_REFUSED',
    data: { details: [{ code: 'CHAINCODE_TIMEOUT', message: 'chaincode hangs did not answer within 20 ms' }] },
  })
})

describe('blocks that are examined before they are taken', () => {
  it('tells good ones from others, in a row, before the first is taken, and waits for a configuration to be in force', async () => {
    const peer = await withFedPeer()
    const updating = makeBlocks(2).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    const first = await delivered(1)
    expect(await peer.examine(await delivered(0))).toBe('not-next')
    expect(await peer.examine(first)).toBe('good')
    expect(await peer.examine(Block.of(first.header, [Uint8Array.of(...first.data[0]!, 0)], first.metadata))).toBe('bad')
    expect(await peer.examine(first.withMetadata({ 0: new Uint8Array(0) }))).toBe('bad')
    expect(await peer.examine(Block.of(first.header, [], first.metadata), { headerOnly: true })).toBe('good')
    expect(peer.height).toBe(1)
    await network.peer('peer0.org1').reach('main', 2)
    expect(await peer.receive(first, 'test')).toBe('accepted')
    await network.peer('peer0.org1').reach('main', 3)
    const second = await delivered(2)
    // The first one is a config block: the second can be judged only under what it brings.
    expect(await peer.examine(second, { after: first })).toBe('good')
    expect(peer.committed).toBe(2)
    expect(await peer.receive(second, 'test')).toBe('accepted')
    await updating
  })

  it('a signed block that does not continue the chain is a fork, and stops the channel when it is reported', async () => {
    const peer = await withFedPeer()
    const updating = makeBlocks(2).catch(() => {})
    await network.peer('peer0.org1').reach('main', 2)
    const first = await delivered(1)
    await peer.receive(first, 'test')
    await network.peer('peer0.org1').reach('main', 3)
    const second = await delivered(2)
    const other = Block.create(1, first.header.previousHash, [...first.data, ...first.data])
    expect(await peer.examine(second, { after: other })).toBe('forked')
    peer.forked(first, other)
    await expect(peer.receive(second, 'test')).rejects.toMatchObject({ code: 'PEER_CHANNEL_FORKED' })
    expect(network.peer('peer0.org2').status().channels).toMatchObject([{ halted: { code: 'PEER_CHANNEL_FORKED' } }])
    void updating
  })

  it('knows who may read the channel', async () => {
    const peer = await withFedPeer()
    expect(peer.member(peer.signer.identity)).toMatchObject({ mspId: 'Org2MSP' })
    const message = Uint8Array.of(1, 2, 3)
    const signature = await peer.signer.sign(message)
    expect(await peer.verify(peer.signer.identity, message, signature)).toBe(true)
    expect(await peer.verify(peer.signer.identity, Uint8Array.of(1), signature)).toBe(false)
    expect(() => peer.member(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'NODE_NOT_A_MEMBER' }))
  })
})
