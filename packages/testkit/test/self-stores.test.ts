import { BlockFileStore } from '../../core/src/adapters/block-files/block-file-store.ts'
import { memoryDisk } from '../../core/src/adapters/disk/memory-disk.ts'
import { seededRandom } from '../../core/src/adapters/environment/random.ts'
import { silentLogger } from '../../core/src/adapters/environment/silent-logger.ts'
import type { BlockStore } from '../../core/src/ports/block-store.ts'
import type { Disk, DiskFile } from '../../core/src/ports/disk.ts'
import type { LogRecord, OrderedLog } from '../../core/src/ports/ordered-log.ts'
import { blockStoreConformance } from '../src/block-store-conformance/suite.ts'
import { diskConformance } from '../src/disk-conformance/suite.ts'
import { MemoryLogs } from '../src/ordered-log-conformance/memory-log.ts'
import { orderedLogConformance } from '../src/ordered-log-conformance/suite.ts'
import { like } from './collect.fixture.ts'
import { proves } from './proves.fixture.ts'

/** A disk whose files are broken. */
const files =
  (breakIt: (file: DiskFile, path: string) => DiskFile) =>
  (good: Disk): Disk =>
    like(good, { open: async (path, options) => breakIt(await good.open(path, options), path) })

proves<Disk>(
  'disks',
  (api, broken) =>
    diskConformance(api, { name: 'mutant', create: async () => ({ disk: broken(memoryDisk()), dispose: async () => {} }) }),
  [
    [
      'makes files that nobody asked for',
      /only when asked for/,
      (good) => like(good, { open: (path) => good.open(path, { create: true }) }),
    ],
    [
      'gives the end of an append in place of its offset',
      /give their offsets/,
      files((file) =>
        like(file, {
          append: async (chunks) => {
            await file.append(chunks)
            return file.size
          },
        }),
      ),
    ],
    [
      'writes what comes first last',
      /in call order/,
      files((file) => {
        const waiting: (readonly Uint8Array[])[] = []
        return like(file, {
          append: async (chunks) => {
            waiting.push(chunks)
            await Promise.resolve()
            return file.append(waiting.pop()!)
          },
        })
      }),
    ],
    [
      'takes a thousand chunks at a time and drops the rest',
      /very many chunks/,
      files((file) => like(file, { append: (chunks) => file.append(chunks.slice(0, 1024)) })),
    ],
    [
      'reads less than it was asked for',
      /reading past the end/,
      files((file) => like(file, { read: (at, length) => file.read(at, Math.max(0, Math.min(length, file.size - at))) })),
    ],
    ['truncates nothing', /truncating/, files((file) => like(file, { truncate: async () => {} }))],
    [
      'begins a file anew when it is opened again',
      /opened again/,
      files((file) => {
        void file.truncate(0)
        return file
      }),
    ],
    ['never closes a file', /a closed file refuses/, files((file) => like(file, { close: async () => {} }))],
    [
      'lists in any order',
      /lists its names, sorted/,
      (good) => like(good, { list: async (folder) => (await good.list(folder)).reverse() }),
    ],
    [
      'renames to a name that is free only',
      /renaming replaces/,
      (good) => like(good, { rename: async (from, to) => ((await good.exists(to)) ? undefined : good.rename(from, to)) }),
    ],
    [
      'removes files, and folders never',
      /renaming replaces/,
      (good) => like(good, { remove: async (path) => (path.includes('/') ? good.remove(path) : undefined) }),
    ],
    ['locks for everybody', /locked once/, (good) => like(good, { lock: async () => ({ release: async () => {} }) })],
    [
      'resolves a later sync before an earlier one',
      /all resolve, in order/,
      files((file) => {
        const delays = [20, 15, 10, 5]
        return like(file, { datasync: () => new Promise((resolve) => setTimeout(resolve, delays.shift())) })
      }),
    ],
  ],
)

proves<BlockStore>(
  'block stores',
  (api, broken) =>
    blockStoreConformance(api, {
      name: 'mutant',
      create: async () => {
        const place = { disk: memoryDisk(), folder: 'blocks', random: seededRandom('blocks'), logger: silentLogger }
        let store = await BlockFileStore.open(place, {})
        return {
          store: broken(store),
          reopen: async () => {
            await store.close()
            store = await BlockFileStore.open(place, {})
            return broken(store)
          },
          dispose: () => store.close(),
        }
      },
    }),
  [
    ['has a block too many', /a new store is empty/, (good) => like(good, { height: 1 })],
    [
      'loses metadata',
      /byte for byte/,
      (good) =>
        like(good, {
          get: async (number) => (await good.get(number))?.withMetadata({ 0: new Uint8Array(0), 1: Uint8Array.of(1) }),
        }),
    ],
    ['gives any block for a hash', /found by the hash/, (good) => like(good, { byHash: () => good.get(0) })],
    [
      'gives another place of a transaction',
      /found by id/,
      (good) =>
        like(good, {
          transaction: async (txId) => {
            const found = await good.transaction(txId)
            return found && { ...found, txNumber: 0 }
          },
        }),
    ],
    [
      'remembers the last entry of an id',
      /first entry of a transaction id/,
      (good) => {
        const last = new Map<string, { blockNumber: number; txNumber: number; code: number }>()
        return like(good, {
          append: async (block) => {
            await good.append(block)
            block.data.forEach((_, txNumber) => {
              last.set(block.envelope(txNumber).txId, { blockNumber: block.number, txNumber, code: 0 })
            })
          },
          transaction: async (txId) => last.get(txId),
        })
      },
    ],
    ['knows every transaction', /knownTransactions/, (good) => like(good, { knownTransactions: async (ids) => new Set(ids) })],
    [
      'stumbles over what does not decode',
      /malformed envelopes/,
      (good) =>
        like(good, {
          appendAll: async (blocks) => {
            for (const block of blocks)
              for (const i of block.data.keys()) if (block.envelope(i).txId === '') throw new Error('no id')
            await good.appendAll(blocks)
          },
        }),
    ],
    [
      'passes over a block that is not the next one',
      /not the next one is refused/,
      (good) =>
        like(good, {
          append: async (block) => {
            if (block.number === good.height) await good.append(block)
          },
        }),
    ],
    [
      'resolves before the block shows',
      /resolve in order/,
      (good) =>
        like(good, {
          append: async (block) => {
            good.append(block).catch(() => {})
          },
        }),
    ],
    [
      'reads on for ever',
      /up to the height of the moment/,
      (good) => like(good, { read: (from, to) => good.read(from, to === undefined ? undefined : to + 1) }),
    ],
    [
      'refuses a large block',
      /a large block/,
      (good) => like(good, { appendAll: (blocks) => good.appendAll(blocks.slice(0, 1)) }),
    ],
    ['forgets its end over a restart', /survives a restart/, (good) => like(good, { lastHash: new Uint8Array(32) })],
    ['is never closed', /a closed store refuses/, (good) => like(good, { close: async () => {} })],
  ],
)

const logs =
  (breakIt: (log: OrderedLog) => OrderedLog) =>
  (good: MemoryLogs): MemoryLogs =>
    like(good, {
      provider: () => {
        const provider = good.provider()
        return like(provider, { open: async (channel, about) => breakIt(await provider.open(channel, about)) })
      },
    })
/** Changes what a reader gets. */
const reading = (change: (records: readonly LogRecord[]) => readonly LogRecord[]) =>
  logs((log) =>
    like(log, {
      async *read(after, signal) {
        for await (const records of log.read(after, signal)) yield change(records)
      },
    }),
  )

proves<MemoryLogs>(
  'ordered logs',
  (api, broken) =>
    orderedLogConformance(api, {
      name: 'mutant',
      create: async () => {
        const made = broken(new MemoryLogs(seededRandom('mutant')))
        return { provider: made.provider(), another: async () => made.provider(), dispose: async () => {} }
      },
      largest: 4096,
      skips: [{ test: 'what was appended survives a restart, and appends go on after it', reason: 'it lives in memory' }],
    }),
  [
    ['reads backwards', /in the order of their append/, reading((records) => [...records].reverse())],
    [
      'gives the position of the first record',
      /the position of the last record/,
      logs((log) =>
        like(log, {
          append: async (records) => {
            const first = await log.append(records.slice(0, 1))
            if (records.length > 1) await log.append(records.slice(1))
            return first
          },
        }),
      ),
    ],
    [
      'begins at the beginning whatever it was asked',
      /reading after a position/,
      logs((log) => like(log, { read: (_after, signal) => log.read(new Uint8Array(0), signal) })),
    ],
    [
      'has one log for all channels',
      /channels are apart/,
      (good) =>
        like(good, {
          provider: () => {
            const provider = good.provider()
            return like(provider, { open: (_channel, about) => provider.open('one', about) })
          },
        }),
    ],
    [
      'mixes the records of one append',
      /keep their order among those of others/,
      logs((log) => like(log, { append: (records) => log.append([...records].reverse()) })),
    ],
    ['never knows its earliest record', /earliest is undefined/, logs((log) => like(log, { earliest: async () => undefined }))],
    [
      'cuts records short',
      /records hold any bytes/,
      reading((records) => records.map(({ position, data }) => ({ position, data: data.slice(0, 1000) }))),
    ],
    [
      'loses a record now and then',
      /in the order of their append|reading after a position/,
      reading((records) => records.filter((_, i) => i % 3 !== 1)),
    ],
  ],
)
