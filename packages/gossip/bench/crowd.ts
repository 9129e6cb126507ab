import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { percentile } from '@heddle/testkit/benchmark'
import { type Participant, type Start, sharedNow, startParticipant } from './participant.ts'

interface Member {
  readonly address: string
  mesh(): Promise<number>
  publish(bytes: number): Promise<{ number: number; at: number }>
  counts(): Promise<{ received: number; duplicates: number }>
  stop(): Promise<void>
}

/** Times and copies of blocks of one size. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  /** Messages that came over messages that were needed. */
  readonly sentOverNeeded: number
}

/** Peers of one kind, in processes or in this one, and what time blocks took to all of them. */
export class Crowd {
  private readonly members: Member[] = []
  private readonly arrivals = new Map<number, { count: number; last: number; all: (last: number) => void }>()

  static async start(kind: Start['kind'], peers: number, where: 'processes' | 'in-process'): Promise<Crowd> {
    const crowd = new Crowd()
    const addresses: string[] = []
    for (let index = 0; index < peers; index++) {
      // Everybody dials some who came before; the same for both kinds.
      const dial = addresses.filter((_, j) => peers <= 12 || (index * 7 + j * 13) % index < 8)
      const start: Start = { kind, index, transport: where === 'processes' ? 'tcp' : 'memory', dial }
      const arrived = (number: number, at: number): void => crowd.arrived(index, number, at)
      const member = where === 'processes' ? await inProcess(start, arrived) : local(await startParticipant(start, arrived))
      crowd.members.push(member)
      addresses.push(member.address)
    }
    const wanted = Math.min(peers - 1, 4)
    const end = performance.now() + 60_000
    for (;;) {
      const meshes = await Promise.all(crowd.members.map((member) => member.mesh()))
      if (meshes.every((mesh) => mesh >= wanted)) break
      if (performance.now() > end) throw new Error(`no mesh within a minute: ${meshes.join(', ')}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return crowd
  }

  /** One block after the other, each when all have the one before. */
  async spread(bytes: number, blocks: number): Promise<Spread> {
    const times: number[] = []
    await this.one(bytes)
    const before = await this.counts()
    for (let i = 0; i < blocks; i++) times.push(await this.one(bytes))
    const after = await this.counts()
    const received = after.received - before.received
    const duplicates = after.duplicates - before.duplicates
    return {
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      sentOverNeeded: (received + duplicates) / Math.max(1, received),
    }
  }

  /** Blocks a second that all get, when they come without a pause. */
  async throughput(bytes: number, blocks: number): Promise<number> {
    const started = sharedNow()
    const waits: Promise<number>[] = []
    for (let i = 0; i < blocks; i++) {
      const { number } = await this.members[0]!.publish(bytes)
      waits.push(this.all(number))
      // A leader has so many under way; more would only measure buffers.
      if (waits.length >= 32) await waits[waits.length - 32]
    }
    const last = Math.max(...(await Promise.all(waits)))
    return (blocks / (last - started)) * 1000
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()))
  }

  private async one(bytes: number): Promise<number> {
    const { number, at } = await this.members[0]!.publish(bytes)
    return (await this.all(number)) - at
  }

  private all(number: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`block ${number} did not reach all within a minute`)), 60_000)
      const entry = this.entry(number)
      entry.all = (last) => {
        clearTimeout(timer)
        this.arrivals.delete(number)
        resolve(last)
      }
      if (entry.count === this.members.length - 1) entry.all(entry.last)
    })
  }

  private arrived(index: number, number: number, at: number): void {
    if (index === 0) return
    const entry = this.entry(number)
    entry.count++
    entry.last = Math.max(entry.last, at)
    if (entry.count === this.members.length - 1) entry.all(entry.last)
  }

  private entry(number: number): { count: number; last: number; all: (last: number) => void } {
    const known = this.arrivals.get(number)
    if (known !== undefined) return known
    const entry = { count: 0, last: 0, all: () => {} }
    this.arrivals.set(number, entry)
    return entry
  }

  private async counts(): Promise<{ received: number; duplicates: number }> {
    // What is still under way when the last peer has the block are copies.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const all = await Promise.all(this.members.slice(1).map((member) => member.counts()))
    return {
      received: all.reduce((sum, { received }) => sum + received, 0),
      duplicates: all.reduce((sum, { duplicates }) => sum + duplicates, 0),
    }
  }
}

function local(peer: Participant): Member {
  return {
    address: peer.address,
    mesh: async () => peer.mesh(),
    publish: (bytes) => peer.publish(bytes),
    counts: async () => peer.counts(),
    stop: () => peer.stop(),
  }
}

async function inProcess(start: Start, arrived: (number: number, at: number) => void): Promise<Member> {
  const child: ChildProcess = fork(fileURLToPath(new URL('peer-process.ts', import.meta.url)))
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>()
  let ids = 0
  child.on('message', (message: { id?: number; answer?: never; error?: string; arrived?: number; at?: number }) => {
    if (message.arrived !== undefined) return arrived(message.arrived, message.at!)
    const asked = waiting.get(message.id!)
    waiting.delete(message.id!)
    if (message.error === undefined) asked?.resolve(message.answer!)
    else asked?.reject(new Error(message.error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the process of a peer ended'))
  })
  const ask = <T>(command: object): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const id = ++ids
      waiting.set(id, { resolve: resolve as never, reject })
      child.send({ ...command, id })
    })
  const { address } = await ask<{ address: string }>({ do: 'start', start })
  return {
    address,
    mesh: async () => (await ask<{ mesh: number }>({ do: 'mesh' })).mesh,
    publish: (bytes) => ask({ do: 'publish', bytes }),
    counts: () => ask({ do: 'counts' }),
    async stop() {
      await ask({ do: 'stop' }).catch(() => {})
      child.disconnect()
      child.kill()
    },
  }
}
