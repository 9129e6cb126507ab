import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ChildOrders, ReportLine } from './report-line.ts'

/** When a process is killed. */
export type Death =
  /** Milliseconds after it was started: while it starts and recovers. */
  | { readonly after: 'spawn'; readonly delay: number }
  /** Milliseconds after its first acknowledgement: under load. */
  | { readonly after: 'acknowledgement'; readonly delay: number }
  /** Not at all: it ends by itself. */
  | { readonly after: 'never' }

export interface Life {
  readonly killed: boolean
  /** It told all that it found at its start. */
  readonly examined: boolean
  /** Why it ended by itself, other than as ordered. */
  readonly fault: { readonly code: string; readonly message: string } | undefined
  /** Milliseconds from spawn to the end of the examination. */
  readonly startUp: number | undefined
  /** Codes of steps that failed, with their number. */
  readonly refused: ReadonlyMap<string, number>
}

/** A process that is silent for so long, in milliseconds, hangs. */
const PATIENCE = 60_000

/** Runs the network in a process of its own until it is killed or ends; hands each of its lines to `hear`, in order. */
export function live(orders: ChildOrders, death: Death, hear: (line: ReportLine) => void): Promise<Life> {
  const started = performance.now()
  const child = spawn(process.execPath, [fileURLToPath(new URL('./child.ts', import.meta.url)), JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const refused = new Map<string, number>()
  let examined = false
  let killed = false
  let startUp: number | undefined
  let fault: Life['fault']
  let timer: NodeJS.Timeout | undefined
  const kill = (): void => {
    killed = child.kill('SIGKILL')
  }
  const hang = setTimeout(() => {
    fault = { code: 'HANGS', message: `no sign of life for ${PATIENCE} ms` }
    child.kill('SIGKILL')
  }, PATIENCE)
  if (death.after === 'spawn') timer = setTimeout(kill, death.delay)

  const take = (line: ReportLine): void => {
    hang.refresh()
    if (line[0] === 'examined') {
      examined = true
      startUp = performance.now() - started
    } else if (line[0] === 'ordered' || line[0] === 'committed') {
      if (death.after === 'acknowledgement') timer ??= setTimeout(kill, death.delay)
    } else if (line[0] === 'refused') refused.set(line[1], (refused.get(line[1]) ?? 0) + 1)
    else if (line[0] === 'fault') fault = { code: line[1], message: line[2] }
    hear(line)
  }
  readLines(child, take)
  let complaint = ''
  child.stderr?.on('data', (bytes: Buffer) => {
    complaint = `${complaint}${bytes.toString()}`.slice(-2000)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    // Not `exit`: what it told must have been read.
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      clearTimeout(hang)
      if (!killed && fault === undefined && code !== 0) {
        fault = { code: 'ENDED', message: `ended with ${signal ?? code} ${complaint}` }
      }
      resolve({ killed, examined, fault, startUp, refused })
    })
  })
}

/** Whole lines only: the last one may have been cut by the kill. */
function readLines(child: ChildProcess, take: (line: ReportLine) => void): void {
  let rest = ''
  child.stdout?.setEncoding('utf8')
  child.stdout?.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(JSON.parse(line) as ReportLine)
  })
}
