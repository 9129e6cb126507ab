import { seededRandom } from '@heddle/core/plugin'
import { faultyDisk } from '@heddle/testkit'
import { describe, expect, it } from 'vitest'
import { entries, FOLDER, hard, identityOf, openLog, plainEntry, snapshotAt, storedIn } from './log.fixture.ts'

const disk = () => faultyDisk({ random: seededRandom('disk') })
const SEGMENT = 4096

describe('growth is bounded', () => {
  it('by what is needed, however long a log runs', async () => {
    const faulty = disk()
    const log = await openLog(faulty, { segmentBytes: SEGMENT })
    await log.create(identityOf('a'))
    let most = 0
    for (let index = 1; index <= 3000; index++) {
      await log.append('a', { hardState: hard(1, 1, index - 1), entries: entries(index, index, 1, 200) })
      if (index % 20 === 0) await log.compact('a', snapshotAt(index - 5, 1))
      most = Math.max(most, log.status().bytes)
    }
    expect(most).toBeLessThan(2 * 25 * 300 + 5 * SEGMENT)
    await log.close()
    expect((await faulty.list(FOLDER)).length).toBe(log.status().segments)
  })

  it('with channels that stand still while another runs: what they need is written again, and found again', async () => {
    const faulty = disk()
    const log = await openLog(faulty, { segmentBytes: SEGMENT })
    for (const channel of ['idle', 'large', 'busy']) await log.create(identityOf(channel))
    await log.append('idle', { hardState: hard(7, 3, 0), entries: entries(1, 3, 7, 50) })
    for (let index = 1; index <= 40; index++) await log.append('large', { entries: entries(index, index, 2, 400) })
    let most = 0
    for (let index = 1; index <= 2000; index++) {
      await log.append('busy', { entries: entries(index, index, 1, 200) })
      if (index % 20 === 0) await log.compact('busy', snapshotAt(index - 5, 1))
      most = Math.max(most, log.status().bytes)
    }
    expect(await faulty.exists(`${FOLDER}/log-0000000001`)).toBe(false)
    const needed = 3 * 100 + 40 * 450 + 25 * 250
    expect(most).toBeLessThan(3 * needed + 6 * SEGMENT)
    await log.append('idle', { entries: entries(4, 4, 8, 50) })
    await log.close()
    const again = await openLog(faulty, { segmentBytes: SEGMENT })
    expect(storedIn(again, 'idle')).toEqual({
      hardState: hard(7, 3, 0),
      snapshot: undefined,
      entries: [...entries(1, 3, 7, 50), ...entries(4, 4, 8, 50)].map(plainEntry),
    })
    expect(storedIn(again, 'large')?.entries).toEqual(entries(1, 40, 2, 400).map(plainEntry))
    await again.close()
  })

  it('a removed channel holds nothing back', async () => {
    const faulty = disk()
    const log = await openLog(faulty, { segmentBytes: SEGMENT })
    for (const channel of ['gone', 'busy']) await log.create(identityOf(channel))
    for (let index = 1; index <= 100; index++) await log.append('gone', { entries: entries(index, index, 1, 400) })
    await log.remove('gone')
    for (let index = 1; index <= 100; index++) await log.append('busy', { entries: entries(index, index, 1, 40) })
    expect(log.status().bytes).toBeLessThan(100 * 120 + 3 * SEGMENT)
    await log.close()
  })
})

describe('segments', () => {
  it('that are missing are noticed: the first, one in between', async () => {
    for (const missing of [1, 2]) {
      const faulty = disk()
      const log = await openLog(faulty, { segmentBytes: 500 })
      await log.create(identityOf('a'))
      for (let index = 1; index <= 20; index++) await log.append('a', { entries: entries(index, index, 1, 100) })
      await log.close()
      await faulty.remove(`${FOLDER}/log-${String(missing).padStart(10, '0')}`)
      await expect(openLog(faulty)).rejects.toMatchObject({ code: 'RAFT_LOG_LOST' })
    }
  })

  it('are deleted only when what supersedes them is durable', async () => {
    const faulty = disk()
    const log = await openLog(faulty, { segmentBytes: 500 })
    await log.create(identityOf('a'))
    for (let index = 1; index <= 20; index++) await log.append('a', { entries: entries(index, index, 1, 100) })
    let open = (): void => {}
    faulty.syncGate = new Promise((resolve) => (open = resolve))
    const syncs = faulty.syncs
    const files = await faulty.list(FOLDER)
    const compacted = log.compact('a', snapshotAt(20, 1))
    while (faulty.syncs === syncs) await Promise.resolve()
    expect(await faulty.list(FOLDER)).toEqual(files)
    open()
    await compacted
    await log.close()
    expect((await faulty.list(FOLDER)).length).toBeLessThan(files.length)
    const again = await openLog(faulty)
    expect(storedIn(again, 'a')?.entries).toEqual([])
    await again.append('a', { entries: entries(21, 21, 1) })
    await again.close()
  })

  it('old entries that went bad are not written again under a fresh checksum', async () => {
    const faulty = disk()
    const log = await openLog(faulty, { segmentBytes: SEGMENT })
    for (const channel of ['idle', 'busy']) await log.create(identityOf(channel))
    await log.append('idle', { entries: entries(1, 1, 1, 600) })
    const place = Buffer.from(faulty.bytes(`${FOLDER}/log-0000000001`)).indexOf(Buffer.alloc(600, 1))
    faulty.flipBit(`${FOLDER}/log-0000000001`, place + 300)
    const run = async (): Promise<void> => {
      for (let index = 1; index <= 2000; index++) {
        await log.append('busy', { entries: entries(index, index, 1, 200) })
        if (index % 20 === 0) await log.compact('busy', snapshotAt(index - 5, 1))
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'RAFT_LOG_FAILED', cause: { code: 'RAFT_LOG_CORRUPT' } })
    await log.close()
    await expect(openLog(faulty)).rejects.toMatchObject({ code: 'RAFT_LOG_CORRUPT' })
  })
})
