import assert from 'node:assert/strict'
import type { Block } from '@heddle/core/model'
import type { BlockStore } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'
import { longChain, sampleChain } from './chain.ts'

/** A block store under test. */
export interface BlockStoreSubject {
  readonly store: BlockStore
  /** Closes and opens the same data again; present in a durable store. */
  reopen?(): Promise<BlockStore>
  dispose(): Promise<void>
}

/** How the suite gets its block stores. */
export interface BlockStoreSuite {
  readonly name: string
  /** A new, empty store. */
  create(): Promise<BlockStoreSubject>
  readonly skips?: readonly Skip[]
}

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex')
const sameBlock = (actual: Block | undefined, expected: Block): void => {
  assert.ok(actual, `block ${expected.number} is there`)
  assert.equal(hex(actual.encode()), hex(expected.encode()))
}
const coded =
  (code: string) =>
  (error: { code?: string }): boolean =>
    error.code === code

async function collect(blocks: AsyncIterable<Block>): Promise<number[]> {
  const numbers: number[] = []
  for await (const block of blocks) numbers.push(block.number)
  return numbers
}

const tests: Record<string, (subject: BlockStoreSubject) => Promise<void>> = {
  'a new store is empty': async ({ store }) => {
    assert.equal(store.height, 0)
    assert.equal(store.lastHash, undefined)
    assert.equal(await store.get(0), undefined)
    assert.deepEqual(await collect(store.read(0)), [])
  },

  'blocks come back byte for byte, metadata included': async ({ store }) => {
    const blocks = longChain(5)
    for (const block of blocks) await store.append(block)
    assert.equal(store.height, 5)
    assert.equal(hex(store.lastHash), hex(blocks[4]!.hash()))
    for (const block of blocks) sameBlock(await store.get(block.number), block)
    assert.equal(await store.get(5), undefined)
    assert.equal(await store.get(-1), undefined)
  },

  'a block is found by the hash of its header': async ({ store }) => {
    const blocks = longChain(3)
    await store.appendAll(blocks)
    sameBlock(await store.byHash(blocks[1]!.hash()), blocks[1]!)
    assert.equal(await store.byHash(new Uint8Array(32)), undefined)
  },

  'a transaction is found by id, with its place and validation code': async ({ store }) => {
    await store.appendAll(sampleChain([['a', 'b'], ['c']], { codes: { 0: [0, 11] } }))
    assert.deepEqual({ ...(await store.transaction('b'))! }, { blockNumber: 0, txNumber: 1, code: 11 })
    assert.deepEqual({ ...(await store.transaction('c'))! }, { blockNumber: 1, txNumber: 0, code: 0 })
    assert.equal(await store.transaction('z'), undefined)
  },

  'the first entry of a transaction id counts, valid or not': async (subject) => {
    let { store } = subject
    const codes = { 0: [10, 0], 1: [0], 2: [9, 0], 3: [0] }
    const chain = sampleChain([['a', 'a'], ['a'], ['b', 'b'], ['b']], { codes })
    for (const block of chain) await store.append(block)
    const check = async (): Promise<void> => {
      assert.deepEqual({ ...(await store.transaction('a'))! }, { blockNumber: 0, txNumber: 0, code: 10 })
      assert.deepEqual({ ...(await store.transaction('b'))! }, { blockNumber: 2, txNumber: 0, code: 9 })
    }
    await check()
    if (subject.reopen === undefined) return
    store = await subject.reopen()
    await check()
    await store.append(sampleChain([['a', 'b']], { after: chain.at(-1)! })[0]!)
    await check()
  },

  'knownTransactions names those that are in the chain': async ({ store }) => {
    assert.deepEqual([...(await store.knownTransactions(['a', 'b']))], [])
    await store.appendAll(sampleChain([['a', 'b'], ['c']]))
    assert.deepEqual([...(await store.knownTransactions(['c', 'x', 'a']))].sort(), ['a', 'c'])
    assert.deepEqual([...(await store.knownTransactions(['x', 'y']))], [])
    assert.deepEqual([...(await store.knownTransactions([]))], [])
  },

  'malformed envelopes and empty ids have a place and no id': async ({ store }) => {
    const [first] = sampleChain([['a']])
    const { Block } = await import('@heddle/core/model')
    const odd = Block.create(1, first!.hash(), [Uint8Array.of(255, 255), new Uint8Array(0)])
    await store.appendAll([first!, odd])
    sameBlock(await store.get(1), odd)
    assert.equal(await store.transaction(''), undefined)
  },

  'a block that is not the next one is refused, and the store goes on': async ({ store }) => {
    const blocks = longChain(4)
    await store.append(blocks[0]!)
    await assert.rejects(async () => store.append(blocks[2]!), coded('LEDGER_OUT_OF_ORDER'))
    await assert.rejects(async () => store.append(blocks[0]!), coded('LEDGER_OUT_OF_ORDER'))
    await assert.rejects(async () => store.appendAll([blocks[1]!, blocks[3]!]), coded('LEDGER_OUT_OF_ORDER'))
    const [, other] = longChain(2, 3)
    await assert.rejects(async () => store.append(other!), coded('LEDGER_OUT_OF_ORDER'))
    assert.equal(store.height, 1)
    await store.appendAll(blocks.slice(1))
    assert.equal(store.height, 4)
  },

  'blocks may be appended before those before them are durable, and resolve in order': async ({ store }) => {
    const blocks = longChain(30)
    const resolved: number[] = []
    await Promise.all(
      blocks.map(async (block) => {
        await store.append(block)
        assert.ok(store.height > block.number, 'an appended block shows')
        resolved.push(block.number)
      }),
    )
    assert.deepEqual(
      resolved,
      blocks.map(({ number }) => number),
    )
    for (const block of blocks) sameBlock(await store.get(block.number), block)
  },

  'read gives a part of the chain, in order, up to the height of the moment': async ({ store }) => {
    const blocks = longChain(10)
    await store.appendAll(blocks.slice(0, 8))
    assert.deepEqual(await collect(store.read(3)), [3, 4, 5, 6, 7])
    assert.deepEqual(await collect(store.read(2, 4)), [2, 3, 4])
    assert.deepEqual(await collect(store.read(8)), [])
    const reading = store.read(7)[Symbol.asyncIterator]()
    assert.equal((await reading.next()).value.number, 7)
    await store.append(blocks[8]!)
    assert.equal((await reading.next()).done, true)
  },

  'a large block is kept whole': async ({ store }) => {
    const blocks = longChain(2, 3, 3 << 20)
    await store.appendAll(blocks)
    sameBlock(await store.get(1), blocks[1]!)
  },

  'the chain survives a restart and goes on': async (subject) => {
    if (subject.reopen === undefined) return
    const blocks = longChain(40)
    await subject.store.appendAll(blocks.slice(0, 30))
    const store = await subject.reopen()
    assert.equal(store.height, 30)
    assert.equal(hex(store.lastHash), hex(blocks[29]!.hash()))
    for (const block of blocks.slice(0, 30)) sameBlock(await store.get(block.number), block)
    assert.deepEqual({ ...(await store.transaction('tx-29-1'))! }, { blockNumber: 29, txNumber: 1, code: 0 })
    await assert.rejects(async () => store.append(blocks[31]!), coded('LEDGER_OUT_OF_ORDER'))
    await store.appendAll(blocks.slice(30))
    assert.equal(store.height, 40)
  },

  'a closed store refuses work, and closing twice is harmless': async ({ store }) => {
    const [block] = longChain(1)
    await store.close()
    await store.close()
    await assert.rejects(async () => store.append(block!), coded('LEDGER_CLOSED'))
    await assert.rejects(async () => store.get(0), coded('LEDGER_CLOSED'))
  },
}

/** The rules of the BlockStore port. */
export function blockStoreConformance(api: TestApi, suite: BlockStoreSuite): void {
  registerSuite(
    api,
    `BlockStore: ${suite.name}`,
    () => suite.create(),
    (subject) => subject.dispose(),
    tests,
    suite.skips,
  )
}
