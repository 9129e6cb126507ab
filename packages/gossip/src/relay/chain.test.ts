import { Block } from '@heddle/core/model'
import { type BlockFinding, type BlockVerdict, silentLogger } from '@heddle/core/plugin'
import { expect, it } from 'vitest'
import { Chain, type ChainHost, type Taken } from './chain.ts'

const LIMITS = { blocks: 4, bytes: 1 << 20, unchecked: 8 }

/** A ledger that is a list; a block is signed when its first slot says so. Takes nothing while `gate` is not open. */
class Ledger implements ChainHost {
  readonly taken: Block[] = []
  gate: Promise<void> = Promise.resolve()
  examined = 0

  get height(): number {
    return this.taken.length
  }

  async examine(block: Block, { after }: { after?: Block } = {}): Promise<BlockFinding> {
    this.examined++
    const tip = after ?? this.taken.at(-1)
    if (block.number !== (tip === undefined ? 0 : tip.number + 1)) return 'not-next'
    if (block.metadataAt(0)[0] !== 1 || !block.hasDataHash()) return 'bad'
    return Buffer.compare(block.header.previousHash, tip?.hash() ?? new Uint8Array(0)) === 0 ? 'good' : 'forked'
  }

  async receive(block: Block): Promise<BlockVerdict> {
    await this.gate
    this.taken.push(block)
    return 'accepted'
  }

  async block(number: number): Promise<Block | undefined> {
    return this.taken[number]
  }

  forked(): void {}
}

function blocks(count: number, salt = 0, from: readonly Block[] = []): Block[] {
  const chain = [...from]
  while (chain.length < count) {
    const block = Block.create(chain.length, chain.at(-1)?.hash() ?? new Uint8Array(0), [Uint8Array.of(salt, chain.length)])
    chain.push(block.withMetadata({ 0: Uint8Array.of(1) }))
  }
  return chain
}

function setUp() {
  const ledger = new Ledger()
  const forks: [number, number][] = []
  const accepted: number[] = []
  const ended: string[] = []
  const chain = new Chain({
    host: ledger,
    limits: LIMITS,
    logger: silentLogger,
    onAccepted: (block) => accepted.push(block.number),
    onFork: async (held, other) => {
      forks.push([held.number, other.number])
    },
    onEnded: () => ended.push('ended'),
  })
  return { ledger, chain, forks, accepted, ended }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

it('takes blocks in order, each once, and says of others what they are', async () => {
  const { ledger, chain } = setUp()
  const all = blocks(4)
  expect(await chain.take(all[1]!, 'a')).toBe('ahead')
  expect(await chain.take(all[0]!, 'a')).toBe('accepted')
  expect(await chain.take(all[0]!, 'b')).toBe('known')
  expect(await chain.take(all[1]!.withMetadata({ 0: Uint8Array.of(2) }), 'b')).toBe('refused')
  expect(await chain.take(all[1]!, 'a')).toBe('accepted')
  await settle()
  expect(ledger.taken.map(({ number }) => number)).toEqual([0, 1])
})

it('a block that several bring at once is taken once', async () => {
  const { chain, accepted } = setUp()
  const [genesis, first] = blocks(2) as [Block, Block]
  await chain.take(genesis, 'a')
  // Another orderer's copy: the same header, other signature bytes.
  const copy = first.withMetadata({ 0: Uint8Array.of(1, 7) })
  const outcomes = await Promise.all([chain.take(first, 'a'), chain.take(copy, 'b'), chain.take(first, 'c')])
  expect(outcomes.sort()).toEqual(['accepted', 'known', 'known'])
  expect(accepted).toEqual([0, 1])
})

it('checks further blocks while the peer has no room, up to a bound, and goes on when it has', async () => {
  const { ledger, chain } = setUp()
  let open = (): void => {}
  ledger.gate = new Promise((resolve) => {
    open = resolve
  })
  const all = blocks(8)
  const outcomes: Taken[] = []
  for (const block of all.slice(0, 6)) outcomes.push(await chain.take(block, 'a'))
  expect(outcomes).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'full', 'ahead'])
  const patient = chain.take(all[4]!, 'a', true)
  open()
  expect(await patient).toBe('accepted')
  await settle()
  expect(ledger.height).toBe(5)
})

it('a signed block of a held height is a fork, an unsigned one a forgery', async () => {
  const { chain, forks, ledger } = setUp()
  const all = blocks(4)
  for (const block of all) await chain.take(block, 'a')
  await settle()
  const other = blocks(3, 9, all.slice(0, 2))[2]!
  expect(await chain.take(other.withMetadata({ 0: Uint8Array.of(0) }), 'b')).toBe('refused')
  expect(forks).toEqual([])
  expect(await chain.take(other, 'b')).toBe('forked')
  expect(forks).toEqual([[2, 2]])
  expect(ledger.height).toBe(4)
})

it('a signed block that does not continue the chain is a fork', async () => {
  const { chain, forks } = setUp()
  const all = blocks(3)
  for (const block of all) await chain.take(block, 'a')
  await settle()
  const elsewhere = blocks(4, 5)[3]!
  expect(await chain.take(elsewhere, 'b')).toBe('forked')
  expect(forks).toEqual([[2, 3]])
})

it('uses what was examined ahead when it was good, and looks again when it was not', async () => {
  const { chain, ledger } = setUp()
  const all = blocks(5)
  await chain.take(all[0]!, 'a')
  for (let i = 2; i < 5; i++) chain.prepare(all[i]!, all[i - 1]!)
  const before = ledger.examined
  for (const block of all.slice(1)) expect(await chain.take(block, 'a', true)).toBe('accepted')
  // Only the one that nobody prepared.
  expect(ledger.examined).toBe(before + 1)
  const [sixth, other] = [blocks(6, 0, all)[5]!, blocks(5, 3)[4]!]
  chain.prepare(sixth, other)
  expect(await chain.take(sixth, 'a')).toBe('accepted')
})

it('goes on where the peer is when that got blocks from elsewhere', async () => {
  const { chain, ledger } = setUp()
  const all = blocks(4)
  await chain.take(all[0]!, 'a')
  await settle()
  ledger.taken.push(all[1]!, all[2]!)
  expect(chain.next).toBe(3)
  expect(await chain.take(all[3]!, 'a')).toBe('accepted')
})

it('takes nothing after its end, and hands nothing on', async () => {
  const { chain, ledger } = setUp()
  const all = blocks(2)
  await chain.take(all[0]!, 'a')
  await chain.stop()
  const { height } = ledger
  expect(await chain.take(all[1]!, 'a')).toBe('stopped')
  expect(ledger.height).toBe(height)
  await chain.advance()
})

it.each(['examine', 'receive'] as const)('ends, once, when the peer fails to %s', async (what) => {
  const { chain, ledger, ended } = setUp()
  const all = blocks(3)
  await chain.take(all[0]!, 'a')
  await settle()
  ledger[what] = async () => {
    throw new Error('halted')
  }
  await chain.take(all[1]!, 'a')
  await settle()
  expect(await chain.take(all[2]!, 'a')).toBe('stopped')
  expect(ended).toEqual(['ended'])
})
