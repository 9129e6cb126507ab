import { type Disk, seededRandom } from '@heddle/core/plugin'
import { type FaultyDisk, faultyDisk } from '@heddle/testkit'
import { describe, expect, it } from 'vitest'
import { FOLDER, openLog } from './log.fixture.ts'
import { asText, held, type Models, makeStep, type Step } from './log-model.fixture.ts'

const newDisk = (): FaultyDisk => faultyDisk({ random: seededRandom('disk') })
const SEGMENT = 600

interface Sample {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly last: string
  /** What the log held after each step. */
  readonly history: readonly string[]
}

/** A log of several segments; with or without the mark that an idle moment or a clean end leaves behind the last record. */
async function sample(): Promise<Sample> {
  const disk = newDisk()
  const log = await openLog(disk, { segmentBytes: SEGMENT })
  const steps: Step[] = Array.from({ length: 14 }, (_, i) =>
    i % 6 === 5
      ? { do: 'vote', channel: i % 4 < 2 ? 'a' : 'b' }
      : { do: 'append', channel: i % 2 === 0 ? 'a' : 'b', back: i % 5 === 4 ? 1 : 0, count: 1, bytes: 20 + 7 * i },
  )
  let models: Models = new Map()
  const history = [asText(models)]
  for (const step of steps) {
    const made = makeStep(log, models, step)!
    models = made.models
    history.push(asText(models))
    await made.done
  }
  await log.close()
  const names = await disk.list(FOLDER)
  const files = new Map(names.map((name) => [`${FOLDER}/${name}`, disk.bytes(`${FOLDER}/${name}`)]))
  expect(names.length).toBeGreaterThan(2)
  return { files, last: `${FOLDER}/${names.at(-1)}`, history }
}

/** Opens the sample with one file changed: the state it gives, or the code of the refusal. */
async function openWith({ files }: Sample, path: string, bytes: Uint8Array): Promise<{ state?: string; code?: string }> {
  const disk = newDisk()
  for (const [name, content] of files) disk.replace(name, name === path ? bytes : content)
  try {
    const log = await openLog(disk, { segmentBytes: SEGMENT })
    const state = held(log)
    await log.close()
    return { state }
  } catch (error) {
    // What is refused is evidence: it stays as it was found.
    for (const [name, content] of files) expect(Buffer.compare(disk.bytes(name), name === path ? bytes : content)).toBe(0)
    return { code: (error as { code?: string }).code ?? String(error) }
  }
}

describe('a log that is cut', () => {
  it('anywhere behind the checkpoint of its last segment loses its tail, and nothing else', async () => {
    const log = await sample()
    const bytes = log.files.get(log.last)!
    const start = Buffer.from(bytes).readUIntBE(26, 6)
    const found = new Set<string>()
    for (let length = bytes.length - 1; length >= start; length--) {
      const { state, code } = await openWith(log, log.last, bytes.slice(0, length))
      expect(code).toBeUndefined()
      expect(log.history).toContain(state)
      found.add(state!)
    }
    expect(found.size).toBeGreaterThan(1)
  })

  it('within header or checkpoint, which were durable before the file got its name, is refused', async () => {
    const log = await sample()
    const bytes = log.files.get(log.last)!
    const start = Buffer.from(bytes).readUIntBE(26, 6)
    for (let length = 0; length < start; length++)
      expect(await openWith(log, log.last, bytes.slice(0, length))).toEqual({ code: 'RAFT_LOG_CORRUPT' })
  })

  it('in a segment that others follow is refused, at every byte', async () => {
    const log = await sample()
    for (const [path, bytes] of log.files) {
      if (path === log.last) continue
      for (let length = 0; length < bytes.length; length++) {
        const { code } = await openWith(log, path, bytes.slice(0, length))
        expect(['RAFT_LOG_CORRUPT', 'RAFT_LOG_LOST']).toContain(code)
      }
    }
  })
})

describe('a log with a damaged byte', () => {
  it('is refused, wherever the byte stands: what was durable is known to have been', async () => {
    const log = await sample()
    for (const [path, bytes] of log.files) {
      // The last mark says what is durable; a damaged one says nothing, and harms nothing.
      const end = path === log.last ? bytes.length - 28 : bytes.length
      for (let at = 0; at < end; at++) {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << (at % 8)
        const { code } = await openWith(log, path, damaged)
        expect(['RAFT_LOG_CORRUPT', 'RAFT_LOG_FORMAT', 'RAFT_LOG_LOST'], `${path} byte ${at}`).toContain(code)
      }
    }
  })

  it('in the mark at its end is whole', async () => {
    const log = await sample()
    const bytes = log.files.get(log.last)!
    for (let at = bytes.length - 28; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << (at % 8)
      expect(await openWith(log, log.last, damaged)).toEqual({ state: log.history.at(-1) })
    }
  })

  it('names the file and the byte, and says that the operator has to act', async () => {
    const log = await sample()
    const disk = newDisk()
    for (const [name, content] of log.files) disk.replace(name, content)
    const bytes = log.files.get(log.last)!
    const start = Buffer.from(bytes).readUIntBE(26, 6)
    disk.flipBit(log.last, start + 40)
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'RAFT_LOG_CORRUPT',
      duty: 'tell-operator',
      data: { path: log.last, offset: start },
    })
  })

  it('in the records of the last write, with no mark behind them, is the tail of a crash', async () => {
    const log = await sample()
    const bytes = log.files.get(log.last)!
    const unmarked = bytes.slice(0, bytes.length - 28)
    unmarked[unmarked.length - 1]! ^= 1
    expect(log.history.slice(0, -1)).toContain((await openWith(log, log.last, unmarked)).state)
  })

  it('costs no long search, whatever the payloads hold', async () => {
    const disk = newDisk()
    const log = await openLog(disk)
    await log.create({ channel: 'a', genesis: new Uint8Array(32), member: 1, incarnation: 1 })
    // Looks like the beginning of a large frame, a hundred thousand times.
    const payload = new Uint8Array(Buffer.concat(Array(100_000).fill(Buffer.from('HDLR\0\x10\0\0'))))
    await log.append('a', { entries: [{ index: 1, term: 1, kind: 'normal', payload, membership: undefined }] })
    await log.close()
    const [name] = await disk.list(FOLDER)
    const path = `${FOLDER}/${name}`
    const bytes = disk.bytes(path)
    bytes[bytes.length - 29]! ^= 1
    disk.replace(path, bytes.slice(0, bytes.length - 28))
    let reads = 0
    const counting: Disk = {
      ...asDisk(disk),
      async open(file, options) {
        const opened = await disk.open(file, options)
        return {
          get size() {
            return opened.size
          },
          append: (chunks) => opened.append(chunks),
          read(offset, length) {
            reads += length
            return opened.read(offset, length)
          },
          truncate: (size) => opened.truncate(size),
          datasync: () => opened.datasync(),
          close: () => opened.close(),
        }
      },
    }
    const again = await openLog(counting)
    expect(again.stored('a', new Uint8Array(32))?.entries).toEqual([])
    expect(reads).toBeLessThan(20 * bytes.length)
    await again.close()
  })
})

const asDisk = (disk: FaultyDisk): Disk => ({
  open: (path, options) => disk.open(path, options),
  exists: (path) => disk.exists(path),
  list: (folder) => disk.list(folder),
  rename: (from, to) => disk.rename(from, to),
  remove: (path) => disk.remove(path),
  makeFolder: (path) => disk.makeFolder(path),
  syncFolder: (path) => disk.syncFolder(path),
  lock: (folder) => disk.lock(folder),
  realPath: () => undefined,
})
