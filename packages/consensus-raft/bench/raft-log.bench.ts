// The write-ahead log with real syncs: one entry at a time, many under way at once, and large batches. Reference: a file that gets the
// same bytes and a datasync for each entry. Both take turns every fifth of a second, since a shared disk has moods.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, manualClock, noMetrics, seededRandom, silentLogger } from '@heddle/core/plugin'
import { fileDisk } from '@heddle/core/testing'
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import type { Entry } from '../src/core/types.ts'
import { RaftLog } from '../src/log/raft-log.ts'

const SMALL = 1024
const LARGE = 128 * 1024
const ROUNDS = 12
const ROUND_MILLISECONDS = 200
const UNDER_WAY = 64
/** Entries between two snapshots, so that the log deletes segments as a node's does. */
const SNAPSHOT_EVERY = 4000

const payload = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7)

/** Writes for some time and tells how long each write took. */
interface Subject {
  run(milliseconds: number): Promise<number[]>
  close(): Promise<void>
}

async function bareFile(disk: Disk, name: string, bytes: number): Promise<Subject> {
  const file = await disk.open(name, { create: true })
  const data = payload(bytes)
  return {
    async run(milliseconds) {
      const times: number[] = []
      for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        const from = performance.now()
        await file.append([data])
        await file.datasync()
        times.push(performance.now() - from)
      }
      return times
    },
    close: () => file.close(),
  }
}

async function logged(disk: Disk, name: string, bytes: number, underWay: number): Promise<Subject & { readonly log: RaftLog }> {
  const environment = { disk, clock: manualClock(), random: seededRandom(name), logger: silentLogger, metrics: noMetrics }
  const log = await RaftLog.open({ environment, folder: name, owner: 'bench' })
  await log.create({ channel: 'main', genesis: payload(32), member: 1, incarnation: 1 })
  const data = payload(bytes)
  const membership = { voters: [1], outgoing: [], learners: [] }
  let index = 0
  return {
    log,
    async run(milliseconds) {
      const times: number[] = []
      const end = performance.now() + milliseconds
      const worker = async (): Promise<void> => {
        while (performance.now() < end) {
          const entry: Entry = { index: ++index, term: 1, kind: 'normal', payload: data, membership: undefined }
          const from = performance.now()
          const done = [log.append('main', { entries: [entry] })]
          if (index % SNAPSHOT_EVERY === 0)
            done.push(log.compact('main', { index, term: 1, membership, data: new Uint8Array(8) }))
          await Promise.all(done)
          times.push(performance.now() - from)
        }
      }
      await Promise.all(Array.from({ length: underWay }, worker))
      return times
    },
    close: () => log.close(),
  }
}

/** Operations a second and the time of each, of two that take turns. */
async function turns(subject: Subject, reference: Subject) {
  const times: [number[], number[]] = [[], []]
  const spent: [number, number] = [0, 0]
  for (let round = 0; round < ROUNDS; round++)
    for (const [which, each] of [subject, reference].entries()) {
      const started = performance.now()
      times[which]!.push(...(await each.run(ROUND_MILLISECONDS)))
      spent[which]! += performance.now() - started
    }
  await subject.close()
  await reference.close()
  const rate = (which: number): number => times[which]!.length / (spent[which]! / 1000)
  return { rate: rate(0), referenceRate: rate(1), times: times[0], referenceTimes: times[1] }
}

await runBenchmark('raft-log', async (say) => {
  const root = await mkdtemp(join(tmpdir(), 'heddle-raft-log-'))
  try {
    const disk = fileDisk(root)
    say('one entry of 1 kB at a time')
    const one = await turns(await logged(disk, 'one', SMALL, 1), await bareFile(disk, 'bare-one', SMALL))
    say(`entries of 1 kB, ${UNDER_WAY} under way`)
    const log = await logged(disk, 'many', SMALL, UNDER_WAY)
    const many = await turns(log, await bareFile(disk, 'bare-many', SMALL))
    say('entries of 128 kB, 8 under way')
    const large = await turns(await logged(disk, 'large', LARGE, 8), await bareFile(disk, 'bare-large', LARGE))
    const mebibytes = (rate: number): number => (rate * LARGE) / 2 ** 20
    const bare = 'a file that gets a datasync for each kB'
    return [
      row(
        'throughput',
        'entries/s',
        many.rate,
        { name: bare, value: many.referenceRate },
        {
          fsyncs: log.log.status().syncs / many.times.length,
          bytes: SMALL,
        },
      ),
      row('throughput-single', 'entries/s', one.rate, { name: bare, value: one.referenceRate }),
      row('throughput-large', 'MiB/s', mebibytes(large.rate), {
        name: 'a file that gets a datasync for each 128 kB',
        value: mebibytes(large.referenceRate),
      }),
      row('p50-single', 'ms', percentile(one.times, 0.5), { name: bare, value: percentile(one.referenceTimes, 0.5) }),
      row('p99-single', 'ms', percentile(one.times, 0.99), { name: bare, value: percentile(one.referenceTimes, 0.99) }),
    ]
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})
