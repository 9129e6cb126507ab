import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DiskError } from './errors.ts'

const LOCK_FILE = 'LOCK.heddle'

interface Holder {
  readonly pid: number
  readonly host: string
  /** Start of the process and of the machine, where the system tells: a process id alone comes again. */
  readonly started: string
  readonly boot: string
  readonly token: string
}

// One registry for all copies of this package in the process: a lock of our own process is judged by it, not by the process id.
const OWN = Symbol.for('@heddle/core/1/folder-locks')
const shared = globalThis as { [OWN]?: Set<string> }
shared[OWN] ??= new Set<string>()
const own: Set<string> = shared[OWN]

/**
 * Takes a folder for this process by a file that is made exclusively. Node has no flock, so a lock that a killed process left behind is
 * recognised: by process id, start time of the process, and boot of the machine.
 */
export async function takeLock(folder: string): Promise<{ release(): Promise<void> }> {
  const file = join(await realpath(folder), LOCK_FILE)
  if (own.has(file)) throw locked(folder, 'this process')
  own.add(file)
  const mine: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid), boot: boot(), token: randomUUID() }
  const draft = `${file}.${mine.token}`
  try {
    await writeFile(draft, JSON.stringify(mine))
    // A second try, after a stale lock was moved away; whoever loses that race meets the winner's lock.
    for (let attempt = 0; ; attempt++) {
      try {
        await link(draft, file)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = await readHolder(file)
      if (holder !== undefined && isAlive(holder)) throw locked(folder, `process ${holder.pid} on ${holder.host}`, file)
      if (attempt === 3) throw locked(folder, 'someone who is starting as well', file)
      await moveAway(file, holder, mine.token)
    }
  } catch (error) {
    own.delete(file)
    throw error
  } finally {
    await rm(draft, { force: true })
  }
  return {
    release: async () => {
      if (!own.delete(file)) return
      if ((await readHolder(file))?.token === mine.token) await rm(file, { force: true })
    },
  }
}

/** Removes a stale lock, unless somebody replaced it in the meantime: then it is put back. */
async function moveAway(file: string, stale: Holder | undefined, token: string): Promise<void> {
  const aside = `${file}.${token}.stale`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = await readHolder(aside)
  if (moved?.token !== stale?.token) await link(aside, file).catch(() => {})
  await rm(aside, { force: true })
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder>
    return typeof holder.pid === 'number' && typeof holder.token === 'string' ? (holder as Holder) : undefined
  } catch {
    // Gone, or torn by a crash of the machine.
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  // A process on another machine cannot be asked: take its word.
  if (holder.host !== hostname()) return true
  if (holder.boot !== boot()) return false
  // Our own process holds no lock on this file, so this is a namesake from before.
  if (holder.pid === process.pid) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.started === '' || startOf(holder.pid) === holder.started
}

/** Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22); '' where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function boot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function locked(folder: string, holder: string, file?: string): DiskError {
  const hint = file === undefined ? '' : `; if that process is surely gone, remove ${file}`
  return new DiskError('DISK_LOCKED', `the data folder ${folder} is in use by ${holder}${hint}`, { folder, holder })
}
