import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SeedOrder, SeedReport } from './protocol.ts'

/** Real milliseconds after which a seed is taken to hang: hundreds of times what one takes, on a machine that has others to serve. */
const HANG = 600_000
/** Seeds between two that are run twice. */
const SAMPLE = 50

export interface CrewOptions {
  /** Of the subject, as `loadSubject` takes it. */
  readonly subject: string
  readonly jobs: number
  readonly execArgv?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Runs concentrated plans. Default false. */
  readonly concentrated?: boolean
  /** Runs a sample of the seeds twice. Default true. */
  readonly sample?: boolean
}

/**
 * Runs seeds in child processes, each as soon as one is free. Stops when `report` gives false, or when all ran.
 *
 * @throws Error when a child cannot begin
 */
export async function runSeeds(
  seeds: Iterable<number>,
  { subject, jobs, execArgv = [], env = process.env, sample = true, concentrated = false }: CrewOptions,
  report: (report: SeedReport) => boolean,
): Promise<void> {
  const left = seeds[Symbol.iterator]()
  let stopped = false
  const worker = async (): Promise<void> => {
    let child = await begin(subject, execArgv, env)
    try {
      for (let next = left.next(); next.done !== true && !stopped; next = left.next()) {
        const seed = next.value
        const result = await ask(child, {
          seed,
          twice: sample && seed % SAMPLE === 0,
          concentrated,
        })
        if (!report(typeof result === 'string' ? ended(seed, result) : result)) stopped = true
        if (typeof result === 'string') {
          child.kill('SIGKILL')
          if (!stopped) child = await begin(subject, execArgv, env)
        }
      }
    } finally {
      child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

function begin(subject: string, execArgv: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./child.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    // Garbage is short-lived: a large young generation keeps it from being copied.
    const child = fork(file, [subject], {
      execArgv: ['--max-semi-space-size=64', ...execArgv],
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let errors = ''
    child.stderr!.on('data', (text) => {
      errors = (errors + text).slice(-4_000)
    })
    child.once('message', () => resolve(child))
    child.once('exit', (code, signal) => reject(new Error(`a child ended with ${code ?? signal} before it began\n${errors}`)))
  })
}

/** The report, or why there is none. */
function ask(child: ChildProcess, order: SeedOrder): Promise<SeedReport | string> {
  return new Promise((resolve) => {
    let errors = ''
    const hear = (text: unknown): void => {
      errors = (errors + text).slice(-4_000)
    }
    const end = (report: SeedReport | string): void => {
      clearTimeout(timer)
      child.off('message', end)
      child.off('exit', gone)
      child.stderr!.off('data', hear)
      resolve(report)
    }
    const gone = (code: number | null, signal: string | null): void => end(`the process ended with ${code ?? signal}: ${errors}`)
    const timer = setTimeout(() => end(`the seed did not end within ${HANG / 1000} s`), HANG)
    child.stderr!.on('data', hear)
    child.once('message', end)
    child.once('exit', gone)
    child.send(order)
  })
}

function ended(seed: number, message: string): SeedReport {
  return { seed, violations: [{ checker: 'hang', message, time: 0 }], counts: {}, digest: '', events: 0, time: 0 }
}
