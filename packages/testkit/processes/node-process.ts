import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, Asked, PeerState } from './questions.ts'

/** A process that is silent for so long, in milliseconds, hangs. */
const PATIENCE = 60_000

/** Nodes of a network in a process of their own, which can be killed and started again. */
export class NodeProcess {
  readonly nodes: readonly string[]
  /** Path of the configuration file. */
  config: string
  private child: ChildProcess | undefined
  private exited: Promise<void> = Promise.resolve()
  private readonly waiting = new Map<number, PromiseWithResolvers<Answer>>()
  private ids = 0

  constructor(config: string, nodes: readonly string[]) {
    this.config = config
    this.nodes = nodes
  }

  get name(): string {
    return this.nodes.join(' and ')
  }

  /** Resolves when its nodes run. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./node.ts', import.meta.url)), this.config, ...this.nodes], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.child = child
    child.stdin.on('error', () => {})
    this.exited = new Promise((resolve) =>
      child.once('exit', () => {
        for (const { reject } of this.waiting.values()) reject(new Error(`${this.name} is gone`))
        this.waiting.clear()
        resolve()
      }),
    )
    const started = this.expect(0)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      const waiting = this.waiting.get(answer.id)
      this.waiting.delete(answer.id)
      if (answer.error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(`${this.name}: ${answer.error}`))
    })
    await started
  }

  /** SIGKILL: nothing is said or written any more. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.exited
    this.child = undefined
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    if (this.child === undefined) return
    await this.ask({ ask: 'stop' })
    this.child.stdin?.end()
    await this.exited
    this.child = undefined
  }

  async state(channel: string): Promise<PeerState> {
    return (await this.ask({ ask: 'state', channel })).state!
  }

  async orderedHeight(channel: string): Promise<number> {
    return (await this.ask({ ask: 'heights', channel })).heights![0]!
  }

  async reach(channel: string, height: number): Promise<void> {
    await this.ask({ ask: 'reach', channel, height })
  }

  private ask(question: Asked): Promise<Answer> {
    const id = ++this.ids
    const answer = this.expect(id)
    this.child?.stdin?.write(`${JSON.stringify({ ...question, id })}\n`)
    return answer
  }

  private expect(id: number): Promise<Answer> {
    const waiting = Promise.withResolvers<Answer>()
    this.waiting.set(id, waiting)
    const hang = setTimeout(() => waiting.reject(new Error(`${this.name} said nothing for ${PATIENCE} ms`)), PATIENCE)
    return waiting.promise.finally(() => clearTimeout(hang))
  }
}
