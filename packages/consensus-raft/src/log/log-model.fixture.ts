import type { Disk, DiskFile } from '@heddle/core/plugin'
import { DiskError, seededRandom } from '@heddle/core/plugin'
import { type FaultyDisk, faultyDisk } from '@heddle/testkit'
import type { Entry, HardState, Snapshot } from '../core/types.ts'
import { entries, GENESIS, hard, identityOf, openLog, plain, plainEntry, snapshotAt } from './log.fixture.ts'
import type { RaftLog } from './raft-log.ts'

/** A step that a node may ask of its log. Numbers are turned into what fits the state when the step is made. */
export type Step =
  | { readonly do: 'append'; readonly channel: string; readonly back: number; readonly count: number; readonly bytes: number }
  | { readonly do: 'vote' | 'commit'; readonly channel: string }
  | { readonly do: 'compact' | 'install'; readonly channel: string; readonly by: number }
  | { readonly do: 'remove'; readonly channel: string }

interface Model {
  readonly hardState: HardState | undefined
  readonly snapshot: Snapshot | undefined
  readonly entries: readonly Entry[]
}

/** The channels as plain lists: what the log has to hold after each step. */
export type Models = ReadonlyMap<string, Model>

const lastOf = ({ entries, snapshot }: Model): number => entries.at(-1)?.index ?? snapshot?.index ?? 0
const baseOf = ({ snapshot }: Model): number => snapshot?.index ?? 0

/** Makes a step on the log and returns the models after it; `undefined` when it makes no sense. */
export function makeStep(
  log: RaftLog,
  models: Models,
  step: Step,
): { readonly models: Models; readonly done: Promise<void> } | undefined {
  const { channel } = step
  const old = models.get(channel)
  const next = (model: Model | undefined, done: Promise<void>) => {
    const changed = new Map(models)
    if (model === undefined) changed.delete(channel)
    else changed.set(channel, model)
    return { models: changed, done }
  }
  if (old === undefined) {
    return next({ hardState: undefined, snapshot: undefined, entries: [] }, log.create(identityOf(channel)))
  }
  const { term = 1, vote = 0, commit = 0 } = old.hardState ?? {}
  switch (step.do) {
    case 'append': {
      const first = Math.max(lastOf(old) + 1 - step.back, baseOf(old) + 1, commit + 1)
      const newTerm = first <= lastOf(old) ? term + 1 : term
      const added = entries(first, first + step.count, newTerm, step.bytes)
      const hardState = newTerm === old.hardState?.term ? undefined : hard(newTerm, 0, commit)
      const kept = old.entries.filter(({ index }) => index < first)
      return next(
        { ...old, hardState: hardState ?? old.hardState, entries: [...kept, ...added] },
        log.append(channel, { hardState, entries: added }),
      )
    }
    case 'vote': {
      const hardState = hard(term + 1, ((vote + 1) % 3) + 1, commit)
      return next({ ...old, hardState }, log.append(channel, { hardState }))
    }
    case 'commit': {
      const hardState = hard(term, vote, lastOf(old))
      return next({ ...old, hardState }, log.append(channel, { hardState }))
    }
    case 'compact': {
      const kept = old.entries.slice(step.by)
      const at = old.entries[Math.min(step.by, old.entries.length) - 1]
      if (at === undefined) return undefined
      const snapshot = snapshotAt(at.index, at.term)
      return next({ ...old, snapshot, entries: kept }, log.compact(channel, snapshot))
    }
    case 'install': {
      const snapshot = snapshotAt(lastOf(old) + step.by, term)
      return next({ ...old, snapshot, entries: [] }, log.append(channel, { snapshot }))
    }
    case 'remove':
      return next(undefined, log.remove(channel))
  }
}

/** What a log holds, in a form that can be compared. Hands out every channel. */
export function held(log: RaftLog): string {
  return asText(
    new Map(
      log.channels.map((channel) => {
        const { hardState, snapshot, entries } = log.stored(channel, GENESIS)!
        return [channel, { hardState, snapshot, entries }]
      }),
    ),
  )
}

export function asText(models: Models): string {
  const channels = [...models].sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(
    channels.map(([channel, { hardState, snapshot, entries }]) => [channel, hardState, plain(snapshot), entries.map(plainEntry)]),
  )
}

/** Power fails at the n-th operation that changes the disk: it and all later ones are refused. */
export function dyingDisk(disk: FaultyDisk, operations: number): { readonly disk: Disk; readonly used: () => number } {
  let used = 0
  const step = (path: string): void => {
    if (++used > operations) throw new DiskError('DISK_FAILED', 'the machine is dead', { path })
  }
  const guarded = (file: DiskFile, path: string): DiskFile => ({
    get size() {
      return file.size
    },
    append(chunks) {
      step(path)
      return file.append(chunks)
    },
    read: (offset, length) => file.read(offset, length),
    async truncate(size) {
      step(path)
      await file.truncate(size)
    },
    async datasync() {
      step(path)
      await file.datasync()
    },
    close: () => file.close(),
  })
  const mounted: Disk = {
    async open(path, options) {
      if (options?.create === true) step(path)
      return guarded(await disk.open(path, options), path)
    },
    exists: (path) => disk.exists(path),
    list: (folder) => disk.list(folder),
    async rename(from, to) {
      step(from)
      await disk.rename(from, to)
    },
    async remove(path) {
      step(path)
      await disk.remove(path)
    },
    makeFolder: (path) => disk.makeFolder(path),
    async syncFolder(path) {
      step(path)
      await disk.syncFolder(path)
    },
    lock: (folder) => disk.lock(folder),
    realPath: () => undefined,
  }
  return { disk: mounted, used: () => used }
}

/**
 * Makes steps, several at once, until the disk dies, then opens the log again. Whatever the crash left: the log holds what it held after
 * some step, and not one before the last that it acknowledged. Returns the operations that the disk was asked for.
 */
export async function crashAndCompare(
  steps: readonly Step[],
  options: { readonly seed: string; readonly operations: number; readonly segmentBytes: number; readonly together: number },
): Promise<number> {
  const { seed, operations, segmentBytes, together } = options
  const random = seededRandom(seed)
  const faulty = faultyDisk({ random: random.fork('disk') })
  const { disk, used } = dyingDisk(faulty, operations)
  /** After each step; the first is the empty log. */
  const history: Models[] = [new Map()]
  let acknowledged = 0
  try {
    const log = await openLog(disk, { segmentBytes, random: random.fork('log') })
    for (let i = 0; i < steps.length; ) {
      const running: Promise<void>[] = []
      for (const end = Math.min(steps.length, i + together); i < end; i++) {
        const step = steps[i]!
        const made = makeStep(log, history.at(-1)!, step)
        if (made === undefined) continue
        history.push(made.models)
        const number = history.length - 1
        // The commit index may get lost.
        const isPromise = step.do !== 'commit'
        const told = (): void => {
          if (isPromise) acknowledged = Math.max(acknowledged, number)
        }
        running.push(made.done.then(told))
      }
      const failed = (await Promise.allSettled(running)).find(({ status }) => status === 'rejected')
      if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
    }
    await log.close()
    acknowledged = history.length - 1
  } catch (error) {
    if (used() <= operations) throw error
  }
  faulty.crash()
  const log = await openLog(faulty, { segmentBytes, random: random.fork('again') })
  const found = held(log)
  const allowed = history.slice(acknowledged).map(asText)
  if (!allowed.includes(found)) {
    const at = history.map(asText).indexOf(found)
    const what = at < 0 ? 'what it never held' : `what it held after step ${at}`
    throw new Error(
      `after a crash at operation ${operations} the log holds ${what}, and acknowledged step ${acknowledged}: ${found}`,
    )
  }
  // It goes on from there.
  const models = history[acknowledged + allowed.indexOf(found)]!
  const more = makeStep(log, models, { do: 'append', channel: 'a', back: 1, count: 2, bytes: 30 })!
  await more.done
  await log.close()
  const third = await openLog(faulty, { segmentBytes, random: random.fork('third') })
  if (held(third) !== asText(more.models)) throw new Error('the log did not go on after the crash')
  await third.close()
  return used()
}
