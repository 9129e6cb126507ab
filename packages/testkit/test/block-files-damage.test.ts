import assert from 'node:assert/strict'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { BlockFileStore, type BlockFilesOptions } from '../../core/src/adapters/block-files/block-file-store.ts'
import { fileDisk } from '../../core/src/adapters/disk/file-disk.ts'
import { seededRandom } from '../../core/src/adapters/environment/random.ts'
import { silentLogger } from '../../core/src/adapters/environment/silent-logger.ts'
import type { Disk } from '../../core/src/ports/disk.ts'
import { longChain } from '../src/block-store-conformance/chain.ts'
import { type FaultyDisk, faultyDisk } from '../src/disk/faulty-disk.ts'

const FILE = 'blocks/blocks-000000'
const FRAME_HEADER = 24
const SEGMENT_HEADER = 32

function openStore(disk: Disk, options: BlockFilesOptions = {}): Promise<BlockFileStore> {
  return BlockFileStore.open({ disk, folder: 'blocks', random: seededRandom('segments'), logger: silentLogger }, options)
}

const coded =
  (...codes: string[]) =>
  (error: { code?: string }): boolean =>
    codes.includes(error.code ?? '')

/** A disk with a chain on it, each block synced before the next was written, and the offsets at which blocks end. */
async function written(
  length: number,
): Promise<{ disk: FaultyDisk; bytes: Uint8Array; ends: number[]; chain: ReturnType<typeof longChain> }> {
  const disk = faultyDisk({ random: seededRandom('disk') })
  const chain = longChain(length, 2, 40)
  const store = await openStore(disk)
  const ends: number[] = []
  for (const block of chain) {
    await store.append(block)
    ends.push(disk.bytes(FILE).length)
  }
  await store.close()
  return { disk, bytes: disk.bytes(FILE), ends, chain }
}

describe('block files: damage', () => {
  it('cut at any byte: keeps the whole blocks before the cut, and goes on', async () => {
    const { bytes, ends, chain } = await written(3)
    for (let cut = 0; cut < bytes.length; cut++) {
      const disk = faultyDisk({ random: seededRandom(cut) })
      disk.replace(FILE, bytes.slice(0, cut))
      const store = await openStore(disk)
      const whole = ends.filter((end) => end <= cut).length
      assert.equal(store.height, whole, `cut at ${cut}`)
      await store.appendAll(chain.slice(whole))
      assert.equal(store.height, 3)
      await store.close()
      const again = await openStore(disk)
      assert.equal(again.height, 3)
      assert.equal(Buffer.compare((await again.get(2))!.encode(), chain[2]!.encode()), 0)
      await again.close()
    }
  })

  it('any bit flipped in a block that another follows: refused, with the block named', async () => {
    const { bytes, ends } = await written(4)
    for (let at = ends[0]!; at < ends[1]!; at++) {
      const disk = faultyDisk({ random: seededRandom(at) })
      disk.replace(FILE, bytes)
      disk.flipBit(FILE, at, at % 8)
      await assert.rejects(openStore(disk), (error: { code: string; data: { block: number } }) => {
        assert.equal(error.code, 'LEDGER_BLOCK_CORRUPT', `byte ${at}`)
        assert.equal(error.data.block, 1)
        return true
      })
    }
  })

  it('any bit flipped in the header of a block file: refused', async () => {
    const { bytes } = await written(2)
    for (let at = 0; at < SEGMENT_HEADER; at++) {
      const disk = faultyDisk({ random: seededRandom(at) })
      disk.replace(FILE, bytes)
      disk.flipBit(FILE, at, at % 8)
      await assert.rejects(openStore(disk), coded('LEDGER_BLOCK_CORRUPT', 'LEDGER_FORMAT_UNKNOWN'), `byte ${at}`)
    }
  })

  it('any bit flipped while the store is open: noticed when the block is read', async () => {
    const disk = faultyDisk({ random: seededRandom('disk') })
    const chain = longChain(3, 2, 40)
    const store = await openStore(disk, { cacheBytes: 0 })
    const ends: number[] = []
    for (const block of chain) {
      await store.append(block)
      ends.push(disk.bytes(FILE).length)
    }
    for (let at = ends[0]!; at < ends[1]!; at++) {
      // What the frame says of durability, and nothing else, does not matter to a reader: but its checksum covers it too.
      disk.flipBit(FILE, at, at % 8)
      await assert.rejects(store.get(1), coded('LEDGER_BLOCK_CORRUPT'), `byte ${at}`)
      disk.flipBit(FILE, at, at % 8)
    }
    assert.equal((await store.get(1))!.number, 1)
    await store.close()
  })

  it('bytes of a transaction that look like a block are none', async () => {
    const { bytes, ends } = await written(3)
    // The last block's frame, whole, behind a torn one: a good frame says that block 2 came, but not that block 1 was durable.
    const frame = bytes.slice(ends[1]!, ends[2]!)
    const disk = faultyDisk({ random: seededRandom(1) })
    const other = bytes.slice(0, ends[0]!)
    // With another salt in the header, frames of elsewhere do not match.
    const forged = new Uint8Array([...other, 1, 2, 3, ...frame])
    disk.replace(FILE, forged)
    const store = await openStore(disk).catch((error: { code: string }) => error.code)
    // Same salt here, and the frame does say that two blocks were durable: then block 1 is missing, and that is damage.
    assert.equal(store, 'LEDGER_BLOCK_CORRUPT')
    const { createSegmentBytes } = await foreignSegment()
    disk.replace(FILE, new Uint8Array([...createSegmentBytes, 1, 2, 3, ...frame]))
    const foreign = await openStore(disk)
    assert.equal(foreign.height, 0)
    await foreign.close()
  })

  it('an unknown format is refused, with what to do', async () => {
    const { disk, bytes } = await written(1)
    const newer = bytes.slice()
    newer[11] = 2
    disk.replace(FILE, newer)
    await assert.rejects(openStore(disk), coded('LEDGER_FORMAT_UNKNOWN'))
  })

  it('a missing block file is noticed', async () => {
    const disk = faultyDisk({ random: seededRandom(1) })
    const store = await openStore(disk, { segmentBytes: 4096 })
    for (const block of longChain(40, 2, 200)) await store.append(block)
    await store.close()
    await disk.remove('blocks/blocks-000001')
    await assert.rejects(openStore(disk), coded('LEDGER_BLOCKS_LOST'))
  })

  it('a full disk: the append fails with a typed error, what was stored stays, the store goes on after a restart', async () => {
    const chain = longChain(30, 2, 100)
    const disk = faultyDisk({ random: seededRandom(1), capacity: 6000 })
    const store = await openStore(disk)
    let stored = 0
    await assert.rejects(async () => {
      for (const block of chain) {
        await store.append(block)
        stored++
      }
    }, coded('LEDGER_WRITE_FAILED'))
    assert.ok(stored > 3)
    await assert.rejects(store.append(chain[stored]!), coded('LEDGER_WRITE_FAILED'))
    assert.equal((await store.get(stored - 1))!.number, stored - 1)
    await store.close()
    const again = await openStore(disk)
    assert.equal(again.height, stored)
    await again.close()
  })

  it('a failed sync ends the store: nothing behind it is acknowledged', async () => {
    const disk = faultyDisk({ random: seededRandom(1) })
    const store = await openStore(disk)
    const chain = longChain(5)
    await store.append(chain[0]!)
    disk.failNext('datasync', 'DISK_FAILED', FILE)
    const results = await Promise.allSettled(chain.slice(1).map((block) => store.append(block)))
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.equal(store.height, 1)
    await store.close()
  })
})

async function foreignSegment(): Promise<{ createSegmentBytes: Uint8Array }> {
  const disk = faultyDisk({ random: seededRandom(2) })
  const store = await BlockFileStore.open({ disk, folder: 'blocks', random: seededRandom('another'), logger: silentLogger })
  await store.append(longChain(1)[0]!)
  await store.close()
  return { createSegmentBytes: disk.bytes(FILE).slice(0, SEGMENT_HEADER) }
}

/** Runs a store under load, crashes the machine with appends under way, and gives what was acknowledged and what is left. */
async function crashRun(seed: number, ignoreSync: boolean): Promise<{ acknowledged: number; left: number | string }> {
  const random = seededRandom(`crash ${seed}`)
  const disk = faultyDisk({ random: random.fork('disk'), ignoreSync })
  const chain = longChain(60, 2, 150)
  let acknowledged = 0
  let height = 0
  for (let round = 0; round < 3; round++) {
    let store: BlockFileStore
    try {
      store = await openStore(disk, { segmentBytes: 4096 })
    } catch (error) {
      return { acknowledged, left: (error as { code: string }).code }
    }
    if (store.height < acknowledged) return { acknowledged, left: store.height }
    height = store.height
    const until = Math.min(chain.length, height + 1 + Math.floor(random.float() * 18))
    const appends = chain.slice(height, until).map((block, i) =>
      // Some wait for the ones before, so that syncs and appends mix.
      random.float() < 0.3 ? wait(i).then(() => store.append(block)) : store.append(block),
    )
    for (const [i, append] of appends.entries()) {
      append.then(
        () => {
          acknowledged = Math.max(acknowledged, height + i + 1)
        },
        () => {},
      )
    }
    await wait(Math.floor(random.float() * 60))
    disk.crash()
    await Promise.allSettled(appends)
  }
  try {
    const store = await openStore(disk, { segmentBytes: 4096 })
    for (let number = 0; number < store.height; number++) {
      assert.equal(Buffer.compare((await store.get(number))!.encode(), chain[number]!.encode()), 0)
    }
    const left = store.height
    await store.close()
    return { acknowledged, left }
  } catch (error) {
    return { acknowledged, left: (error as { code: string }).code }
  }
}

/** A number of microtask turns: time as the disk in memory knows it. */
async function wait(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await undefined
}

describe('block files: crashes', () => {
  it('what was acknowledged survives every crash, and the chain goes on', async () => {
    let acknowledged = 0
    for (let seed = 0; seed < 300; seed++) {
      const run = await crashRun(seed, false)
      assert.equal(typeof run.left, 'number', `seed ${seed}: ${run.left}`)
      assert.ok((run.left as number) >= run.acknowledged, `seed ${seed}: ${run.acknowledged} acknowledged, ${run.left} left`)
      acknowledged += run.acknowledged
    }
    assert.ok(acknowledged > 1000, `crashes came after ${acknowledged} acknowledged blocks in all`)
  })

  it('with syncs ignored, acknowledged blocks are lost: the test above would notice', async () => {
    let lost = 0
    for (let seed = 0; seed < 60; seed++) {
      const { acknowledged, left } = await crashRun(seed, true)
      if (typeof left === 'string' || left < acknowledged) lost++
    }
    assert.ok(lost > 30, `only ${lost} of 60 runs lost something`)
  })
})

describe('block files with an index in LevelDB', () => {
  async function withRoot(body: (root: string, disk: Disk) => Promise<void>): Promise<void> {
    const root = await mkdtemp(join(tmpdir(), 'heddle-index-'))
    try {
      await body(root, fileDisk(root))
    } finally {
      await rm(root, { recursive: true })
    }
  }

  it('a lost index is built again from the files', () =>
    withRoot(async (_root, disk) => {
      const chain = longChain(30)
      const store = await openStore(disk)
      await store.appendAll(chain)
      await store.close()
      await disk.remove('blocks-index')
      const again = await openStore(disk)
      assert.equal(again.height, 30)
      assert.equal((await again.transaction('tx-7-1'))?.blockNumber, 7)
      assert.equal((await again.byHash(chain[9]!.hash()))?.number, 9)
      await again.close()
    }))

  it('a damaged index is built again from the files', () =>
    withRoot(async (root, disk) => {
      const store = await openStore(disk)
      await store.appendAll(longChain(30))
      await store.close()
      const file = await open(join(root, 'blocks-index', 'CURRENT'), 'w')
      await file.write('nonsense\n')
      await file.close()
      const again = await openStore(disk)
      assert.equal(again.height, 30)
      assert.equal((await again.transaction('tx-29-0'))?.blockNumber, 29)
      await again.close()
    }))

  it('an index that is behind the files is brought forward', () =>
    withRoot(async (root, disk) => {
      const chain = longChain(30)
      let store = await openStore(disk)
      await store.appendAll(chain.slice(0, 10))
      await store.close()
      await disk.rename('blocks-index', 'older').catch(() => {})
      const { cp } = await import('node:fs/promises')
      await cp(join(root, 'older'), join(root, 'blocks-index'), { recursive: true })
      store = await openStore(disk)
      await store.appendAll(chain.slice(10))
      await store.close()
      await disk.remove('blocks-index')
      await cp(join(root, 'older'), join(root, 'blocks-index'), { recursive: true })
      store = await openStore(disk)
      assert.equal(store.height, 30)
      assert.equal((await store.transaction('tx-29-0'))?.blockNumber, 29)
      assert.equal((await store.transaction('tx-3-0'))?.blockNumber, 3)
      await store.close()
    }))

  it('files that are behind the index are refused: the disk lost what it acknowledged', () =>
    withRoot(async (_root, disk) => {
      const store = await openStore(disk)
      await store.appendAll(longChain(30))
      await store.close()
      const file = await disk.open('blocks/blocks-000000')
      await file.truncate(file.size - FRAME_HEADER - 5)
      await file.close()
      await assert.rejects(openStore(disk), coded('LEDGER_BLOCKS_LOST', 'LEDGER_BLOCK_CORRUPT'))
    }))

  it('a flipped bit in the last block, which nothing follows, is refused', () =>
    withRoot(async (root, disk) => {
      const store = await openStore(disk)
      await store.appendAll(longChain(5))
      await store.close()
      const file = await open(join(root, 'blocks', 'blocks-000000'), 'r+')
      const { size } = await file.stat()
      const byte = Buffer.alloc(1)
      await file.read(byte, 0, 1, size - 20)
      byte[0]! ^= 4
      await file.write(byte, 0, 1, size - 20)
      await file.close()
      await assert.rejects(openStore(disk), coded('LEDGER_BLOCK_CORRUPT'))
    }))

  it('two stores on one folder: the second is refused', () =>
    withRoot(async (_root, disk) => {
      const store = await openStore(disk)
      await assert.rejects(openStore(disk), coded('DISK_LOCKED'))
      await store.close()
    }))
})
