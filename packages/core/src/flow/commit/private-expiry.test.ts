import { describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import { Block } from '../../model/block.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { definitionWrites } from '../validate/test-ledger.fixture.ts'
import { UpdateBatch } from '../validate/update-batch.ts'
import { contentHash } from './content-hash.ts'
import { StateCommit } from './state-commit.ts'

const NAMESPACE = 'cc\u0000col'

class Chain {
  readonly state: MemoryStateDB
  private readonly commits: StateCommit
  private height: number

  constructor(state = new MemoryStateDB(), height = 1) {
    this.state = state
    this.height = height
    this.commits = new StateCommit(state)
  }

  static async with(blockToLive: number): Promise<Chain> {
    const chain = new Chain()
    chain.state.commit(definitionWrites('cc', { collections: { col: null }, blockToLive }), { blockNumber: 0, txNumber: 0 })
    await chain.commits.open()
    return chain
  }

  /** The same state after a restart. */
  async restart(): Promise<Chain> {
    const chain = new Chain(this.state, this.height)
    await chain.commits.open()
    return chain
  }

  /** Commits a block that writes these hashed keys (hex). */
  async block(...keys: string[]): Promise<void> {
    const updates = new UpdateBatch()
    for (const key of keys) updates.set(NAMESPACE, key, utf8Bytes('hash'), undefined, { blockNumber: this.height, txNumber: 0 })
    await this.commits.commit(Block.create(this.height, new Uint8Array(32), [Uint8Array.of(1)]), updates)
    this.height++
  }

  has(key: string): boolean {
    return this.state.get(NAMESPACE, key) !== undefined
  }
}

describe('hashes of private data', () => {
  it('without a number of blocks to live stay', async () => {
    const chain = await Chain.with(0)
    await chain.block('aa')
    for (let i = 0; i < 10; i++) await chain.block()
    expect(chain.has('aa')).toBe(true)
  })

  it('leave the state with the block after the number of blocks that they live', async () => {
    const chain = await Chain.with(2)
    await chain.block('aa') // block 1, expires with block 1 + 2 + 1
    await chain.block() // 2
    await chain.block() // 3
    expect(chain.has('aa')).toBe(true)
    await chain.block() // 4
    expect(chain.has('aa')).toBe(false)
  })

  it('live longer when they are written again, also in the very block', async () => {
    const chain = await Chain.with(1)
    await chain.block('aa', 'bb') // block 1, expires with 3
    await chain.block('aa') // 2, so now with 4
    await chain.block('bb') // 3
    expect([chain.has('aa'), chain.has('bb')]).toEqual([true, true])
    await chain.block() // 4
    expect([chain.has('aa'), chain.has('bb')]).toEqual([false, true])
    await chain.block() // 5
    expect(chain.has('bb')).toBe(false)
  })

  it('expire on time after a restart', async () => {
    let chain = await Chain.with(1)
    await chain.block('aa')
    chain = await chain.restart()
    await chain.block()
    expect(chain.has('aa')).toBe(true)
    chain = await chain.restart()
    await chain.block()
    expect(chain.has('aa')).toBe(false)
  })

  it('leave nothing behind, and the schedule is no content', async () => {
    const chain = await Chain.with(1)
    const before = await contentHash(chain.state)
    await chain.block('aa', 'bb')
    expect(await contentHash(chain.state)).toBe(before)
    for (let i = 0; i < 3; i++) await chain.block()
    const left: string[] = []
    for await (const { namespace } of chain.state.entries()) left.push(namespace)
    expect(new Set(left)).toEqual(new Set(['_lifecycle']))
  })
})
