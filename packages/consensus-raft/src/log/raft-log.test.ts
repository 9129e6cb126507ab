import { seededRandom } from '@heddle/core/plugin'
import { memoryDisk } from '@heddle/core/testing'
import { faultyDisk } from '@heddle/testkit'
import { describe, expect, it } from 'vitest'
import { RaftLogError } from '../errors.ts'
import {
  entries,
  entry,
  FOLDER,
  hard,
  identityOf,
  membership,
  openLog,
  plain,
  plainEntry,
  snapshotAt,
  storedIn,
} from './log.fixture.ts'

const disk = () => faultyDisk({ random: seededRandom('disk') })
const refused = (code: string) => expect.objectContaining({ code })

describe('what is stored', () => {
  it('is found again: hard state, snapshot, entries with kinds and memberships', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory)
    await log.create(identityOf('a'), { snapshot: snapshotAt(0, 0) })
    const config = { ...entry(2, 1), kind: 'config' as const, membership }
    const empty = { ...entry(3, 2, ''), kind: 'empty' as const }
    await log.append('a', { hardState: hard(2, 2 ** 40 + 3, 2), entries: [entry(1, 1), config, empty] })
    await log.close()
    const again = await openLog(memory)
    expect(again.channels).toEqual(['a'])
    const found = again.stored('a', identityOf('a').genesis)
    expect(found?.identity).toEqual({ ...identityOf('a'), genesis: new Uint8Array(identityOf('a').genesis) })
    expect(found?.hardState).toEqual(hard(2, 2 ** 40 + 3, 2))
    expect(plain(found?.snapshot)).toEqual(plain(snapshotAt(0, 0)))
    expect(found?.entries.map(plainEntry)).toEqual([entry(1, 1), config, empty].map(plainEntry))
    await again.close()
  })

  it('an entry at or below the last takes the place of it and of all behind it', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory)
    await log.create(identityOf('a'))
    await log.append('a', { entries: entries(1, 5, 1) })
    await log.append('a', { entries: entries(3, 4, 2) })
    await log.close()
    const again = await openLog(memory)
    expect(storedIn(again, 'a')?.entries).toEqual([...entries(1, 2, 1), ...entries(3, 4, 2)].map(plainEntry))
    await again.close()
  })

  it('a snapshot of others replaces the whole log, one of this node only what it covers', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory)
    await log.create(identityOf('a'))
    await log.append('a', { entries: entries(1, 6, 1) })
    await log.compact('a', snapshotAt(4, 1))
    await log.create(identityOf('b'))
    await log.append('b', { entries: entries(1, 6, 1) })
    await log.append('b', { snapshot: snapshotAt(4, 1), entries: entries(5, 5, 3) })
    await log.close()
    const again = await openLog(memory)
    const a = storedIn(again, 'a')
    expect(a?.entries).toEqual(entries(5, 6, 1).map(plainEntry))
    expect(a?.snapshot).toEqual(plain(snapshotAt(4, 1)))
    expect(storedIn(again, 'b')?.entries).toEqual(entries(5, 5, 3).map(plainEntry))
    await again.close()
  })

  it('a removed channel is gone, and its name may begin again', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory)
    await log.create(identityOf('a'))
    await log.append('a', { entries: entries(1, 3, 1) })
    await log.remove('a')
    await log.close()
    const again = await openLog(memory)
    expect(again.channels).toEqual([])
    expect(storedIn(again, 'a')).toBeUndefined()
    await again.create({ ...identityOf('a'), incarnation: 99 })
    await again.append('a', { entries: entries(1, 1, 4) })
    await again.close()
    const third = await openLog(memory)
    expect(third.stored('a', identityOf('a').genesis)).toMatchObject({ identity: { incarnation: 99 }, entries: [{ term: 4 }] })
    await third.close()
  })

  it('an entry larger than a segment is written and read back', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory, { segmentBytes: 1000, maxEntryBytes: 3 << 20 })
    await log.create(identityOf('a'))
    const large = new Uint8Array(3 << 20).fill(5)
    await log.append('a', { entries: [entry(1, 1), entry(2, 1, large)] })
    await log.append('a', { entries: [entry(3, 1)] })
    await log.close()
    const again = await openLog(memory, { segmentBytes: 1000, maxEntryBytes: 10 })
    expect(again.stored('a', identityOf('a').genesis)?.entries[1]?.payload).toEqual(large)
    await again.close()
  })
})

describe('group commit', () => {
  it('one write and one sync serve all channels and calls of a turn', async () => {
    const faulty = disk()
    const log = await openLog(faulty)
    await log.create(identityOf('a'))
    await log.create(identityOf('b'))
    const before = faulty.syncs
    await Promise.all([
      log.append('a', { entries: entries(1, 3, 1) }),
      log.append('b', { entries: entries(1, 3, 1) }),
      log.append('a', { hardState: hard(1, 1, 0) }),
    ])
    expect(faulty.syncs).toBe(before + 1)
    await log.close()
  })

  it('what is called while a sync is under way shares the next, and resolves after it, in order', async () => {
    const faulty = disk()
    const log = await openLog(faulty)
    await log.create(identityOf('a'))
    const before = faulty.syncs
    let open = (): void => {}
    faulty.syncGate = new Promise((resolve) => (open = resolve))
    const done: number[] = []
    const first = log.append('a', { entries: entries(1, 1, 1) }).then(() => done.push(1))
    while (faulty.syncs === before) await Promise.resolve()
    const rest = [2, 3, 4].map((index) => log.append('a', { entries: entries(index, index, 1) }).then(() => done.push(index)))
    expect(done).toEqual([])
    open()
    await Promise.all([first, ...rest])
    expect(done).toEqual([1, 2, 3, 4])
    expect(faulty.syncs).toBe(before + 2)
    await log.close()
  })

  it('a change of the commit index alone costs no sync, and is there after a clean end', async () => {
    const faulty = disk()
    const log = await openLog(faulty)
    await log.create(identityOf('a'))
    await log.append('a', { hardState: hard(1, 2, 0), entries: entries(1, 5, 1) })
    const before = faulty.syncs
    await log.append('a', { hardState: hard(1, 2, 5) })
    expect(faulty.syncs).toBe(before)
    await log.close()
    const again = await openLog(faulty)
    expect(storedIn(again, 'a')?.hardState).toEqual(hard(1, 2, 5))
    await again.close()
  })

  it('a vote is durable before it is acknowledged', async () => {
    const faulty = disk()
    const log = await openLog(faulty)
    await log.create(identityOf('a'))
    await log.append('a', { hardState: hard(1, 2, 0) })
    await log.append('a', { hardState: hard(2, 3, 0) })
    faulty.crash()
    const again = await openLog(faulty)
    expect(storedIn(again, 'a')?.hardState).toEqual(hard(2, 3, 0))
    await again.close()
  })
})

describe('what is refused, with nothing written', () => {
  it('an entry over the limit', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory, { maxEntryBytes: 100 })
    await log.create(identityOf('a'))
    const size = log.status().bytes
    await expect(log.append('a', { entries: [entry(1, 1, new Uint8Array(101))] })).rejects.toEqual(refused('RAFT_LOG_TOO_LARGE'))
    await expect(log.append('a', { snapshot: { ...snapshotAt(1, 1), data: new Uint8Array(101) } })).rejects.toEqual(
      refused('RAFT_LOG_TOO_LARGE'),
    )
    await log.append('a', { entries: [entry(1, 1, new Uint8Array(100))] })
    expect(log.status().bytes).toBeGreaterThan(size)
    await log.close()
  })

  it('gaps, steps back, second votes, lost commitments', async () => {
    const memory = memoryDisk()
    const log = await openLog(memory)
    await log.create(identityOf('a'))
    await log.append('a', { hardState: hard(3, 2, 0), entries: entries(1, 6, 3) })
    await log.append('a', { hardState: hard(3, 2, 4) })
    await log.compact('a', snapshotAt(3, 3))
    const wrong: Parameters<typeof log.append>[1][] = [
      { entries: entries(8, 8, 3) },
      { entries: entries(3, 3, 3) },
      { entries: entries(4, 4, 4) },
      { entries: entries(7, 7, 2) },
      { entries: [entry(7, 3), entry(9, 3)] },
      { hardState: hard(2, 0, 0) },
      { hardState: hard(3, 1, 0) },
      { hardState: hard(3, 2, 7) },
      { snapshot: snapshotAt(3, 3) },
    ]
    for (const change of wrong) await expect(log.append('a', change)).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await expect(log.compact('a', snapshotAt(2, 3))).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await expect(log.compact('a', snapshotAt(5, 2))).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await expect(log.compact('a', snapshotAt(9, 3))).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await expect(log.create(identityOf('a'))).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await expect(log.append('b', {})).rejects.toEqual(refused('RAFT_LOG_OUT_OF_ORDER'))
    await log.close()
    const again = await openLog(memory)
    expect(storedIn(again, 'a')).toEqual({
      hardState: hard(3, 2, 4),
      snapshot: plain(snapshotAt(3, 3)),
      entries: entries(4, 6, 3).map(plainEntry),
    })
    await again.close()
  })

  it('anything after close, and a log that was handed out before', async () => {
    const log = await openLog(memoryDisk())
    await log.create(identityOf('a'))
    expect(() => log.stored('a', identityOf('a').genesis)).toThrow(refused('RAFT_LOG_CLOSED'))
    await log.close()
    await expect(log.append('a', {})).rejects.toEqual(refused('RAFT_LOG_CLOSED'))
  })
})

describe('a folder that is not this log', () => {
  const filled = async () => {
    const faulty = disk()
    const log = await openLog(faulty)
    await log.create(identityOf('a'))
    await log.append('a', { entries: entries(1, 3, 1) })
    await log.close()
    return faulty
  }
  const first = `${FOLDER}/log-0000000001`

  it('of another node is refused', async () => {
    await expect(openLog(await filled(), { owner: 'Org1MSP/orderer2' })).rejects.toEqual(refused('RAFT_LOG_FOREIGN'))
  })

  it('of a channel of another network with the same name is refused', async () => {
    const log = await openLog(await filled())
    expect(() => log.stored('a', Buffer.alloc(32, 8))).toThrow(refused('RAFT_LOG_FOREIGN'))
    await log.close()
  })

  it('of another format, older or newer, is refused by its number', async () => {
    for (const format of [0, 2]) {
      const faulty = await filled()
      const bytes = faulty.bytes(first)
      bytes[11] = format
      faulty.replace(first, bytes)
      await expect(openLog(faulty)).rejects.toMatchObject({ code: 'RAFT_LOG_FORMAT', data: { format, known: 1 } })
    }
  })

  it('that is no log at all is refused', async () => {
    const faulty = await filled()
    faulty.replace(first, Buffer.from('something else'))
    await expect(openLog(faulty)).rejects.toEqual(refused('RAFT_LOG_CORRUPT'))
  })

  it('that is open already is refused', async () => {
    const faulty = await filled()
    const log = await openLog(faulty)
    await expect(openLog(faulty)).rejects.toEqual(refused('DISK_LOCKED'))
    await log.close()
    await (await openLog(faulty)).close()
  })
})

describe('a failure is final', () => {
  for (const [operation, code] of [
    ['append', 'DISK_FULL'],
    ['append', 'DISK_FAILED'],
    ['datasync', 'DISK_FAILED'],
  ] as const) {
    it(`of ${operation} (${code}): what waits and what comes later is refused, and nothing is tried again`, async () => {
      const faulty = disk()
      const log = await openLog(faulty)
      await log.create(identityOf('a'))
      let open = (): void => {}
      faulty.syncGate = new Promise((resolve) => (open = resolve))
      const before = faulty.syncs
      const first = log.append('a', { entries: entries(1, 1, 1) })
      while (faulty.syncs === before) await Promise.resolve()
      const second = log.append('a', { entries: entries(2, 2, 1) })
      const third = log.append('a', { hardState: hard(1, 1, 0) })
      faulty.failNext(operation, code)
      open()
      const results = await Promise.allSettled([first, second, third])
      // A sync that fails is the one under way; a write that fails is the next.
      expect(results[0]?.status).toBe(operation === 'datasync' ? 'rejected' : 'fulfilled')
      for (const result of results.slice(1))
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RAFT_LOG_FAILED' } })
      const syncs = faulty.syncs
      await expect(log.append('a', { entries: entries(1, 1, 1) })).rejects.toEqual(refused('RAFT_LOG_FAILED'))
      expect(log.status().failed).toBeInstanceOf(RaftLogError)
      await log.close()
      expect(faulty.syncs).toBe(syncs)
      const again = await openLog(faulty)
      expect(storedIn(again, 'a')?.entries.length).toBeGreaterThanOrEqual(operation === 'append' ? 1 : 0)
      await again.close()
    })
  }

  it('while a segment is begun: nothing is acknowledged, and the log opens again', async () => {
    for (const operation of ['open', 'append', 'datasync', 'syncFolder'] as const) {
      const faulty = disk()
      const log = await openLog(faulty, { segmentBytes: 200 })
      await log.create(identityOf('a'))
      await log.append('a', { entries: entries(1, 4, 1, 100) })
      faulty.failNext(operation, 'DISK_FAILED', operation === 'syncFolder' ? FOLDER : `${FOLDER}/log-0000000002.new`)
      await expect(log.append('a', { entries: entries(5, 5, 1) })).rejects.toEqual(refused('RAFT_LOG_FAILED'))
      await log.close()
      const again = await openLog(faulty)
      expect(storedIn(again, 'a')?.entries).toEqual(entries(1, 4, 1, 100).map(plainEntry))
      await again.append('a', { entries: entries(5, 5, 1) })
      await again.close()
    }
  })
})
