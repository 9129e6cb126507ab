import assert from 'node:assert/strict'
import {
  compareBytes,
  type LogChannel,
  type LogRecord,
  type OrderedLog,
  type OrderedLogProvider,
  type Position,
} from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'

/** An ordered log under test. */
export interface OrderedLogSubject {
  readonly provider: OrderedLogProvider
  /** Another connection to the same logs, as another node has it. Where there is none, tests use the first. */
  another?(): Promise<OrderedLogProvider>
  /** Stops everything and comes back, as after a restart; where the log outlives the process. */
  reopen?(): Promise<OrderedLogProvider>
  dispose(): Promise<void>
}

/** How the suite gets its logs. */
export interface OrderedLogSuite {
  readonly name: string
  /** New, empty logs; the provider is started by the suite. */
  create(): Promise<OrderedLogSubject>
  /** Most bytes of one record that the suite tries. Default 1 MiB. */
  readonly largest?: number
  readonly skips?: readonly Skip[]
}

const START = new Uint8Array(0)
const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (data: Uint8Array): string => Buffer.from(data).toString()

const about: LogChannel = { genesisHash: new Uint8Array(32), members: ['conformance'], largestRecord: 1024 * 1024 }

async function open(provider: OrderedLogProvider, channel = 'conformance'): Promise<OrderedLog> {
  await provider.start()
  const log = await provider.open(channel, about)
  await log.start()
  return log
}

/** The next `count` records after a position, or all up to and including the one at `until`. */
async function take(log: OrderedLog, after: Position, enough: (records: readonly LogRecord[]) => boolean): Promise<LogRecord[]> {
  const abort = new AbortController()
  const taken: LogRecord[] = []
  for await (const records of log.read(after, abort.signal)) {
    for (const record of records) {
      const previous = taken.at(-1)?.position ?? after
      assert.ok(compareBytes(record.position, previous) > 0, 'positions ascend, and none is at or before the one asked for')
      // Bytes are bytes, whichever class holds them.
      taken.push({ position: Uint8Array.from(record.position), data: Uint8Array.from(record.data) })
    }
    if (enough(taken)) break
  }
  abort.abort()
  return taken
}

const upTo =
  (position: Position) =>
  (records: readonly LogRecord[]): boolean =>
    records.some((record) => compareBytes(record.position, position) === 0)

/** Texts, without those that a retry repeated. */
const distinct = (records: readonly LogRecord[]): string[] => [...new Set(records.map(({ data }) => text(data)))]

type Test = (subject: OrderedLogSubject, largest: number) => Promise<void>

const tests: Readonly<Record<string, Test>> = {
  'records are read in the order of their append': async ({ provider }) => {
    const log = await open(provider)
    await log.append([bytes('a'), bytes('b')])
    const last = await log.append([bytes('c')])
    assert.deepEqual(distinct(await take(log, START, upTo(last))), ['a', 'b', 'c'])
  },

  'append gives the position of the last record': async ({ provider }) => {
    const log = await open(provider)
    const position = await log.append([bytes('a'), bytes('b')])
    const found = (await take(log, START, upTo(position))).find((record) => compareBytes(record.position, position) === 0)
    assert.equal(text(found!.data), 'b')
  },

  'reading after a position gives what follows it, and nothing else': async ({ provider }) => {
    const log = await open(provider)
    const first = await log.append([bytes('a'), bytes('b')])
    const last = await log.append([bytes('c'), bytes('d')])
    assert.deepEqual(distinct(await take(log, first, upTo(last))), ['c', 'd'])
  },

  'a reader waits for new records': async ({ provider }) => {
    const log = await open(provider)
    const reading = take(log, START, (records) => distinct(records).length === 2)
    await log.append([bytes('a')])
    await log.append([bytes('b')])
    assert.deepEqual(distinct(await reading), ['a', 'b'])
  },

  'an aborted reader ends without an error': async ({ provider }) => {
    const log = await open(provider)
    const abort = new AbortController()
    const reading = (async () => {
      for await (const _ of log.read(START, abort.signal)) assert.fail('nothing was appended')
    })()
    abort.abort()
    await reading
  },

  'all readers see the same records at the same positions': async ({ provider, another }) => {
    const log = await open(provider)
    const other = another === undefined ? log : await open(await another())
    await Promise.all([...'abcdefgh'].map((each) => log.append([bytes(each)])))
    const last = await other.append([bytes('last')])
    assert.deepEqual(await take(log, START, upTo(last)), await take(other, START, upTo(last)))
  },

  'once a position was passed nothing appears before it': async ({ provider, another }) => {
    const log = await open(provider)
    const other = another === undefined ? log : await open(await another())
    const live = take(log, START, (records) => distinct(records).length === 201)
    const writers = [log, other].map(async (each, writer) => {
      for (let i = 0; i < 50; i++)
        await Promise.all([each.append([bytes(`${writer}-${i}-a`)]), each.append([bytes(`${writer}-${i}-b`)])])
    })
    await Promise.all(writers)
    const last = await log.append([bytes('last')])
    // What was read while it was written, and what is read afterwards, are the same.
    assert.deepEqual(await live, (await take(other, START, upTo(last))).slice(0, (await live).length))
  },

  'records of one append keep their order among those of others': async ({ provider, another }) => {
    const log = await open(provider)
    const other = another === undefined ? log : await open(await another())
    const appends = [log, other].map((each, writer) =>
      each.append(Array.from({ length: 100 }, (_, i) => bytes(`${writer}-${i}`))),
    )
    await Promise.all(appends)
    const last = await log.append([bytes('last')])
    const all = distinct(await take(log, START, upTo(last)))
    for (const writer of [0, 1]) {
      const own = all.filter((each) => each.startsWith(`${writer}-`))
      assert.deepEqual(
        own,
        Array.from({ length: 100 }, (_, i) => `${writer}-${i}`),
      )
    }
  },

  'channels are apart': async ({ provider }) => {
    const one = await open(provider, 'one')
    const two = await open(provider, 'two')
    await one.append([bytes('a')])
    const last = await two.append([bytes('b')])
    assert.deepEqual(distinct(await take(two, START, upTo(last))), ['b'])
  },

  'earliest is undefined for an empty log, then the first record': async ({ provider }) => {
    const log = await open(provider)
    assert.equal(await log.earliest(), undefined)
    const last = await log.append([bytes('a'), bytes('b')])
    assert.deepEqual(Uint8Array.from((await log.earliest()) ?? []), (await take(log, START, upTo(last)))[0]!.position)
  },

  'records hold any bytes, up to the largest': async ({ provider }, largest) => {
    const log = await open(provider)
    const every = Uint8Array.from({ length: 256 }, (_, i) => i)
    const large = new Uint8Array(largest).fill(0xab)
    const last = await log.append([every, large, Uint8Array.of(0)])
    const data = (await take(log, START, upTo(last))).map((record) => Buffer.from(record.data).toString('hex'))
    assert.deepEqual(
      [...new Set(data)],
      [every, large, Uint8Array.of(0)].map((each) => Buffer.from(each).toString('hex')),
    )
  },

  'what was appended survives a restart, and appends go on after it': async ({ provider, reopen }) => {
    const log = await open(provider)
    const before = await log.append([bytes('a'), bytes('b')])
    const again = await open(await reopen!())
    const last = await again.append([bytes('c')])
    assert.ok(compareBytes(last, before) > 0)
    assert.deepEqual(distinct(await take(again, START, upTo(last))), ['a', 'b', 'c'])
  },
}

/**
 * The contract of OrderedLog. Everything else that ordering needs is core's part: run `orderingConformance` on the plugin as well.
 *
 * @example
 * orderedLogConformance({ describe, it }, { name: 'my log', create })
 */
export function orderedLogConformance(api: TestApi, suite: OrderedLogSuite): void {
  const largest = suite.largest ?? 1024 * 1024
  const bodies = Object.entries(tests).map(
    ([name, test]) => [name, (subject: OrderedLogSubject) => test(subject, largest)] as const,
  )
  registerSuite(
    api,
    `ordered log: ${suite.name}`,
    () => suite.create(),
    (subject) => subject.dispose(),
    Object.fromEntries(bodies),
    suite.skips ?? [],
  )
}
