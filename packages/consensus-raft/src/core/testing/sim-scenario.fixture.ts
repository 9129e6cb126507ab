import { allMembers, isJoint, settledMembership } from '../membership.ts'
import type { MemberId, Membership, RaftOptions } from '../types.ts'
import type { Machine } from './sim-machine.fixture.ts'
import { type Coverage, type Faults, idOf, World } from './sim-world.fixture.ts'

/** All that a seed draws; printed when it fails. */
export interface Draw {
  readonly seed: number
  readonly founders: number
  readonly spares: number
  readonly founding: 'assured' | 'survey'
  readonly options: Partial<RaftOptions>
  readonly faults: Faults
  readonly weights: readonly number[]
}

const T = 600

/** How long a seed lives under faults, and how long it may take to come to rest afterwards. */
const TROUBLE = 25_000
const REST = 60_000

export const draw = (seed: number, random: () => number): Draw => {
  const founders = [1, 2, 3, 3, 3, 4, 5, 5][Math.floor(random() * 8)]!
  const maxMessageBytes = [1, 100, 1000, 1_000_000][Math.floor(random() * 4)]!
  return {
    seed,
    founders,
    spares: Math.floor(random() * 3),
    founding: random() < 0.5 ? 'assured' : 'survey',
    options: {
      electionTimeout: T,
      heartbeat: 100,
      maxInflight: [1, 2, 8, 256][Math.floor(random() * 4)]!,
      maxMessageBytes,
      maxInflightBytes: Math.max(maxMessageBytes, [200, 5000, 1e7][Math.floor(random() * 3)]!),
      maxUncommittedBytes: [50, 1000, 1e7][Math.floor(random() * 3)]!,
      preVote: random() < 0.8,
      checkQuorum: random() < 0.8,
    },
    faults: {
      loss: random() < 0.3 ? 0 : random() * 0.3,
      doubled: random() < 0.5 ? 0 : random() * 0.5,
      maxDelay: [1, 10, 50, 200][Math.floor(random() * 4)]!,
      diskDelay: [0.1, 5, 50, 300][Math.floor(random() * 4)]!,
      garbage: random() < 0.3 ? 0.02 : 0,
    },
    // propose, read, crash, cut, heal, change members, transfer, compact, lose a disk, clock, unreachable
    weights: [30, 6, random() * 6, random() * 6, 3, random() * 6, random() * 4, random() * 8, random() * 3, random() * 2, 1],
  }
}

/** Runs one seed: trouble first, then everything is healed and must come to rest with all in one state. Throws what went wrong. */
export class Scenario {
  readonly world: World
  readonly #draw: Draw
  readonly #founders: Membership
  readonly #down = new Map<Machine, number>()

  constructor(drawn: Draw, coverage: Coverage) {
    this.#draw = drawn
    this.world = new World(drawn.seed, drawn.options, drawn.faults, coverage)
    const ids = Array.from({ length: drawn.founders }, (_, i) => idOf(i + 1, 0))
    this.#founders = settledMembership({ voters: ids, learners: [] })!
    for (let i = 0; i < drawn.founders; i++) this.world.addMachine(this.#founders, 0, drawn.founding)
    for (let i = 0; i < drawn.spares; i++) this.world.addMachine(undefined, 0, 'assured')
  }

  run(): void {
    const { world } = this
    for (const machine of world.machines)
      world.at(world.random() * 300, () => {
        if (machine.core === undefined && !this.#down.has(machine)) world.start(machine)
      })
    world.runUntil(400)
    while (world.now < TROUBLE) {
      this.#act()
      if (world.chance(0.2)) world.check.logsMatch(world.machines)
      world.runUntil(world.now + world.random() * 150)
    }
    this.#comeToRest()
  }

  #act(): void {
    const { weights } = this.#draw
    let at = this.world.random() * weights.reduce((sum, weight) => sum + weight, 0)
    let action = 0
    while (action < weights.length - 1 && at >= weights[action]!) at -= weights[action++]!
    const { world } = this
    const machine = world.pick(world.machines)!
    if (world.chance(0.1)) world.replaceLost()
    const actions: readonly (() => void)[] = [
      // Mostly the leader; at times whoever thinks it is, or nobody.
      () => world.propose(world.chance(0.8) ? world.leader() : machine),
      () => world.read(machine),
      () => this.#crash(machine),
      () => this.#partition(),
      () => world.heal(),
      () => this.#changeMembers(),
      () => this.#transfer(),
      () => world.compact(machine),
      () => this.#loseDisk(machine),
      () => world.jump(machine, (world.random() - 0.5) * world.pick([100, 5000, 1e7])!),
      () => world.with(machine, () => machine.core!.unreachable(world.pick(world.machines)!.disk.id)),
    ]
    actions[action]!()
  }

  #crash(machine: Machine): void {
    const { world } = this
    if (machine.core === undefined) return
    world.crash(machine)
    const until = world.now + world.random() * world.pick([10, 500, 4000])!
    this.#down.set(machine, until)
    world.at(until, () => {
      this.#down.delete(machine)
      if (machine.core === undefined) world.start(machine)
    })
  }

  #partition(): void {
    const { world } = this
    world.coverage.partitions++
    const oneWay = world.chance(0.3)
    const side = new Set(world.machines.filter(() => world.chance(0.4)).map(({ number }) => number))
    for (const a of world.machines)
      for (const b of world.machines)
        if (side.has(a.number) && !side.has(b.number)) {
          world.cut(a.number, b.number)
          if (!oneWay) world.cut(b.number, a.number)
        }
  }

  #changeMembers(): void {
    const { world } = this
    const leader = world.leader()
    if (leader === undefined) return
    const { membership } = leader.core!.status
    const members = allMembers(membership)
    const { lost } = world
    // Whoever shrinks a cluster while a member is dead may take away its quorum: no operator would.
    if (lost.size > 0 || world.limbo) return
    const returning = new Set(lost.values())
    const outside = world.machines.map(({ disk }) => disk.id).filter((id) => !members.includes(id) && !returning.has(id))
    // Ids that lost their disk are replaced, not moved about.
    const alive = (id: MemberId): boolean => !lost.has(id)
    const voters = [...membership.voters]
    const learners = [...membership.learners]
    const spare = world.pick(outside)
    const voter = world.pick(voters.filter(alive))
    const learner = world.pick(learners.filter(alive))
    switch (world.int(6)) {
      case 0:
        if (spare !== undefined) learners.push(spare)
        break
      case 1:
        if (spare !== undefined) voters.push(spare)
        break
      case 2:
        if (voter !== undefined && voters.length > 1) voters.splice(voters.indexOf(voter), 1)
        break
      case 3:
        if (voter !== undefined && spare !== undefined) voters[voters.indexOf(voter)] = spare
        break
      case 4:
        if (learner !== undefined) {
          learners.splice(learners.indexOf(learner), 1)
          if (world.chance(0.8)) voters.push(learner)
        }
        break
      default:
        if (voter !== undefined && voters.length > 1) {
          voters.splice(voters.indexOf(voter), 1)
          learners.push(voter)
        }
    }
    world.change({ voters, learners })
  }

  #transfer(): void {
    const { world } = this
    const leader = world.leader()
    if (leader === undefined) return
    const target = world.chance(0.3) ? 0 : (world.pick(leader.core!.status.membership.voters) ?? 0)
    world.with(leader, (now) => {
      if (leader.core!.transfer(target, now).accepted) world.coverage.transfers++
    })
  }

  #loseDisk(machine: Machine): void {
    const { world } = this
    if (machine.core === undefined || this.#down.has(machine)) return
    const founder = this.#draw.founding === 'survey' && this.#founders.voters.includes(machine.disk.id)
    const pristine =
      founder &&
      this.#founders.voters.length >= 3 &&
      world.check.committed === 0 &&
      world.check.graveyard.length === 0 &&
      machine.core.status.lastIndex === 0
    if (pristine) world.rebirth(machine, this.#founders)
    else if (!world.mayLose(machine)) return
    else if (founder && world.chance(0.5)) world.rebirth(machine, this.#founders)
    else world.loseDisk(machine)
  }

  /** The liveness half: without faults all members agree, and what is proposed gets decided. */
  #comeToRest(): void {
    const { world } = this
    world.heal()
    world.faults.loss = 0
    world.faults.doubled = 0
    world.faults.garbage = 0
    world.faults.maxDelay = 5
    world.faults.diskDelay = 2
    for (const machine of world.machines) if (machine.core === undefined && !this.#down.has(machine)) world.start(machine)
    const end = world.now + REST
    let proposed = false
    while (world.now < end) {
      world.runUntil(world.now + 100)
      world.replaceLost()
      const leader = world.leader()
      if (leader === undefined) continue
      const { membership, membershipIndex, commit, lastIndex } = leader.core!.status
      const members = allMembers(membership)
      if (isJoint(membership) || membershipIndex > commit) continue
      if (world.lost.size > 0) continue
      if (!proposed) {
        world.propose(leader)
        proposed = leader.core!.status.lastIndex > lastIndex
        continue
      }
      const others = world.machines.filter(({ disk }) => members.includes(disk.id))
      if (others.length < members.length || commit < lastIndex) continue
      if (others.every(({ core }) => core?.status.applied === commit)) {
        this.#verify()
        return
      }
    }
    if (world.check.committed === 0 && world.check.graveyard.length > 0) {
      // A founder lost its disk before all others had heard from it: nothing was ever decided, the founding has to be begun anew.
      world.coverage.stillborn++
      return
    }
    const state = world.machines.map(({ core, disk }) => ({ id: disk.id, blocks: disk.blocks.length, ...core?.status }))
    world.check.fail(
      'liveness',
      `no rest at ${world.now}, ${world.check.chain.length} blocks, lost ${[...world.lost.keys()]}: ${JSON.stringify(state)}`,
    )
  }

  #verify(): void {
    const { world } = this
    const { check } = world
    check.logsMatch(world.machines)
    const blocks = check.chosen.filter((entry) => entry !== undefined && entry.payload.length > 0)
    if (blocks.length !== check.chain.length)
      check.fail('one chain', `${blocks.length} entries with a payload were chosen, the chain has ${check.chain.length}`)
    for (let index = 1; index <= check.committed; index++)
      if (check.chosen[index] === undefined) check.fail('one chain', `nobody applied index ${index}`)
  }
}
