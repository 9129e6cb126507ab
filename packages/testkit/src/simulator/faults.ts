import { setBatchSize } from '@heddle/core/testing'
import type { Draw } from './draw.ts'
import { type Fault, LARGE_LIMIT, SMALL_LIMIT } from './plan.ts'
import type { SimNode } from './sim-node.ts'
import { nameOf } from './terms.ts'
import type { World } from './world.ts'

/** Milliseconds until an operator puts a damaged node back. */
const OPERATOR = [1_000, 20_000] as const

interface Damage {
  readonly path: string
  readonly offset: number
  readonly before: Uint8Array
}

/** Lets the faults of a plan strike, and keeps them within what the subject stands. */
export class Faults {
  readonly #world: World
  readonly #draw: Draw
  readonly #damages = new Map<SimNode, Damage>()

  constructor(world: World) {
    this.#world = world
    this.#draw = world.draw.fork('faults in use')
  }

  plan(): void {
    const { scheduler, plan } = this.#world
    for (const fault of plan.faults)
      scheduler.after(fault.at, undefined, () => {
        if (!this.#world.healed) this.#strike(fault)
      })
  }

  /** Whether a node has a reason to fail that is no fault of the product. */
  excuses(node: SimNode): boolean {
    return this.#damages.has(node) || node.impaired
  }

  /** Ends a node's life and begins another after `down` milliseconds. */
  outage(node: SimNode, power: boolean, down: number): void {
    if (node.life === undefined) return
    const { scheduler, trace } = this.#world
    trace.tell(node.name, power ? 'loses power' : 'is killed')
    this.#world.count('crashes')
    node.end(power)
    scheduler.after(down, undefined, () => node.start())
  }

  /** A node ended itself, because of a fault: the process ends, later somebody starts it again. */
  afterHalt(node: SimNode): void {
    const down = this.#draw.between(100, 5_000)
    this.#world.scheduler.after(this.#draw.between(0, 50), node.life, () => this.outage(node, this.#draw.chance(0.5), down))
  }

  /** A start failed, with a reason. */
  cannotStart(node: SimNode, error: Error): void {
    const { scheduler, trace } = this.#world
    const damage = this.#damages.get(node)
    node.end(true)
    if (damage !== undefined || node.impaired) {
      this.#world.count('damage found at start')
      node.state = 'broken'
      trace.tell(node.name, `waits for an operator: ${nameOf(error)}`)
      scheduler.after(this.#world.healed ? 0 : this.#draw.between(...OPERATOR), undefined, () => this.#repair(node))
    } else scheduler.after(this.#draw.between(200, 2_000), undefined, () => node.start())
  }

  /** Ends all faults: what is down starts, what is damaged is put back. */
  heal(): void {
    for (const node of this.#world.nodes) {
      node.disk.full = false
      node.disk.slowness = 1
      node.disk.failSync = false
      node.disk.failAppend = false
      node.disk.onDirtySync = undefined
      if (node.life !== undefined) node.life.pausedUntil = 0
      if (node.state === 'down') node.start()
      else if (node.state === 'broken') this.#repair(node)
    }
  }

  /** Adds what the disks and the network counted. */
  report(): void {
    const world = this.#world
    for (const { disk } of world.nodes) {
      world.count('crashes with unsynced data', disk.counts.dirtyCrashes)
      world.count('torn writes', disk.counts.tornFiles)
      world.count('folder entries lost', disk.counts.lostEntries)
      world.count('disk faults', disk.counts.failedSyncs + disk.counts.failedWrites)
    }
    const { lost, replayed, overtaken, broken } = world.network.counts
    world.count('messages lost', lost)
    world.count('messages replayed', replayed)
    world.count('messages overtaken', overtaken)
    world.count('streams broken', broken)
    world.count('blocks', world.checker.height)
    world.count('config changes', world.checker.agreed.filter(({ isConfig }) => isConfig).length - 1)
    for (const { unknown, state, blocks } of world.clients.records) {
      if (unknown) world.count('outcomes unknown')
      if (state === 'gave up') world.count('refusals believed')
      if (blocks.length > 1) world.count('envelopes ordered twice')
    }
  }

  #strike(fault: Fault): void {
    const world = this.#world
    const { scheduler, nodes } = world
    switch (fault.kind) {
      case 'power-failure':
        this.outage(nodes[fault.node]!, true, fault.down)
        return
      case 'power-failure-in-sync':
        this.#failInSync(nodes[fault.node]!, fault.down)
        return
      case 'power-failure-of-all':
        this.#failAll(fault.down)
        return
      case 'kill':
        this.outage(nodes[fault.node]!, false, fault.down)
        return
      case 'kill-leader': {
        const leader = this.#leader()
        this.outage(leader, this.#draw.chance(0.5), fault.down)
        this.#disturbElection(leader)
        return
      }
      case 'orderly-restart': {
        const node = nodes[fault.node]!
        world.trace.tell(node.name, 'is stopped')
        node.stop(() => {
          world.count('orderly restarts')
          scheduler.after(fault.down, undefined, () => node.start())
        })
        return
      }
      case 'pause': {
        const { life } = nodes[fault.node]!
        if (life === undefined) return
        world.trace.tell(nodes[fault.node]!.name, `pauses for ${fault.time} ms`)
        world.count('pauses')
        life.pausedUntil = scheduler.now + fault.time
        return
      }
      case 'partition':
        this.#partition(
          fault.side.map((i) => nodes[i]!),
          fault.oneWay,
          fault.time,
        )
        return
      case 'isolate-leader': {
        const leader = this.#leader()
        this.#partition([leader], fault.oneWay, fault.time)
        this.#disturbElection(leader)
        return
      }
      case 'stall':
        world.trace.tell('network', `stalls from ${nodes[fault.from]!.name} to ${nodes[fault.to]!.name} for ${fault.time} ms`)
        world.network.stall(nodes[fault.from]!.name, nodes[fault.to]!.name, scheduler.now + fault.time)
        return
      case 'clock-jump':
        world.count('clock jumps')
        world.trace.tell(nodes[fault.node]!.name, `its wall clock jumps by ${fault.by} ms`)
        nodes[fault.node]!.clock.jump(fault.by)
        return
      case 'config-update':
        this.#configUpdate(fault.limit === 'small' ? SMALL_LIMIT : LARGE_LIMIT, fault.count)
        return
      case 'subject':
        world.prepared.act?.(fault.action, fault.number)
        return
      default:
        this.#strikeDisk(fault, nodes[fault.node]!)
        return
    }
  }

  #strikeDisk(
    fault: Extract<Fault, { kind: 'slow-disk' | 'sync-failure' | 'write-failure' | 'disk-full' | 'damage' | 'new-disk' }>,
    node: SimNode,
  ): void {
    const { scheduler, trace } = this.#world
    switch (fault.kind) {
      case 'slow-disk':
        trace.tell(node.name, 'its disk is slow')
        node.disk.slowness = fault.factor
        scheduler.after(fault.time, undefined, () => {
          node.disk.slowness = 1
        })
        return
      case 'sync-failure':
      case 'write-failure':
        if (node.life === undefined) return
        if (fault.kind === 'sync-failure') node.disk.failSync = true
        else node.disk.failAppend = true
        return
      case 'disk-full':
        trace.tell(node.name, 'its disk is full')
        this.#world.count('full disks')
        node.disk.full = true
        scheduler.after(fault.time, undefined, () => {
          node.disk.full = false
        })
        return
      case 'damage':
        this.#damage(node, fault.where, fault.down)
        return
      case 'new-disk':
        if (!this.#mayLoseDisk(node) || node.life === undefined) return
        this.#world.count('disks lost')
        trace.tell(node.name, 'loses its disk')
        node.end(true)
        node.state = 'broken'
        scheduler.after(fault.down, undefined, () => this.#repair(node))
        return
    }
  }

  /** The power fails while a node writes, the next time that it does; or only the process dies, and the power fails later. */
  #failInSync(node: SimNode, down: number): void {
    const power = this.#draw.chance(0.6)
    // New files are rare: some failures wait for one.
    const inFolder = this.#draw.chance(0.3)
    this.#inSync(node, inFolder, () => {
      this.outage(node, power, down)
      if (power) return
      const later = down + this.#draw.magnitude(100, 10_000)
      this.#world.scheduler.after(later, undefined, () => {
        if (!this.#world.healed) this.outage(node, true, down)
      })
    })
  }

  /** The power fails everywhere, perhaps while the leader writes. */
  #failAll(down: number): void {
    const strike = (): void => {
      for (const node of this.#world.nodes) this.outage(node, true, down * this.#draw.between(0.1, 1))
    }
    if (this.#draw.chance(0.4)) strike()
    else this.#inSync(this.#leader(), false, strike)
  }

  /** One of those that elect another leader may lose its power while it writes down what it promises. */
  #disturbElection(leader: SimNode): void {
    const others = this.#world.nodes.filter((node) => node !== leader)
    if (others.length > 0 && this.#draw.chance(0.5)) this.#failInSync(this.#draw.pick(others), this.#draw.magnitude(20, 2_000))
  }

  #inSync(node: SimNode, inFolder: boolean, strike: () => void): void {
    const { disk } = node
    if (node.life === undefined) return
    disk.onDirtySync = (what) => {
      if (inFolder && what === 'file') return
      disk.onDirtySync = undefined
      const { life } = node
      if (life === undefined || this.#world.healed) return
      this.#world.scheduler.after(disk.traits.syncTime * disk.slowness * this.#draw.between(0, 1.2), life, () => {
        if (!this.#world.healed) strike()
      })
    }
  }

  #partition(side: readonly SimNode[], oneWay: boolean, time: number): void {
    const { network, nodes, scheduler, trace } = this.#world
    const others = nodes.filter((node) => !side.includes(node))
    if (others.length === 0) return
    const cuts = side.flatMap((a) =>
      others.flatMap(
        (b) =>
          (oneWay
            ? [[a, b]]
            : [
                [a, b],
                [b, a],
              ]) as [SimNode, SimNode][],
      ),
    )
    const names = side.map(({ name }) => name).join(' ')
    trace.tell('network', oneWay ? `nobody hears ${names}` : `${names} are cut off`)
    for (const [from, to] of cuts) network.cut(from.name, to.name)
    scheduler.after(time, undefined, () => {
      if (this.#world.healed) return
      for (const [from, to] of cuts) network.heal(from.name, to.name)
      this.#world.count('partitions healed')
      trace.tell('network', `${names} are back`)
    })
  }

  #configUpdate(absoluteMaxBytes: number, maxMessageCount: number): void {
    this.#world.trace.tell('administrator', `sets limits: ${absoluteMaxBytes} bytes, ${maxMessageCount} envelopes`)
    const preferredMaxBytes = Math.min(this.#world.plan.batch.preferredMaxBytes, absoluteMaxBytes)
    this.#world.administrator.change((config) => setBatchSize(config, { absoluteMaxBytes, maxMessageCount, preferredMaxBytes }))
  }

  /** Changes stored bytes of a node that is down. */
  #damage(node: SimNode, [file, byte]: readonly [number, number], down: number): void {
    if (node.life === undefined || this.excuses(node)) return
    const alone = this.#world.nodes.length === 1
    if (!alone && !this.#mayLoseDisk(node)) return
    const { disk } = node
    node.end(true)
    // Behind `sealed` damage looks like the torn end of a crash: no checksum tells them apart.
    const files = disk.files().filter(({ sealed }) => sealed > 0)
    const target = files[Math.floor(file * files.length)]
    if (target !== undefined) {
      const { path, sealed } = target
      const offset = Math.floor(byte * sealed)
      const length = this.#draw.chance(0.5) ? 1 : Math.min(512 - (offset % 512), sealed - offset)
      const before = disk.bytes(path)!.slice(offset, offset + length)
      const bit = 1 << this.#draw.int(0, 7)
      disk.damage(path, offset, (bytes) => bytes.set(length === 1 ? [bytes[0]! ^ bit] : new Uint8Array(length)), length)
      this.#world.trace.tell(node.name, `${length} bytes at ${offset} of ${path} go bad`)
      this.#world.count('files damaged')
      this.#damages.set(node, { path, offset, before })
      if (!alone) {
        node.impaired = true
        this.#world.checker.forgive(node.name)
      }
    }
    this.#world.scheduler.after(down, undefined, () => node.start())
  }

  /** An operator looks after a node that cannot start: from a copy where it is alone, else as the plugin's documentation says. */
  #repair(node: SimNode): void {
    if (node.state !== 'broken') return
    const { trace, checker, prepared, scheduler } = this.#world
    const damage = this.#damages.get(node)
    this.#damages.delete(node)
    node.state = 'down'
    if (damage !== undefined && this.#world.nodes.length === 1) {
      trace.tell(node.name, 'gets its files back from a copy')
      node.disk.damage(damage.path, damage.offset, (bytes) => bytes.set(damage.before), damage.before.length)
      node.start()
      return
    }
    trace.tell(node.name, 'gets an empty disk')
    node.impaired = true
    node.disk.wipe()
    checker.forgive(node.name)
    const height = checker.height
    if (prepared.restore === undefined) node.start()
    else prepared.restore(node)
    const look = (): void => {
      if (!node.impaired) return
      if (node.state === 'up' && checker.durable(node.name) >= height) {
        node.impaired = false
        this.#world.count('disks restored')
        trace.tell(node.name, 'has again what it had')
      } else scheduler.after(500, undefined, look)
    }
    scheduler.after(500, undefined, look)
  }

  #mayLoseDisk(node: SimNode): boolean {
    const { nodes } = this.#world
    const impaired = nodes.filter((each) => each !== node && (each.impaired || each.state === 'broken')).length
    const few = !node.impaired && impaired < Math.floor((nodes.length - 1) / 2)
    return few && (this.#world.prepared.mayLoseDisk?.(node) ?? true)
  }

  #leader(): SimNode {
    const name = this.#world.prepared.leader?.()
    return (name === undefined ? undefined : this.#world.node(name)) ?? this.#draw.pick(this.#world.nodes)
  }
}
