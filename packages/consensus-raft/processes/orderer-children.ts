import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./kill-orderer.ts', import.meta.url))
/** Milliseconds after which an orderer that was told to end is killed. */
const PATIENCE = 20_000

/** The orderer processes of the network under test. */
export class OrdererChildren {
  readonly #file: string
  readonly #ignoreSync: boolean
  readonly #running = new Map<string, { readonly child: ChildProcess; readonly ready: Promise<boolean>; isKilled: boolean }>()
  /** What processes that nobody killed said before they ended. */
  readonly faults: string[] = []

  constructor(file: string, ignoreSync: boolean) {
    this.#file = file
    this.#ignoreSync = ignoreSync
  }

  /** Resolves with true when it serves, with false when it ended before. */
  start(name: string): Promise<boolean> {
    const child = spawn(process.execPath, [PROGRAM, this.#file, name], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, HEDDLE_TEST_IGNORE_SYNC: this.#ignoreSync ? '1' : '' },
    })
    let said = ''
    child.stderr!.on('data', (bytes: Buffer) => {
      said = `${said}${bytes}`.slice(-2000)
    })
    const ready = new Promise<boolean>((resolve) => {
      child.stdout!.once('data', () => resolve(true))
      child.once('exit', () => resolve(false))
    })
    const entry = { child, ready, isKilled: false }
    child.once('exit', (code, signal) => {
      if (!entry.isKilled && code !== 0) this.faults.push(`${name} ended with ${signal ?? code}: ${said.trim()}`)
    })
    this.#running.set(name, entry)
    return ready
  }

  /** Names of those that run. */
  get up(): readonly string[] {
    return [...this.#running]
      .filter(([, { child }]) => child.exitCode === null && child.signalCode === null)
      .map(([name]) => name)
  }

  /** Whether it has begun to serve by now. */
  async isServing(name: string): Promise<boolean> {
    return (await Promise.race([this.#running.get(name)?.ready, Promise.resolve(false)])) === true
  }

  /** SIGKILL; resolves when they are gone. */
  async kill(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map((name) => {
        const entry = this.#running.get(name)!
        entry.isKilled = true
        const gone = new Promise((resolve) => entry.child.once('exit', resolve))
        entry.child.kill('SIGKILL')
        return gone
      }),
    )
  }

  /** Lets all end in peace. */
  async stop(): Promise<void> {
    await Promise.all(
      this.up.map((name) => {
        const { child } = this.#running.get(name)!
        const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
        child.stdin!.end()
        const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
        return gone.finally(() => clearTimeout(timer))
      }),
    )
  }
}
