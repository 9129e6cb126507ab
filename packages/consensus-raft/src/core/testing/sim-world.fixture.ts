import { allMembers, isJoint, NO_MEMBERS } from '../membership.ts'
import { majority } from '../quorum.ts'
import type { MemberId, Membership, Message, Persist, RaftOptions, Snapshot } from '../types.ts'
import { Checkers } from './sim-checkers.fixture.ts'
import { type Block, diskHas, emptyDisk, Machine, writeBatch } from './sim-machine.fixture.ts'

/** Random numbers from [0, 1), the same for the same seed (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Faults, drawn anew for each seed so that seeds differ in kind (swarm testing). */
export interface Faults {
  loss: number
  doubled: number
  maxDelay: number
  diskDelay: number
  garbage: number
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export interface Coverage {
  elections: number
  leaders: number
  truncations: number
  installs: number
  changes: number
  joint: number
  crashes: number
  unsyncedLost: number
  wipes: number
  partitions: number
  reads: number
  transfers: number
  blocks: number
  messages: number
  dropped: number
  disowned: number
  stillborn: number
}

export const noCoverage = (): Coverage => ({
  elections: 0,
  leaders: 0,
  truncations: 0,
  installs: 0,
  changes: 0,
  joint: 0,
  crashes: 0,
  unsyncedLost: 0,
  wipes: 0,
  partitions: 0,
  reads: 0,
  transfers: 0,
  blocks: 0,
  messages: 0,
  dropped: 0,
  disowned: 0,
  stillborn: 0,
})

/** Ids of a machine: its number and how often it has lost its disk. */
export const idOf = (machine: number, generation: number): MemberId => machine * 1000 + generation

const numberOf = (id: MemberId): number => Math.floor(id / 1000)

/** Machines, a network and disks in virtual time, on one seed. */
export class World {
  readonly random: () => number
  readonly machines: Machine[] = []
  readonly check = new Checkers()
  readonly coverage: Coverage
  readonly faults: Faults
  now = 0
  #heap: Event[] = []
  #order = 0
  #stuck = 0
  readonly #cut = new Set<string>()
  readonly #options: Partial<RaftOptions>
  readonly #reads = new Map<number, { asked: number; machine: number }>()
  #nextRead = 1
  #proposals = 0
  constructor(seed: number, options: Partial<RaftOptions>, faults: Faults, coverage: Coverage) {
    this.random = seeded(seed)
    this.#options = options
    this.faults = faults
    this.coverage = coverage
  }

  int(below: number): number {
    return Math.floor(this.random() * below)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.int(list.length)]
  }

  at(time: number, run: () => void): void {
    const event: Event = { at: Math.max(time, this.now), order: this.#order++, run }
    const heap = this.#heap
    let i = heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (this.#before(heap[parent]!, event)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = event
  }

  #before(a: Event, b: Event): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  runUntil(time: number): void {
    const heap = this.#heap
    while (heap.length > 0 && heap[0]!.at <= time) {
      const event = heap[0]!
      const last = heap.pop()!
      if (heap.length > 0) {
        let i = 0
        for (;;) {
          let child = 2 * i + 1
          if (child >= heap.length) break
          if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++
          if (this.#before(last, heap[child]!)) break
          heap[i] = heap[child]!
          i = child
        }
        heap[i] = last
      }
      if (event.at > this.now) this.#stuck = 0
      else if (++this.#stuck > 100_000) this.check.fail('time', `stands still at ${event.at}`)
      this.now = event.at
      event.run()
    }
    this.now = time
  }

  addMachine(founders: Membership | undefined, generation: number, founding: 'assured' | 'survey'): Machine {
    const number = this.machines.length + 1
    const machine = new Machine(number, emptyDisk(idOf(number, generation), 1 + this.int(1e9), founders))
    machine.disk.founding = founding
    this.machines.push(machine)
    return machine
  }

  start(machine: Machine): void {
    machine.boot(this.#options, this.random, this.now)
    this.pump(machine)
  }

  /** Power loss: what was not synced survives in part, in order. */
  crash(machine: Machine): void {
    if (machine.core === undefined) return
    machine.core = undefined
    this.coverage.crashes++
    const survive = this.int(machine.writing.length + 1)
    for (let i = 0; i < survive; i++) writeBatch(machine.disk, machine.writing[i]!)
    const torn = machine.writing[survive]
    if (torn !== undefined) {
      this.coverage.unsyncedLost++
      const how = this.int(3)
      if (how > 0 && torn.snapshot === undefined) writeBatch(machine.disk, torn, how === 1 ? 'entries' : 'half')
    }
    machine.writing = []
    machine.life++
  }

  /** Does something to a machine's core and carries out what comes of it. */
  with(machine: Machine, act: (now: number) => void): void {
    if (machine.core === undefined) return
    act(this.now + machine.clockOffset)
    this.pump(machine)
  }

  pump(machine: Machine): void {
    for (;;) {
      const { core, life } = machine
      if (core === undefined) return
      const effects = core.take(this.now + machine.clockOffset)
      this.check.commitMoved(machine, this.machines)
      if (effects === undefined) break
      this.check.termShown(machine)
      if (effects.role !== undefined && effects.role.role === 'leader') {
        this.coverage.leaders++
        this.check.leads(machine)
      }
      if (effects.role?.role === 'candidate') this.coverage.elections++
      for (const message of effects.messages) {
        this.check.sends(machine, message)
        this.#transmit(message)
      }
      if (effects.persist !== undefined) this.#write(machine, effects.persist)
      if (effects.committed.length > 0) {
        this.check.handedOut(core.id, effects.committed, machine.disk)
        const last = effects.committed.at(-1)!.index
        const blocks = effects.committed
          .filter(({ payload }) => payload.length > 0)
          .map(({ index, term, payload }) => ({ index, term, text: new TextDecoder().decode(payload) }))
        machine.applyFreeAt = Math.max(machine.applyFreeAt, this.now) + this.random() * this.faults.diskDelay
        this.at(machine.applyFreeAt, () => this.#apply(machine, life, blocks, last))
      }
      if (effects.install !== undefined) this.#install(machine, life, effects.install)
      for (const { context, index } of effects.reads) {
        const read = this.#reads.get(context)
        if (read === undefined) continue
        this.coverage.reads++
        this.check.read(core.id, index, read.asked)
      }
      if (effects.disowned) {
        this.coverage.disowned++
        this.loseDisk(machine)
        return
      }
    }
    this.#arm(machine)
  }

  #arm(machine: Machine): void {
    const { life } = machine
    const deadline = machine.core!.deadline - machine.clockOffset
    if (deadline >= machine.timerAt) return
    machine.timerAt = deadline
    this.at(deadline, () => {
      if (machine.life !== life || machine.core === undefined || machine.timerAt !== deadline) return
      machine.timerAt = Number.POSITIVE_INFINITY
      this.with(machine, (now) => machine.core!.tick(now))
    })
  }

  /** The clock of a machine jumps; its driver's timers are of the monotonic kind and go off as they were set. */
  jump(machine: Machine, by: number): void {
    machine.clockOffset += by
    this.with(machine, (now) => machine.core!.tick(now))
  }

  #write(machine: Machine, batch: Persist): void {
    const { life } = machine
    if (batch.entries.length > 0 && machine.disk.entries.length > 0) {
      const last = machine.writing.at(-1)?.entries.at(-1)?.index ?? machine.disk.entries.at(-1)!.index
      if (batch.entries[0]!.index <= last) this.coverage.truncations++
    }
    machine.writing.push(batch)
    machine.diskFreeAt = Math.max(machine.diskFreeAt, this.now + this.random() * this.faults.diskDelay)
    this.at(machine.diskFreeAt, () => {
      if (machine.life !== life) return
      // Group commit: everything written so far may become durable with it.
      const count = 1 + this.int(machine.writing.length)
      const batches = machine.writing.splice(0, machine.writing.length > 0 ? count : 0)
      if (batches.length === 0) return
      for (const each of batches) writeBatch(machine.disk, each)
      this.with(machine, (now) => machine.core!.persisted(batches.at(-1)!.sequence, now))
    })
  }

  #apply(machine: Machine, life: number, blocks: readonly Block[], last: number): void {
    if (machine.life !== life) return
    for (const block of blocks) {
      if (block.index <= (machine.disk.blocks.at(-1)?.index ?? 0)) continue
      machine.disk.blocks.push(block)
      this.coverage.blocks++
      this.check.applied(machine.disk.id, machine.disk.blocks, machine.disk.blocks.length - 1)
    }
    this.with(machine, () => machine.core!.applied(last))
  }

  /** Pulls blocks from whoever has them, then tells the core. */
  #install(machine: Machine, life: number, snapshot: Snapshot): void {
    this.at(this.now + this.random() * 200, () => {
      if (machine.life !== life || machine.core === undefined) return
      const wanted = new DataView(snapshot.data.buffer).getUint32(0)
      const sources = this.machines.filter(
        (other) => other.core !== undefined && other.disk.blocks.length >= wanted && this.#connected(machine, other),
      )
      const source = this.pick(sources)
      if (source === undefined) {
        machine.core.installFailed(snapshot.index)
        return
      }
      for (let i = machine.disk.blocks.length; i < wanted; i++) {
        machine.disk.blocks.push(source.disk.blocks[i]!)
        this.check.applied(machine.disk.id, machine.disk.blocks, i)
      }
      this.coverage.installs++
      this.with(machine, (now) => machine.core!.installed(snapshot.index, now))
    })
  }

  compact(machine: Machine): void {
    const { core, disk } = machine
    if (core === undefined) return
    const { applied, firstIndex } = core.status
    // As much as the block store holds durably; entries after it must be applied again after a crash.
    const index = Math.min(applied, disk.blocks.at(-1)?.index ?? 0)
    if (index < firstIndex + 2 || index <= (disk.snapshot?.index ?? 0)) return
    const data = new Uint8Array(4)
    new DataView(data.buffer).setUint32(0, disk.blocks.filter((block) => block.index <= index).length)
    const snapshot = core.snapshotAt(index, data)
    disk.entries = disk.entries.filter((entry) => entry.index > index)
    disk.snapshot = snapshot
    core.compact(snapshot, this.int(10))
  }

  #connected(a: Machine, b: Machine): boolean {
    return !this.#cut.has(`${a.number}>${b.number}`) && !this.#cut.has(`${b.number}>${a.number}`)
  }

  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`)
  }

  heal(): void {
    this.#cut.clear()
  }

  #transmit(message: Message): void {
    this.coverage.messages++
    const { faults } = this
    if (this.#cut.has(`${numberOf(message.from)}>${numberOf(message.to)}`) || this.chance(faults.loss)) return
    const copies = this.chance(faults.doubled) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const slow = this.chance(0.02) ? 20 : 1
      this.at(this.now + 0.1 + this.random() * faults.maxDelay * slow, () => this.#deliver(message))
    }
  }

  #deliver(message: Message): void {
    const machine = this.machines[numberOf(message.to) - 1]
    if (machine?.core === undefined) return
    this.with(machine, (now) => {
      if (this.chance(this.faults.garbage)) machine.core!.receive(this.#garble(message), now)
      if (machine.core!.receive(message, now) !== undefined) this.coverage.dropped++
    })
  }

  /** Something that no core sends: wrongly addressed, or of an impossible shape. */
  #garble(message: Message): Message {
    const spoilt: Record<string, unknown> = { ...message }
    const field = this.pick(['to', 'from', 'term', 'index', 'commit', 'entries', 'type', 'context', 'incarnation'])!
    spoilt[field] = field === 'to' ? message.to + 7 : this.pick([-1, 0.5, Number.NaN, 'x', null, undefined, {}, 2 ** 60])
    return spoilt as unknown as Message
  }

  leader(): Machine | undefined {
    let best: Machine | undefined
    for (const machine of this.machines)
      if (machine.core?.status.role === 'leader' && (best === undefined || machine.core.status.term > best.core!.status.term))
        best = machine
    return best
  }

  propose(machine: Machine | undefined): void {
    if (machine === undefined) return
    const count = 1 + this.int(3)
    const payloads = Array.from({ length: count }, () => new TextEncoder().encode(`tx${++this.#proposals}`))
    this.with(machine, (now) => machine.core!.propose(payloads, now))
  }

  read(machine: Machine | undefined): void {
    if (machine === undefined) return
    const context = this.#nextRead++
    this.#reads.set(context, { asked: this.check.committed, machine: machine.number })
    this.with(machine, (now) => machine.core!.readIndex(context, now))
  }

  change(target: { voters: MemberId[]; learners: MemberId[] }): boolean {
    const leader = this.leader()
    if (leader === undefined) return false
    let accepted = false
    const payload = this.chance(0.8) ? new TextEncoder().encode(`config${++this.#proposals}`) : new Uint8Array(0)
    this.with(leader, (now) => {
      const before = leader.core!.status.membershipIndex
      accepted = leader.core!.proposeConfig(payload, target, now).accepted
      if (accepted && leader.core!.status.membershipIndex > before) {
        this.coverage.changes++
        if (isJoint(leader.core!.status.membership)) this.coverage.joint++
      }
    })
    return accepted
  }

  /** The machine's disk is gone. It comes back, empty, under an id that was never used, and waits to be let in for the old one. */
  loseDisk(machine: Machine): void {
    const old = machine.disk.id
    this.check.graveyard.push(machine.disk)
    machine.core = undefined
    machine.life++
    this.coverage.wipes++
    const fresh = old + 1
    machine.disk = emptyDisk(fresh, 1 + this.int(1e9), undefined)
    this.start(machine)
  }

  /** The machine's disk is gone, and somebody starts it as if nothing had been: same id, empty log, founding members. */
  rebirth(machine: Machine, founders: Membership): void {
    const { id } = machine.disk
    this.check.graveyard.push(machine.disk)
    this.check.forget(id)
    machine.core = undefined
    machine.life++
    machine.disk = emptyDisk(id, 1 + this.int(1e9), founders)
    machine.disk.founding = 'survey'
    this.start(machine)
  }

  /** Members whose disk is gone, and the id under which their machine came back. */
  get lost(): Map<MemberId, MemberId> {
    const members = allMembers(this.leader()?.core?.status.membership ?? NO_MEMBERS)
    const lost = new Map<MemberId, MemberId>()
    for (const id of members) {
      const now = this.machines[numberOf(id) - 1]!.disk.id
      if (now !== id) lost.set(id, now)
    }
    return lost
  }

  /** Whether a machine does not know yet whether it may act under its id: it counts as one that failed. */
  get limbo(): boolean {
    return this.machines.some(({ disk }) => disk.founding === 'survey' && disk.hardState === undefined)
  }

  /** What an operator (or a shell on its own) does for machines that lost their disk: puts the fresh id in the place of the old one. */
  replaceLost(): void {
    const leader = this.leader()
    if (leader === undefined) return
    const { membership } = leader.core!.status
    const { lost } = this
    if (lost.size === 0) return
    const swap = (ids: readonly MemberId[]): MemberId[] => [...new Set(ids.map((id) => lost.get(id) ?? id))]
    const voters = swap(membership.voters)
    this.change({ voters, learners: swap(membership.learners).filter((id) => !voters.includes(id)) })
  }

  /** Whether losing this disk is a failure that the cluster must survive: enough others hold all that is committed. */
  mayLose(machine: Machine): boolean {
    const leader = this.leader()
    if (leader === undefined || leader === machine) return false
    const { membership, membershipIndex, commit } = leader.core!.status
    if (isJoint(membership) || membershipIndex > commit || membership.voters.length < 3) return false
    if (this.lost.size > 0) return false
    if (this.limbo) return false
    for (const { core, disk } of this.machines) {
      // A change that is still under way somewhere might leave a quorum that needs this machine.
      if (core !== undefined && core.status.membershipIndex > membershipIndex) return false
      if (disk.entries.some((entry) => entry.membership !== undefined && entry.index > membershipIndex)) return false
    }
    if (!membership.voters.includes(machine.disk.id)) return false
    const { committed } = this.check
    const term = this.check.chosen[committed]?.term ?? leader.core!.entryAt(committed)?.term ?? -1
    const holders = this.machines.filter(
      (other) => other !== machine && membership.voters.includes(other.disk.id) && diskHas(other.disk, committed, term),
    )
    // Every quorum of those that stay must meet one of them.
    return holders.length >= membership.voters.length - majority(membership.voters.length)
  }
}
