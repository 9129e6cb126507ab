import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Transport } from '@heddle/core/plugin'
import { CHANNEL, type ClusterPlan, type OrdererOrders } from './cluster-plan.ts'
import { connect } from './connect.ts'
import { packEnvelopes } from './submission-frame.ts'

const PROGRAM = fileURLToPath(new URL('./orderer-process.ts', import.meta.url))
/** An orderer that has not begun to serve after so many milliseconds will not. */
const PATIENCE = 60_000

/** What an orderer tells of itself. */
export interface OrdererState {
  readonly height: number
  readonly consensus: { readonly role: string; readonly leaderNode: string | null; readonly term: number }
}

/** Orderers in processes of their own, and a client in this one. */
export class OrdererCluster {
  readonly plan: ClusterPlan
  readonly names: readonly string[]
  readonly #folder: string
  readonly #disk: OrdererOrders['disk']
  readonly #children = new Map<string, ChildProcess>()
  readonly #client: Transport
  readonly #closeClient: () => Promise<void>

  constructor(plan: ClusterPlan, folder: string, disk: OrdererOrders['disk'] = 'real') {
    this.plan = plan
    this.names = plan.orderers.map(({ name }) => name)
    this.#folder = folder
    this.#disk = disk
    const { transport, pool } = connect(plan, `${plan.client.mspId}/load`, plan.client)
    this.#client = transport
    this.#closeClient = async () => {
      await transport.stop()
      await pool.close()
    }
  }

  async start(): Promise<void> {
    await this.#client.start()
    await Promise.all(this.names.map((name) => this.startOne(name)))
  }

  /** Resolves when it serves. */
  async startOne(name: string): Promise<void> {
    mkdirSync(this.#folder, { recursive: true })
    const file = join(this.#folder, `${name}.json`)
    const orders: OrdererOrders = { plan: this.plan, name, folder: this.#folder, disk: this.#disk }
    writeFileSync(file, JSON.stringify(orders))
    const child = spawn(process.execPath, [...process.execArgv, PROGRAM, file], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#children.set(name, child)
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${name} does not begin to serve`)), PATIENCE)
      child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${signal ?? code}`)))
      child.stdout!.once('data', () => resolve())
      child.once('exit', () => clearTimeout(late))
      child.stdout!.once('data', () => clearTimeout(late))
    })
  }

  /** Kills a process, and waits until it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name)
    this.#children.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  isUp(name: string): boolean {
    const child = this.#children.get(name)
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  get client(): Transport {
    return this.#client
  }

  /** Envelopes to one orderer; resolves when all are ordered, with the highest block number. */
  async submit(
    to: string,
    service: 'port' | 'broadcast',
    envelopes: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<number> {
    const answer = await this.#client.request({ to, service, channel: CHANNEL }, packEnvelopes(envelopes), signal)
    return Buffer.from(answer).readUIntBE(0, 6)
  }

  async state(name: string): Promise<OrdererState> {
    const answer = await this.#client.request(
      { to: name, service: 'status', channel: CHANNEL },
      new Uint8Array(1),
      AbortSignal.timeout(5000),
    )
    return JSON.parse(Buffer.from(answer).toString()) as OrdererState
  }

  /** The orderer that says that it leads; asks again until there is one. */
  async leader(): Promise<string> {
    let last: unknown
    for (const end = performance.now() + PATIENCE; performance.now() < end; ) {
      for (const name of this.names) {
        if (!this.isUp(name)) continue
        try {
          if ((await this.state(name)).consensus.role === 'leader') return name
        } catch (error) {
          last = error
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('the orderers have no leader', { cause: last })
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#children.values()].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            child.once('exit', () => resolve())
            child.stdin!.end()
            setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
          }),
      ),
    )
    await this.#closeClient()
  }
}
