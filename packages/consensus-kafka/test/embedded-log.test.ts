import type { HeddleError, LogRecord } from '@heddle/core/plugin'
import { noMetrics, seededRandom, silentLogger, systemClock } from '@heddle/core/testing'
import { type FaultyDisk, faultyDisk } from '@heddle/testkit'
import { describe, expect, it } from 'vitest'
import { EmbeddedLog, type EmbeddedLogLimits } from '../src/embedded/embedded-log.ts'
import { embeddedLogs } from '../src/embedded/embedded-logs.ts'
import { localNodes } from './local-nodes.fixture.ts'

const FOLDER = 'ordered-log/channel'
const START = new Uint8Array(0)
const texts = (...values: string[]): Uint8Array[] => values.map((each) => Buffer.from(each))

const diskOf = (seed: string): FaultyDisk => faultyDisk({ random: seededRandom(seed) })

async function opened(disk: FaultyDisk, limits: Partial<EmbeddedLogLimits> = {}): Promise<EmbeddedLog> {
  const log = new EmbeddedLog(disk, FOLDER, { random: seededRandom('log'), logger: silentLogger }, limits)
  await log.open()
  return log
}

/** All durable records. */
async function all(log: EmbeddedLog, after: Uint8Array = START): Promise<string[]> {
  const end = await log.append(texts('end'))
  const abort = new AbortController()
  const read: LogRecord[] = []
  for await (const records of log.read(after, abort.signal)) {
    read.push(...records)
    if (Buffer.compare(read.at(-1)!.position, end) === 0) break
  }
  return read.slice(0, -1).map(({ data }) => Buffer.from(data).toString())
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: HeddleError) => error.code,
  )

describe('a crash', () => {
  it('loses nothing that was acknowledged, wherever the disk tears what was not synced', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = diskOf(`crash ${seed}`)
      const log = await opened(disk, { fileBytes: 400 })
      const acknowledged: string[] = []
      for (let i = 0; i < 8; i++) {
        await log.append(texts(`record ${i}`, `another ${i}`))
        acknowledged.push(`record ${i}`, `another ${i}`)
      }
      // On its way to the disk when the power fails.
      disk.syncGate = new Promise(() => {})
      void log.append(texts('x'.repeat(seed * 40), 'unfinished')).catch(() => {})
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
      disk.crash()
      disk.syncGate = undefined
      const again = await opened(disk, { fileBytes: 400 })
      expect((await all(again)).slice(0, acknowledged.length)).toEqual(acknowledged)
    }
  })

  it('between the making of a file and its header leaves a log that opens', async () => {
    const disk = diskOf('header')
    const log = await opened(disk, { fileBytes: 100 })
    await log.append(texts('a'.repeat(200)))
    await log.close()
    const [first] = await disk.list(FOLDER)
    const size = disk.bytes(`${FOLDER}/${first}`).length
    // Nothing, zeros, and the first bytes of the header before zeros: a file may be as long as it was to be, and hold a part.
    const torn = new Uint8Array(32)
    torn.set(disk.bytes(`${FOLDER}/${first}`).subarray(0, 8))
    for (const left of [new Uint8Array(0), new Uint8Array(5), new Uint8Array(31), torn]) {
      disk.replace(`${FOLDER}/log-${String(size).padStart(15, '0')}`, left)
      const again = await opened(disk, { fileBytes: 100 })
      expect(await all(again)).toContain('a'.repeat(200))
      await again.close()
      for (const name of (await disk.list(FOLDER)).slice(1)) await disk.remove(`${FOLDER}/${name}`)
    }
  })
})

describe('a file whose folder a killed process did not live to sync', () => {
  it('keeps what the next process appends to it and acknowledges, when power fails after that', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = diskOf(`folder ${seed}`)
      disk.failNext('syncFolder')
      expect(await codeOf(opened(disk))).toBe('DISK_FAILED')
      const log = await opened(disk)
      await log.append(texts('acknowledged'))
      disk.crash()
      expect(await all(await opened(disk))).toEqual(['acknowledged'])
    }
  })
})

describe('damage', () => {
  it('of any byte of what was durable is found: at the start, or when it is read; never handed out', async () => {
    const disk = diskOf('rot')
    const log = await opened(disk)
    for (let i = 0; i < 6; i++) await log.append(texts(`record ${i}`))
    await log.close()
    const [name] = await disk.list(FOLDER)
    const path = `${FOLDER}/${name}`
    const whole = disk.bytes(path)
    const expected = ['record 0', 'record 1', 'record 2', 'record 3', 'record 4']
    // Behind the last frame that a later one vouches for, damage looks like the end of a crash.
    const vouched = whole.length - 2 * ((whole.length - 32) / 6)
    for (let offset = 0; offset < vouched; offset++) {
      const bytes = whole.slice()
      bytes[offset]! ^= 1 << (offset % 8)
      disk.replace(path, bytes)
      const log = new EmbeddedLog(disk, FOLDER, { random: seededRandom('again'), logger: silentLogger })
      const code = await codeOf(log.open())
      expect(['LOG_CORRUPT', 'KAFKA_LOG_FORMAT_UNKNOWN'], `byte ${offset}`).toContain(code)
    }
    disk.replace(path, whole)
    expect((await all(await opened(disk))).slice(0, 5)).toEqual(expected)
  })

  it('of a file before the last is found when it is read', async () => {
    const disk = diskOf('old rot')
    const log = await opened(disk, { fileBytes: 100, tailBytes: 0 })
    for (let i = 0; i < 6; i++) await log.append(texts(`record ${i} ${'.'.repeat(50)}`))
    await log.close()
    const [name] = await disk.list(FOLDER)
    disk.flipBit(`${FOLDER}/${name}`, 80)
    const again = await opened(disk, { fileBytes: 100, tailBytes: 0 })
    expect(await codeOf(all(again))).toBe('LOG_CORRUPT')
  })

  it('by a missing file is found at the start', async () => {
    const disk = diskOf('missing')
    const log = await opened(disk, { fileBytes: 100 })
    for (let i = 0; i < 6; i++) await log.append(texts(`record ${i} ${'.'.repeat(50)}`))
    await log.close()
    const names = await disk.list(FOLDER)
    expect(names.length).toBeGreaterThan(3)
    await disk.remove(`${FOLDER}/${names[1]}`)
    expect(await codeOf(opened(disk))).toBe('LOG_CORRUPT')
  })

  it('of the log under a chain is found: another record, or none, where the last block ends', async () => {
    const disk = diskOf('other log')
    const log = await opened(disk)
    const position = await log.append(texts('a', 'b'))
    await log.append(texts('c'))
    expect(await all(log, position)).toEqual(['c'])
    const other = await opened(diskOf('another'))
    expect(await codeOf(all(other, position).then(() => undefined))).toBe('LOG_CORRUPT')
    const empty = await opened(diskOf('empty'))
    const reading = (async () => {
      for await (const _ of empty.read(position, new AbortController().signal)) throw new Error('nothing is there')
    })()
    expect(await codeOf(reading)).toBe('LOG_TRUNCATED')
  })
})

describe('a disk that fails', () => {
  it('ends the log when a sync fails: nobody can know what is on it', async () => {
    const disk = diskOf('sync')
    const log = await opened(disk)
    await log.append(texts('before'))
    disk.failNext('datasync')
    expect(await codeOf(log.append(texts('lost')))).toBe('LOG_FAILED')
    expect(await codeOf(log.append(texts('after')))).toBe('LOG_FAILED')
    const seen: string[] = []
    const reading = (async () => {
      for await (const records of log.read(START, new AbortController().signal))
        for (const { data } of records) seen.push(Buffer.from(data).toString())
    })()
    expect(await codeOf(reading)).toBe('LOG_FAILED')
    expect(seen).toEqual(['before'])
  })

  it('that is full takes nothing, and takes again when there is room', async () => {
    const disk = diskOf('full')
    const log = await opened(disk)
    await log.append(texts('before'))
    disk.failNext('append', 'DISK_FULL')
    expect(await codeOf(log.append(texts('no room')))).toBe('LOG_UNAVAILABLE')
    await log.append(texts('after'))
    expect(await all(log)).toEqual(['before', 'after'])
  })
})

describe('appends that come together', () => {
  it('share a sync', async () => {
    const disk = diskOf('group')
    const log = await opened(disk)
    const before = disk.syncs
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.append(texts(`${i}`))))
    expect(disk.syncs - before).toBeLessThanOrEqual(2)
    expect(await all(log)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  })
})

describe('the orderers of a process', () => {
  const environment = {
    clock: systemClock,
    random: seededRandom('nodes'),
    logger: silentLogger,
    metrics: noMetrics,
    transport: undefined as never,
  }
  const about = (members: readonly string[]) => ({ genesisHash: new Uint8Array(32), largestRecord: 1000, members })

  it('read and write one log, which stays open until the last of them stops', async () => {
    const disk = diskOf('together')
    const local = localNodes(['one', 'two'], disk)
    const logs = ['one', 'two'].map((node) => embeddedLogs({ node, environment: { ...environment, disk: diskOf(node) }, local }))
    const open = await Promise.all(
      logs.map(async (each) => {
        await each.start()
        return each.open('channel', about(['one', 'two']))
      }),
    )
    await open[0]!.append(texts('from one'))
    await logs[0]!.stop()
    const position = await open[1]!.append(texts('from two'))
    const seen: string[] = []
    for await (const records of open[1]!.read(START, new AbortController().signal)) {
      seen.push(...records.map(({ data }) => Buffer.from(data).toString()))
      if (Buffer.compare(records.at(-1)!.position, position) === 0) break
    }
    expect(seen).toEqual(['from one', 'from two'])
    // While it is open nobody else may take the folder.
    expect(await codeOf(disk.lock('ordered-log'))).toBe('DISK_LOCKED')
    await logs[1]!.stop()
    await (await disk.lock('ordered-log')).release()
  })

  it('are refused when others of the channel run elsewhere: each process would make a chain of its own', async () => {
    const logs = embeddedLogs({ node: 'one', environment: { ...environment, disk: diskOf('alone') } })
    await logs.start()
    expect(await codeOf(logs.open('channel', about(['one', 'two'])))).toBe('KAFKA_LOG_NOT_SHARED')
    await (await logs.open('channel', about(['one']))).start()
    await logs.stop()
  })
})
