import { describe, expect, it } from 'vitest'
import { BlockFileStore } from '../../adapters/block-files/block-file-store.ts'
import { type MemoryDisk, memoryDisk } from '../../adapters/disk/memory-disk.ts'
import { seededRandom } from '../../adapters/environment/random.ts'
import { silentLogger as logger } from '../../adapters/environment/silent-logger.ts'
import { MemoryHistory } from '../../adapters/history/memory-history.ts'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import { genesisBlock } from '../../channel/genesis/genesis-block.ts'
import { plainChannel, plainDefinition } from '../../channel/plain-channel.fixture.ts'
import { plainProvider } from '../../channel/plain-identity.fixture.ts'
import { Block } from '../../model/block.ts'
import { BlockMetadataIndex } from '../../model/messages/common.ts'
import type { BlockStore } from '../../ports/block-store.ts'
import type { HistoryStore } from '../../ports/history.ts'
import type { StateDB } from '../../ports/state-db.ts'
import { BlockValidator } from '../validate/block-validator.ts'
import { definitionWrites, type Plan, transaction } from '../validate/test-ledger.fixture.ts'
import { UpdateBatch } from '../validate/update-batch.ts'
import { commitHash } from './commit-hash.ts'
import { PeerLedger } from './peer-ledger.ts'

const CHANNEL = 'trade'
const put = (key: string, value: string | null): Plan => ({ cc: { writes: { [key]: value } } })
const config = plainChannel()

interface Stores {
  readonly disk: MemoryDisk
  readonly state: StateDB
  readonly history: HistoryStore
}

const stores = (): Stores => ({ disk: memoryDisk(), state: new MemoryStateDB(), history: new MemoryHistory() })
const openBlocks = (disk: MemoryDisk): Promise<BlockStore> =>
  BlockFileStore.open({ disk, folder: 'blocks', random: seededRandom(1), logger })

async function open({ disk, state, history }: Stores): Promise<PeerLedger> {
  return PeerLedger.open({ channel: CHANNEL, blocks: await openBlocks(disk), state, history, logger })
}

/** A ledger with its genesis block and the definition of `cc`, committed by a lifecycle transaction. */
async function started(given: Stores = stores()): Promise<PeerLedger> {
  const ledger = await open(given)
  await ledger.commitGenesis(genesisBlock(plainDefinition()))
  const writes = definitionWrites('cc').map(({ key, value }) => ({ key, value: value! }))
  await add(ledger, transaction({ _lifecycle: { kv: { writes } } }, { chaincode: '_lifecycle' }))
  return ledger
}

const validators = new WeakMap<PeerLedger, BlockValidator>()

async function add(ledger: PeerLedger, ...envelopes: Promise<Uint8Array>[]): Promise<Block> {
  let validator = validators.get(ledger)
  if (validator === undefined) {
    validator = new BlockValidator({ channel: CHANNEL, provider: plainProvider, checkConfig: () => config })
    validators.set(ledger, validator)
  }
  const block = Block.create(ledger.height, ledger.blocks.lastHash!, await Promise.all(envelopes))
  return ledger.commit(await validator.validate(validator.prepare(block), ledger.context(config)))
}

async function contentOf(state: StateDB): Promise<unknown[]> {
  const entries: unknown[] = []
  for await (const { namespace, key, value, version } of state.entries())
    entries.push([namespace, key, Buffer.from(value).toString('hex'), version])
  return entries
}

describe('commit', () => {
  it('stores the block with its flags and its commit hash, which chains; the genesis block has none', async () => {
    const ledger = await started()
    expect((await ledger.blocks.get(0))!.metadataAt(BlockMetadataIndex.COMMIT_HASH)).toEqual(new Uint8Array(0))
    const before = ledger.commitHash
    expect(before).toHaveLength(32)
    const stored = await add(ledger, transaction(put('a', '1')), transaction(put('b', '1'), { endorsers: [] }))
    expect([...stored.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)]).toEqual([0, 10])
    const updates = new UpdateBatch()
    updates.set('cc', 'a', Buffer.from('1'), undefined, { blockNumber: 2, txNumber: 0 })
    expect(ledger.commitHash).toEqual(commitHash(Uint8Array.of(0, 10), updates, before))
    expect(Buffer.from(stored.metadataAt(BlockMetadataIndex.COMMIT_HASH)).includes(Buffer.from(ledger.commitHash))).toBe(true)
  })

  it('goes to the block store first, then to the state, then to the history', async () => {
    const order: string[] = []
    const watched = stores()
    const state = new MemoryStateDB()
    const commitState = state.commit.bind(state)
    state.commit = (writes, savePoint) => {
      order.push('state')
      commitState(writes, savePoint)
    }
    const history = new MemoryHistory()
    const commitHistory = history.commit.bind(history)
    history.commit = (number, writes) => {
      order.push('history')
      return commitHistory(number, writes)
    }
    const ledger = await open({ ...watched, state, history })
    const append = ledger.blocks.append.bind(ledger.blocks)
    ledger.blocks.append = (block) => append(block).then(() => void order.push('blocks'))
    await ledger.commitGenesis(genesisBlock(plainDefinition()))
    expect(order).toEqual(['blocks', 'state', 'history'])
  })

  it('refuses a block that is not the next one', async () => {
    const ledger = await started()
    await expect(ledger.commitGenesis(genesisBlock(plainDefinition()))).rejects.toMatchObject({ code: 'PEER_LEDGER_NOT_NEXT' })
  })

  it('that fails ends the ledger: it takes no further blocks', async () => {
    const given = stores()
    const ledger = await started(given)
    given.state.commit = () => Promise.reject(new Error('no space'))
    await expect(add(ledger, transaction(put('a', '1')))).rejects.toMatchObject({ code: 'PEER_LEDGER_COMMIT_FAILED' })
    await expect(add(ledger, transaction(put('b', '1')))).rejects.toMatchObject({ code: 'PEER_LEDGER_COMMIT_FAILED' })
    expect(ledger.height).toBe(2)
  })
})

describe('recovery', () => {
  async function filled(given: Stores): Promise<PeerLedger> {
    const ledger = await started(given)
    await add(ledger, transaction(put('a', '1')), transaction(put('b', '1')))
    await add(
      ledger,
      transaction({ cc: { reads: { a: [2, 0] }, writes: { a: '2' } } }),
      transaction({ cc: { reads: { a: [2, 0] }, writes: { b: null } } }),
    )
    await add(ledger, transaction(put('c', '3')))
    return ledger
  }

  it('brings a new state and history forward from the blocks, by the stored flags, to the same commit hash', async () => {
    const given = stores()
    const ledger = await filled(given)
    const state = new MemoryStateDB()
    const recovered = await open({ ...given, state, history: new MemoryHistory() })
    expect(recovered.height).toBe(5)
    expect(recovered.commitHash).toEqual(ledger.commitHash)
    expect(await contentOf(state)).toEqual(await contentOf(given.state))
    expect(await recovered.contentHash()).toBe(await ledger.contentHash())
  })

  it.each(['state', 'history'] as const)('after a crash between the block store and the %s', async (where) => {
    const given = stores()
    const ledger = await filled(given)
    const target: { commit: unknown } = given[where]
    const commit = target.commit
    target.commit = () => Promise.reject(new Error('killed'))
    await expect(add(ledger, transaction(put('d', '4')))).rejects.toThrow('killed')
    target.commit = commit
    const recovered = await open(given)
    expect(recovered.height).toBe(6)
    expect(await given.state.get('cc', 'd')).toBeDefined()
    expect(await given.history.writes('cc', 'd', 10)).toEqual([{ blockNumber: 5, txNumber: 0 }])
    const sound = await filled(stores())
    await add(sound, transaction(put('d', '4')))
    expect(recovered.commitHash).toEqual(sound.commitHash)
    expect(await add(recovered, transaction(put('e', '5')))).toMatchObject({ number: 6 })
  })

  it('refuses a state that is ahead of the blocks', async () => {
    const given = stores()
    await filled(given)
    await expect(open({ ...given, disk: memoryDisk() })).rejects.toMatchObject({ code: 'PEER_LEDGER_STATE_AHEAD' })
  })

  it('goes on validating where it stopped', async () => {
    const given = stores()
    await filled(given)
    const recovered = await open({ ...given, state: new MemoryStateDB() })
    const stored = await add(
      recovered,
      transaction({ cc: { reads: { a: [3, 0] } } }),
      transaction({ cc: { reads: { b: [2, 1] } } }),
    )
    expect([...stored.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)]).toEqual([0, 0])
  })
})

describe('reading the ledger', () => {
  it('a status look-up answers for the first entry of a transaction id', async () => {
    const ledger = await started()
    const envelope = await transaction(put('a', '1'), { nonce: 'same', endorsers: [] })
    const { txId } = (await add(ledger, Promise.resolve(envelope))).envelope(0)
    await add(ledger, transaction(put('a', '1'), { nonce: 'same' }))
    expect(await ledger.hasTransaction(txId)).toBe(true)
    expect(await ledger.transaction(txId)).toEqual({ blockNumber: 2, txNumber: 0, code: 10 })
    expect(await ledger.hasTransaction('nobody')).toBe(false)
  })

  it('the history of a key has its valid changes, newest first', async () => {
    const ledger = await started()
    await add(ledger, transaction(put('a', '1')), transaction(put('a', 'x'), { endorsers: [] }))
    await add(ledger, transaction(put('a', '2')))
    await add(ledger, transaction(put('a', null)))
    const changes: unknown[] = []
    for await (const { value, isDelete, timestamp } of ledger.history('cc', 'a'))
      changes.push([Buffer.from(value).toString(), isDelete, timestamp.nanos])
    expect(changes).toEqual([
      ['', true, 5],
      ['2', false, 5],
      ['1', false, 5],
    ])
  })

  it('the configuration in force stands in the state', async () => {
    expect((await (await started()).config(plainProvider)).channel).toBe(CHANNEL)
    await expect((await open(stores())).config(plainProvider)).rejects.toMatchObject({ code: 'PEER_LEDGER_NO_CONFIG' })
  })

  it('a snapshot does not show later commits, and neither waits', async () => {
    const ledger = await started()
    await add(ledger, transaction(put('a', '1')))
    const snapshot = await ledger.snapshot()
    await add(ledger, transaction(put('a', '2')))
    expect(Buffer.from((await snapshot.get('cc', 'a'))!.value).toString()).toBe('1')
    await snapshot.release()
  })

  it('of a state without snapshots holds commits back until it is released', async () => {
    const given = stores()
    Object.assign(given.state, { capabilities: { snapshot: false, richQuery: false, durable: false } })
    const ledger = await started(given)
    const snapshot = await ledger.snapshot()
    const events: string[] = []
    const committed = add(ledger, transaction(put('a', '1'))).then(() => events.push('committed'))
    for (let i = 0; i < 100; i++) await Promise.resolve()
    expect(await snapshot.get('cc', 'a')).toBeUndefined()
    events.push('released')
    await snapshot.release()
    await committed
    expect(events).toEqual(['released', 'committed'])
  })
})
