import assert from 'node:assert/strict'
import type { Clock, Disk, DiskFile } from '@heddle/core/plugin'
import { BlockFileStore, genesisBlock, silentLogger } from '@heddle/core/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { diskConformance } from '../src/disk-conformance/suite.ts'
import { keyedHashMsp } from '../src/ordering-conformance/keyed-hash-identity.ts'
import { Draw } from '../src/simulator/draw.ts'
import { NodeClock } from '../src/simulator/node-clock.ts'
import { RunawayError, Scheduler } from '../src/simulator/scheduler.ts'
import { type DiskTraits, SimDisk } from '../src/simulator/sim-disk.ts'
import { type NetworkTraits, SimNetwork } from '../src/simulator/sim-network.ts'
import { Trace } from '../src/simulator/trace.ts'
import { transportConformance } from '../src/transport-conformance/suite.ts'

const owner = (id = 0) => ({ alive: true, pausedUntil: 0, id })
const bytes = (text: string): Uint8Array => Buffer.from(text)

/** Lets virtual time pass as long as a conformance test lasts. */
const pumps = new Set<NodeJS.Timeout>()
function pumped(scheduler: Scheduler): Scheduler {
  pumps.add(setInterval(() => void scheduler.run(scheduler.now + 1_000), 1))
  return scheduler
}
afterEach(() => {
  for (const pump of pumps) clearInterval(pump)
  pumps.clear()
})

describe('random numbers of the simulator', () => {
  it('are the same for the same key, and a fork does not depend on what was drawn before', () => {
    const [a, b] = [new Draw('seed 1'), new Draw('seed 1')]
    for (let i = 0; i < 10; i++) b.float()
    expect(a.fork('disk').float()).toBe(b.fork('disk').float())
    expect(new Draw('seed 1').fork('disk').float()).not.toBe(new Draw('seed 2').fork('disk').float())
    expect(a.fork('disk').float()).not.toBe(a.fork('network').float())
  })

  it('fill their ranges evenly', () => {
    const draw = new Draw('ranges')
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 40_000; i++) counts[draw.int(0, 3)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    const floats = Array.from({ length: 10_000 }, () => draw.float())
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...floats)).toBeLessThan(1)
    expect(draw.chance(0)).toBe(false)
    expect([...draw.shuffle([1, 2, 3, 4])].sort()).toEqual([1, 2, 3, 4])
  })
})

describe('virtual time', () => {
  it('runs events by time, those of one moment in the order in which they were planned', async () => {
    const scheduler = new Scheduler()
    const seen: string[] = []
    for (const [delay, name] of [
      [5, 'b'],
      [1, 'a'],
      [5, 'c'],
      [9, 'd'],
    ] as const)
      scheduler.after(delay, undefined, () => seen.push(`${name}${scheduler.now}`))
    scheduler.after(2, undefined, () => seen.push('never')).task = undefined
    await scheduler.run(6)
    expect(seen).toEqual(['a1', 'b5', 'c5'])
    expect(scheduler.now).toBe(6)
    await scheduler.run(100)
    expect(seen.at(-1)).toBe('d9')
  })

  it('settles every promise before the next event', async () => {
    const scheduler = new Scheduler()
    const seen: string[] = []
    scheduler.after(1, undefined, async () => {
      for (let i = 0; i < 50; i++) await undefined
      seen.push('first')
    })
    scheduler.after(1, undefined, () => seen.push('second'))
    await scheduler.run(2)
    expect(seen).toEqual(['first', 'second'])
  })

  it('does nothing for the dead, and holds back the work of the paused, in order', async () => {
    const scheduler = new Scheduler()
    const [dead, slow] = [owner(1), owner(2)]
    const seen: string[] = []
    scheduler.after(1, dead, () => seen.push('dead'))
    scheduler.after(1, slow, () => seen.push(`first ${scheduler.now}`))
    scheduler.after(2, slow, () => seen.push(`second ${scheduler.now}`))
    dead.alive = false
    slow.pausedUntil = 10
    await scheduler.run(20)
    expect(seen).toEqual(['first 10', 'second 10'])
  })

  it('notices that time stands still', async () => {
    const scheduler = new Scheduler()
    const again = (): void => void scheduler.after(0, undefined, again)
    again()
    await expect(scheduler.run(1)).rejects.toThrow(RunawayError)
  })

  it('leaves a trace that tells two histories apart', async () => {
    const history = async (delay: number): Promise<string> => {
      const scheduler = new Scheduler(new Trace())
      scheduler.after(delay, owner(1), () => {})
      await scheduler.run(10)
      return scheduler.trace.digest
    }
    expect(await history(1)).toBe(await history(1))
    expect(await history(1)).not.toBe(await history(2))
  })
})

describe('clocks of a node', () => {
  it('are skewed, drift and jump; timers follow the monotonic one and die with their owner', async () => {
    const scheduler = new Scheduler()
    const clock = new NodeClock(scheduler, { skew: 5_000, drift: 0.1 })
    const life = owner()
    const view: Clock = clock.mount(life, 77)
    const start = view.now()
    const fired: number[] = []
    view.setTimer(110, () => fired.push(scheduler.now))
    view.setTimer(110, () => fired.push(-1)).cancel()
    await scheduler.run(1_000)
    expect(fired[0]).toBeCloseTo(100)
    expect(fired).toHaveLength(1)
    expect(view.monotonic()).toBeCloseTo(77 + 1_100)
    expect(view.now() - start).toBe(1_100)
    clock.jump(-60_000)
    expect(view.now() - start).toBe(1_100 - 60_000)
    expect(view.monotonic()).toBeCloseTo(77 + 1_100)
    view.setTimer(10, () => fired.push(-2))
    life.alive = false
    await scheduler.run(2_000)
    expect(fired).toHaveLength(1)
  })
})

const traits: DiskTraits = { syncTime: 1, accessTime: 0.1, fates: { kept: 0.4, torn: 0.3 }, journal: true }

/** A disk with somebody who uses it. */
function machine(seed: number, given: Partial<DiskTraits> = {}) {
  const scheduler = new Scheduler()
  const disk = new SimDisk(scheduler, { ...traits, ...given }, new Draw(`disk ${seed}`), 'node')
  let life = owner()
  return {
    disk,
    scheduler,
    mount(): Disk {
      life.alive = false
      life = owner()
      return disk.mount(life)
    },
    /** Runs to its end what takes virtual time. */
    async run<T>(work: () => Promise<T>): Promise<T> {
      let result: { value: T } | { error: unknown } | undefined
      work().then(
        (value) => {
          result = { value }
        },
        (error: unknown) => {
          result = { error }
        },
      )
      await scheduler.run(scheduler.now + 60_000)
      if (result === undefined) throw new Error('the work does not end')
      if ('error' in result) throw result.error
      return result.value
    },
    crash(): void {
      life.alive = false
      disk.crash()
    },
    kill(): void {
      life.alive = false
      disk.kill()
    },
  }
}

diskConformance(
  { describe, it },
  {
    name: 'simulated',
    create: async () => ({
      disk: new SimDisk(pumped(new Scheduler()), traits, new Draw('conformance'), 'node').mount(owner()),
      dispose: async () => {},
    }),
  },
)

describe('simulated disk', () => {
  it('keeps what was synced and loses of the rest only, by sectors', async () => {
    let torn = 0
    for (let seed = 0; seed < 50; seed++) {
      const it = machine(seed)
      const disk = it.mount()
      await it.run(async () => {
        const file = await disk.open('f/file', { create: true })
        await disk.syncFolder('f')
        await file.append([new Uint8Array(700).fill(1)])
        await file.datasync()
        await file.append([new Uint8Array(2_000).fill(2)])
      })
      it.crash()
      const left = it.disk.bytes('f/file')!
      assert.ok(left.length >= 700 && left.length <= 2_700)
      assert.ok(left.subarray(0, 700).every((byte) => byte === 1))
      assert.ok(left.subarray(700).every((byte) => byte === 2 || byte === 0))
      if (left.length > 700 && (left.length < 2_700 || left.includes(0))) torn++
    }
    expect(torn).toBeGreaterThan(10)
  })

  it('a sync covers what was appended before it, and nothing that came later', async () => {
    const it = machine(1, { fates: { kept: 0, torn: 0 } })
    const disk = it.mount()
    await it.run(async () => {
      const file = await disk.open('f/file', { create: true })
      await disk.syncFolder('f')
      await file.append([bytes('before')])
      const sync = file.datasync()
      await file.append([bytes(' after')])
      await sync
    })
    it.crash()
    expect(Buffer.from(it.disk.bytes('f/file')!).toString().slice(0, 6)).toBe('before')
    expect(Buffer.from(it.disk.bytes('f/file')!).toString()).not.toContain('after')
  })

  it('a killed process leaves what it wrote; the power takes it later all the same', async () => {
    const it = machine(1, { fates: { kept: 0, torn: 0 } })
    const disk = it.mount()
    await it.run(async () => {
      const file = await disk.open('f/file', { create: true })
      await disk.syncFolder('f')
      await file.append([bytes('written')])
    })
    it.kill()
    expect(Buffer.from(it.disk.bytes('f/file')!).toString()).toBe('written')
    it.crash()
    expect(Buffer.from(it.disk.bytes('f/file')!).toString()).not.toBe('written')
  })

  it('after a sync that failed, one that succeeds proves nothing', async () => {
    const it = machine(1, { fates: { kept: 0, torn: 0 } })
    const disk = it.mount()
    await it.run(async () => {
      const file = await disk.open('f/file', { create: true })
      await disk.syncFolder('f')
      await file.append([bytes('lost')])
      it.disk.failSync = true
      await assert.rejects(file.datasync(), { code: 'DISK_FAILED' })
      await file.datasync()
    })
    it.crash()
    expect(Buffer.from(it.disk.bytes('f/file')!).toString()).not.toBe('lost')
  })

  it('a new or renamed file may be gone while its folder is not synced, and stays when it is', async () => {
    const outcomes = new Set<boolean>()
    for (let seed = 0; seed < 20; seed++) {
      for (const synced of [false, true]) {
        const it = machine(seed)
        const disk = it.mount()
        await it.run(async () => {
          const file = await disk.open('f/new', { create: true })
          await file.datasync()
          await disk.rename('f/new', 'f/name')
          if (synced) await disk.syncFolder('f')
        })
        it.crash()
        if (synced) expect(it.disk.bytes('f/name')).toBeDefined()
        else outcomes.add(it.disk.bytes('f/name') !== undefined)
      }
    }
    expect(outcomes.size).toBe(2)
  })

  it('a full disk takes nothing, a failing one may take a part', async () => {
    const it = machine(3)
    const disk = it.mount()
    const struck: string[] = []
    it.disk.struck = (what) => struck.push(what)
    await it.run(async () => {
      const file = await disk.open('f/file', { create: true })
      it.disk.full = true
      assert.throws(() => file.append([bytes('x')]), { code: 'DISK_FULL' })
      expect(file.size).toBe(0)
      it.disk.full = false
      it.disk.failAppend = true
      assert.throws(() => file.append([new Uint8Array(1_000)]), { code: 'DISK_FAILED' })
      assert.throws(() => file.append([bytes('x')]), { code: 'DISK_FAILED' })
    })
    expect(struck).toEqual(['disk full', 'a write fails'])
  })

  it('the dead write nothing', async () => {
    const it = machine(1)
    const disk = it.mount()
    let file!: DiskFile
    await it.run(async () => {
      file = await disk.open('f/file', { create: true })
      await disk.syncFolder('f')
    })
    it.crash()
    file.append([bytes('ghost')])
    expect(it.disk.bytes('f/file')).toHaveLength(0)
  })
})

describe('block files on the simulated disk', () => {
  const genesis = genesisBlock({
    channel: 'c',
    ordering: { type: 'solo', organizations: [{ name: 'Org', mspConfig: keyedHashMsp('OrgMSP') }] },
    application: { organizations: [{ name: 'Org', mspConfig: keyedHashMsp('OrgMSP') }] },
  })
  const place = (disk: Disk, seed: number) => ({
    disk,
    folder: 'ledgers/c/blocks',
    random: new Draw(`salt ${seed}`),
    logger: silentLogger,
  })

  // Simulation of solo, seed 47.
  it('a file whose folder a killed process did not sync keeps what the next one appends', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const it = machine(seed, { journal: seed % 2 === 0 })
      const disk = it.mount()
      // Dies while the folder is synced: the entry of the new file is not durable.
      const opening = BlockFileStore.open(place({ ...disk, syncFolder: () => new Promise(() => {}) }, seed))
      void opening.then((store) => store.append(genesis))
      await it.scheduler.run(it.scheduler.now + 1_000)
      it.kill()
      const again = it.mount()
      await it.run(async () => {
        const store = await BlockFileStore.open(place(again, seed))
        if (store.height === 0) await store.append(genesis)
      })
      it.crash()
      const last = it.mount()
      await it.run(async () => expect((await BlockFileStore.open(place(last, seed))).height).toBe(1))
    }
  })

  // Simulation of solo, seed 382.
  it('a header of a new file of which a crash left only the beginning is no unknown format', async () => {
    const it = machine(1)
    const disk = it.mount()
    await it.run(async () => {
      const file = await disk.open('ledgers/c/blocks/blocks-000000', { create: true })
      await file.append([bytes('HDLBLOCK'), new Uint8Array(24)])
      const store = await BlockFileStore.open(place(disk, 1))
      expect(store.height).toBe(0)
      await store.append(genesis)
      expect(store.height).toBe(1)
    })
  })
})

const calm: NetworkTraits = { latency: 1, jitter: 0, ordered: true, loss: 0, replay: 0, replayDelay: 0, breaks: 0 }

transportConformance(
  { describe, it },
  {
    name: 'simulated',
    async create() {
      const network = new SimNetwork(pumped(new Scheduler()), calm, new Draw('conformance'))
      const [a, b] = ['a', 'b'].map((name) => network.connect({ name, identity: bytes(name) }, owner()))
      await Promise.all([a!.start(), b!.start()])
      return { a: a!, b: b!, dispose: async () => {} }
    },
  },
)

/** Two nodes; what `b` gets of the numbers that `a` sends. */
async function exchange(given: Partial<NetworkTraits>, during?: (network: SimNetwork, scheduler: Scheduler) => void) {
  const scheduler = new Scheduler()
  const network = new SimNetwork(scheduler, { ...calm, ...given }, new Draw('exchange'))
  const [a, b] = ['a', 'b'].map((name) => network.connect({ name, identity: bytes(name) }, owner()))
  await Promise.all([a!.start(), b!.start()])
  const got: number[] = []
  const back: number[] = []
  b!.onMessage('s', 'c', (_from, message) => got.push(Buffer.from(message).readUInt32BE()))
  a!.onMessage('s', 'c', (_from, message) => back.push(Buffer.from(message).readUInt32BE()))
  during?.(network, scheduler)
  for (let i = 0; i < 500; i++) {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(i)
    scheduler.after(i, undefined, () => {
      a!.send({ to: 'b', service: 's', channel: 'c' }, number)
      b!.send({ to: 'a', service: 's', channel: 'c' }, number)
    })
  }
  await scheduler.run(100_000)
  return { got, back, counts: network.counts }
}

describe('simulated network', () => {
  const ascending = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b)

  it('brings everything, in order, while nothing is wrong', async () => {
    expect((await exchange({})).got).toEqual(Array.from({ length: 500 }, (_, i) => i))
  })

  it('loses as many messages as it is told to', async () => {
    const { got, counts } = await exchange({ loss: 0.3 })
    expect(got.length).toBeGreaterThan(300)
    expect(got.length).toBeLessThan(400)
    expect(counts.lost + counts.delivered).toBe(1_000)
  })

  it('lets messages overtake each other, unless a link is ordered', async () => {
    expect((await exchange({ jitter: 50, ordered: true })).got).toEqual(Array.from({ length: 500 }, (_, i) => i))
    const { got, counts } = await exchange({ jitter: 50, ordered: false })
    expect(got).not.toEqual(ascending(got))
    expect(counts.overtaken).toBeGreaterThan(100)
  })

  it('replays messages, also much later', async () => {
    const { got, counts } = await exchange({ replay: 0.2, replayDelay: 10_000 })
    expect(got.length).toBe(500 + counts.replayed / 2 + (got.length - 500 - counts.replayed / 2))
    expect(new Set(got).size).toBe(500)
    expect(got.length).toBeGreaterThan(560)
  })

  it('a cut in one direction stops that direction, until all who cut it have healed it', async () => {
    const { got, back } = await exchange({}, (network, scheduler) => {
      network.cut('a', 'b')
      network.cut('a', 'b')
      scheduler.after(100.5, undefined, () => expect(network.heal('a', 'b')).toBe(false))
      scheduler.after(200.5, undefined, () => expect(network.heal('a', 'b')).toBe(true))
    })
    expect(got[0]).toBe(201)
    expect(back).toHaveLength(500)
  })

  it('a stalled link holds back what it carries and brings it all at once', async () => {
    const times: number[] = []
    const { got } = await exchange({}, (network, scheduler) => {
      network.stall('a', 'b', 300)
      scheduler.after(299, undefined, () => times.push(network.counts.delivered))
    })
    expect(got).toEqual(Array.from({ length: 500 }, (_, i) => i))
    // Only the other direction had brought anything.
    expect(times[0]).toBeLessThan(300)
  })

  it('a request to a node that dies fails, after a while', async () => {
    const scheduler = new Scheduler()
    const network = new SimNetwork(scheduler, calm, new Draw('request'))
    const [mine, theirs] = [owner(1), owner(2)]
    const a = network.connect({ name: 'a', identity: bytes('a') }, mine)
    const b = network.connect({ name: 'b', identity: bytes('b') }, theirs)
    await Promise.all([a.start(), b.start()])
    b.onRequest('s', 'c', () => new Promise(() => {}))
    let code = ''
    a.request({ to: 'b', service: 's', channel: 'c' }, bytes('?')).catch((error) => {
      code = error.code
    })
    scheduler.after(10, undefined, () => {
      theirs.alive = false
      void b.stop()
    })
    await scheduler.run(50)
    expect(code).toBe('')
    await scheduler.run(10_000)
    expect(code).toBe('TRANSPORT_CLOSED')
  })
})
