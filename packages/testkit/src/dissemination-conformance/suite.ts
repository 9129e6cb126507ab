import assert from 'node:assert/strict'
import { Block } from '@heddle/core/model'
import type { Dissemination, Environment } from '@heddle/core/plugin'
import { longChain } from '../block-store-conformance/chain.ts'
import { turn, until, within } from '../patience.ts'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'
import { type Behaviour, FakeOrderer } from './fake-orderer.ts'
import { FakePeer } from './fake-peer.ts'
import { type HurriedClock, hurriedEnvironment, type LogLine } from './hurried-environment.ts'

/** A dissemination plugin under test, not yet started. */
export interface DisseminationSubject {
  readonly dissemination: Dissemination
  dispose(): Promise<void>
}

/** How the suite gets its plugins. */
export interface DisseminationSuite {
  readonly name: string
  /** One for each test. The environment is that of the peer: its timers are due at once, its log is read by the tests. */
  create(environment: Environment): Promise<DisseminationSubject> | DisseminationSubject
  /** Disk and transport, for a plugin that needs them: by default there is none. */
  readonly environment?: Partial<Environment>
  /** Blocks that may be under way while the peer has no room. Default 16. */
  readonly readAhead?: number
  /** Milliseconds after which what does not come counts as lost. Default 10,000. */
  readonly patience?: number
  readonly skips?: readonly Skip[]
}

/** What a test works with. */
interface Bench {
  readonly dissemination: Dissemination
  readonly environment: Environment
  readonly clock: HurriedClock
  readonly log: readonly LogLine[]
  readonly readAhead: number
  dispose(): Promise<void>
  until(condition: () => boolean, what: string): Promise<void>
  settled<T>(promise: Promise<T>, what: string): Promise<T>
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const fails = (after: number): Behaviour => ({ kind: 'fails', after })

/** A peer that has joined, behind a plugin that has started. */
async function joined(bench: Bench, orderers: FakeOrderer[], height = 0, chain: readonly Block[] = []): Promise<FakePeer> {
  const peer = new FakePeer(bench.environment, orderers, chain.slice(0, height))
  await bench.dissemination.start()
  await bench.dissemination.join(peer)
  return peer
}

/** Lets everything run that is able to: what has not happened then, waits for something. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
}

/** The chain with a block in the place of number `at` that does not link to the one before. */
function forged(chain: readonly Block[], at: number): Block[] {
  const { number } = chain[at]!
  return [...chain.slice(0, at), Block.create(number, new Uint8Array(32).fill(9), [Uint8Array.of(1)]), ...chain.slice(at + 1)]
}

const tests: Record<string, (bench: Bench) => Promise<void>> = {
  'blocks arrive from the genesis block on, each once, in order': async (bench) => {
    const chain = longChain(30)
    const peer = await joined(bench, [new FakeOrderer('orderer0', chain)])
    await bench.until(() => peer.height === 30, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 30))
    assert.deepEqual([...new Set(peer.verdicts)], ['accepted'])
  },

  'a peer with blocks goes on at its height': async (bench) => {
    const chain = longChain(20)
    const orderer = new FakeOrderer('orderer0', chain)
    const peer = await joined(bench, [orderer], 12, chain)
    await bench.until(() => peer.height === 20, 'the rest of the chain')
    assert.deepEqual(peer.received, range(12, 20))
    assert.equal(orderer.requests[0], 12)
  },

  'new blocks arrive as they are ordered': async (bench) => {
    const chain = longChain(12)
    const orderer = new FakeOrderer('orderer0', chain.slice(0, 2))
    const peer = await joined(bench, [orderer])
    for (let number = 2; number < 12; number++) {
      await bench.until(() => peer.height === number, `block ${number - 1}`)
      orderer.append(chain[number]!)
    }
    await bench.until(() => peer.height === 12, 'the last block')
    assert.deepEqual(peer.received, range(0, 12))
  },

  'an orderer that fails in the middle costs no block': async (bench) => {
    const chain = longChain(25)
    const orderers = [new FakeOrderer('orderer0', chain, [fails(7)]), new FakeOrderer('orderer1', chain, [fails(9)])]
    const peer = await joined(bench, orderers)
    await bench.until(() => peer.height === 25, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 25))
  },

  'an orderer that ends without an error is left for another': async (bench) => {
    const chain = longChain(10)
    const silent = Array.from({ length: 100_000 }, (): Behaviour => ({ kind: 'ends', after: 0 }))
    const peer = await joined(bench, [new FakeOrderer('orderer0', chain, silent), new FakeOrderer('orderer1', chain)])
    await bench.until(() => peer.height === 10, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 10))
  },

  'when all orderers are down, it waits and tries again': async (bench) => {
    const chain = longChain(5)
    const down = [fails(0), fails(0), fails(0), fails(0)]
    const orderers = [new FakeOrderer('orderer0', chain, down), new FakeOrderer('orderer1', chain, down)]
    const peer = await joined(bench, orderers)
    await bench.until(() => peer.height === 5, 'the whole chain')
    assert.ok(bench.clock.waits.length > 0, 'it never waits: a dead network is asked without a pause')
    assert.ok(bench.clock.waits.every((delay) => delay > 0 && Number.isFinite(delay)))
  },

  'without any orderer it waits for the configuration to name one': async (bench) => {
    const orderers: FakeOrderer[] = []
    const peer = await joined(bench, orderers)
    await settle()
    assert.equal(peer.height, 0)
    orderers.push(new FakeOrderer('orderer0', longChain(3)))
    await bench.until(() => peer.height === 3, 'the whole chain')
  },

  'orderers are taken from the configuration as it is now': async (bench) => {
    const chain = longChain(8)
    const old = new FakeOrderer('old', chain, [fails(4)])
    const orderers = [old]
    const peer = await joined(bench, orderers)
    orderers.splice(0, 1, new FakeOrderer('new', chain))
    await bench.until(() => peer.height === 8, 'the whole chain')
    assert.equal(old.requests.length, 1, 'an orderer that left the configuration is not asked again')
  },

  'a block that the peer refuses is told in the log, and another orderer is asked': async (bench) => {
    const chain = longChain(10)
    const lies: Behaviour = { kind: 'forges', blocks: forged(chain, 4) }
    const liar = new FakeOrderer(
      'liar',
      chain,
      Array.from({ length: 50 }, () => lies),
    )
    const orderers = [liar]
    const peer = await joined(bench, orderers)
    await bench.until(() => peer.verdicts.includes('refused'), 'the forged block')
    orderers.push(new FakeOrderer('honest', chain))
    await bench.until(() => peer.height === 10, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 10))
    assert.ok(
      bench.log.some(({ level }) => level === 'warn' || level === 'error'),
      'nothing about the refused block in the log',
    )
  },

  'a gap is asked for again': async (bench) => {
    const chain = longChain(10)
    const orderer = new FakeOrderer('orderer0', chain, [{ kind: 'skips' }, { kind: 'skips' }])
    const peer = await joined(bench, [orderer])
    await bench.until(() => peer.height === 10, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 10))
  },

  'a peer that got blocks from elsewhere is not held up': async (bench) => {
    const chain = longChain(12)
    const orderer = new FakeOrderer('orderer0', chain.slice(0, 3))
    const peer = await joined(bench, [orderer])
    await bench.until(() => peer.height === 3, 'the first blocks')
    peer.accepted.push(...chain.slice(3, 8))
    orderer.append(...chain.slice(3))
    await bench.until(() => peer.height === 12, 'the whole chain')
  },

  'a peer without room is not given more': async (bench) => {
    const orderer = new FakeOrderer('orderer0', longChain(200))
    const peer = new FakePeer(bench.environment, [orderer])
    let open = (): void => {}
    peer.gate = new Promise((resolve) => {
      open = resolve
    })
    await bench.dissemination.start()
    await bench.dissemination.join(peer)
    await bench.until(() => peer.open > 0, 'a first block')
    await settle()
    assert.equal(peer.mostAtOnce, 1, 'the next block waits until the peer has taken the one before')
    assert.ok(orderer.given <= bench.readAhead + 1, `${orderer.given} blocks were fetched for a peer without room`)
    open()
    await bench.until(() => peer.height === 200, 'the whole chain')
    assert.equal(peer.mostAtOnce, 1)
  },

  'joining returns without waiting for blocks': async (bench) => {
    const peer = new FakePeer(bench.environment, [])
    await bench.dissemination.start()
    await bench.settled(bench.dissemination.join(peer), 'the end of join')
  },

  'leaving ends the request, and no block comes after it': async (bench) => {
    const chain = longChain(40)
    const orderer = new FakeOrderer('orderer0', chain.slice(0, 20))
    const peer = await joined(bench, [orderer])
    await bench.until(() => peer.height >= 5, 'some blocks')
    await bench.settled(bench.dissemination.leave(peer.channel), 'the end of leave')
    peer.closed = true
    orderer.append(...chain.slice(20))
    await settle()
    assert.equal(peer.givenAfterClose, 0)
    assert.equal(orderer.open, 0, 'the orderer still holds the request')
  },

  'a channel that was left can be joined again, and goes on at its height': async (bench) => {
    const chain = longChain(20)
    const orderer = new FakeOrderer('orderer0', chain.slice(0, 10))
    const peer = await joined(bench, [orderer])
    await bench.until(() => peer.height === 10, 'the first blocks')
    await bench.settled(bench.dissemination.leave(peer.channel), 'the end of leave')
    orderer.append(...chain.slice(10))
    await bench.dissemination.join(peer)
    await bench.until(() => peer.height === 20, 'the whole chain')
    assert.deepEqual(peer.received, range(0, 20))
    assert.equal(orderer.requests.at(-1), 10)
  },

  'stopping while blocks come ends everything': async (bench) => {
    const chain = longChain(60)
    const orderers = [new FakeOrderer('orderer0', chain.slice(0, 30)), new FakeOrderer('orderer1', chain.slice(0, 30))]
    const peer = await joined(bench, orderers)
    await bench.until(() => peer.height >= 5, 'some blocks')
    await bench.settled(bench.dissemination.stop(), 'the end of stop')
    peer.closed = true
    for (const orderer of orderers) orderer.append(...chain.slice(30))
    await settle()
    assert.equal(peer.givenAfterClose, 0)
    assert.deepEqual(
      orderers.map(({ open }) => open),
      [0, 0],
    )
  },

  'stopping while it waits for an orderer to come back ends the wait': async (bench) => {
    const down = Array.from({ length: 100_000 }, () => fails(0))
    const orderer = new FakeOrderer('orderer0', longChain(3), down)
    await joined(bench, [orderer])
    await bench.until(() => orderer.requests.length > 2, 'some attempts')
    await bench.settled(bench.dissemination.stop(), 'the end of stop')
    const { length } = orderer.requests
    await settle()
    assert.equal(orderer.requests.length, length)
  },

  'stopping while the peer has no room ends once there is': async (bench) => {
    const orderer = new FakeOrderer('orderer0', longChain(30))
    const peer = new FakePeer(bench.environment, [orderer])
    let open = (): void => {}
    peer.gate = new Promise((resolve) => {
      open = resolve
    })
    await bench.dissemination.start()
    await bench.dissemination.join(peer)
    await bench.until(() => peer.open > 0, 'a first block')
    const stopped = bench.dissemination.stop()
    open()
    await bench.settled(stopped, 'the end of stop')
    const { height } = peer
    peer.closed = true
    await settle()
    assert.equal(peer.height, height)
    assert.equal(peer.givenAfterClose, 0)
  },

  'it can be stopped twice, before it was started, and with nothing joined': async (bench) => {
    await bench.settled(bench.dissemination.stop(), 'the end of stop')
    await bench.settled(bench.dissemination.stop(), 'the end of stop')
    await bench.settled(bench.dissemination.leave('never joined'), 'the end of leave')
  },

  'channels do not mix': async (bench) => {
    const chains = [longChain(15, 1), longChain(15, 3)]
    await bench.dissemination.start()
    const peers = chains.map(
      (chain, i) => new FakePeer(bench.environment, [new FakeOrderer(`orderer${i}`, chain)], [], `channel${i}`),
    )
    for (const peer of peers) await bench.dissemination.join(peer)
    await bench.until(() => peers.every(({ height }) => height === 15), 'both chains')
    await bench.settled(bench.dissemination.leave('channel0'), 'the end of leave')
    for (const [i, peer] of peers.entries()) {
      assert.deepEqual(
        peer.accepted.map((block) => Buffer.from(block.hash())),
        chains[i]!.map((block) => Buffer.from(block.hash())),
      )
    }
  },

  'its status is plain data, for a channel that it does not know as well': async (bench) => {
    const peer = await joined(bench, [new FakeOrderer('orderer0', longChain(3))])
    await bench.until(() => peer.height === 3, 'the whole chain')
    for (const channel of [peer.channel, 'unknown']) {
      const status = bench.dissemination.status(channel)
      assert.deepEqual(structuredClone(status), { ...status })
    }
  },
}

/**
 * Conformance of a dissemination plugin, on one peer with orderers in the process: blocks in order whatever the orderers do, no more than
 * the peer has room for, and an end that is one.
 */
export function disseminationConformance(api: TestApi, suite: DisseminationSuite): void {
  const patience = suite.patience ?? 10_000
  let seed = 0
  const create = async (): Promise<Bench> => {
    const { environment, clock, log } = hurriedEnvironment(++seed, suite.environment)
    const { dissemination, dispose } = await suite.create(environment)
    return {
      dissemination,
      environment,
      clock,
      log,
      readAhead: suite.readAhead ?? 16,
      dispose,
      until: (condition, what) => until(patience, condition, what),
      settled: (promise, what) => within(patience, promise, what),
    }
  }
  registerSuite(api, `Dissemination: ${suite.name}`, create, (bench) => bench.dispose(), tests, suite.skips)
}
