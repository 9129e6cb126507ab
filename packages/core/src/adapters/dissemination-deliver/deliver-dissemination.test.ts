import { expect, it } from 'vitest'
import type { Block } from '../../model/block.ts'
import type { BlockVerdict, DeliverEndpoint, PeerChannelHost } from '../../ports/dissemination.ts'
import { manualClock } from '../environment/clock.ts'
import { noMetrics } from '../environment/metrics.ts'
import { seededRandom } from '../environment/random.ts'
import { silentLogger } from '../environment/silent-logger.ts'
import { DeliverDissemination } from './deliver-dissemination.ts'

const block = (number: number): Block => ({ number }) as Block

/** A channel that takes blocks in order, apart from those that the test calls bad. */
function channelWith(orderers: readonly DeliverEndpoint[], bad: (block: Block, from: string) => boolean = () => false) {
  const clock = manualClock()
  const taken: string[] = []
  let height = 1
  const reached = new Map<number, () => void>()
  // All that direct deliver uses of its host.
  const channel = {
    channel: 'main',
    mspId: 'Org1MSP',
    node: 'peer0',
    get height() {
      return height
    },
    async receive(given: Block, from: string): Promise<BlockVerdict> {
      if (given.number < height) return 'known'
      if (given.number > height) return 'ahead'
      if (bad(given, from)) return 'refused'
      height++
      taken.push(`${given.number} from ${from}`)
      reached.get(height)?.()
      return 'accepted'
    },
    blocks: () => {
      throw new Error('not asked')
    },
    orderers: () => orderers,
    environment: {
      clock,
      random: seededRandom('deliver'),
      logger: silentLogger,
      metrics: noMetrics,
      disk: undefined as never,
      transport: undefined as never,
    },
  } as unknown as PeerChannelHost
  const reach = (wanted: number) =>
    height >= wanted ? Promise.resolve() : new Promise<void>((resolve) => reached.set(wanted, resolve))
  /** Lets back-offs pass until the height is reached. */
  const run = async (wanted: number): Promise<void> => {
    let done = false
    const end = reach(wanted).then(() => {
      done = true
    })
    while (!done) {
      await new Promise(setImmediate)
      clock.advance(10_000)
    }
    await end
  }
  return { channel, taken, run }
}

/** An orderer with some blocks, which then waits, or ends when it is told to fail. */
function orderer(
  name: string,
  blocks: readonly number[],
  after: 'wait' | 'fail' = 'wait',
): DeliverEndpoint & { asked: number[] } {
  const asked: number[] = []
  return {
    name,
    asked,
    async *deliver(from, signal) {
      asked.push(from)
      for (const number of blocks) if (number >= from) yield block(number)
      if (after === 'fail') throw new Error('gone')
      if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }
}

it('goes on with another orderer, from the block that is needed, when one fails', async () => {
  const a = orderer('a', [1, 2], 'fail')
  const b = orderer('b', [1, 2, 3, 4])
  const { channel, run } = channelWith([a, b])
  const deliver = new DeliverDissemination()
  await deliver.join(channel)
  await run(5)
  expect(deliver.status('main')).toMatchObject({ source: 'b' })
  expect(b.asked.at(-1)).toBeLessThanOrEqual(3)
  await deliver.stop()
})

it('leaves an orderer that gave a refused block, and notes it', async () => {
  const liar = orderer('liar', [1, 2, 3])
  const honest = orderer('honest', [1, 2, 3])
  const { channel, run, taken } = channelWith([liar, honest], ({ number }, from) => from === 'liar' && number === 2)
  const deliver = new DeliverDissemination()
  await deliver.join(channel)
  await run(4)
  expect(taken.slice(-2)).toEqual(['2 from honest', '3 from honest'])
  await deliver.stop()
})

it('leaving a channel ends the pull at the orderer as well', async () => {
  let ended = 0
  const only: DeliverEndpoint = {
    name: 'only',
    async *deliver(_from, signal) {
      yield block(1)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      ended++
    },
  }
  const { channel, run } = channelWith([only])
  const deliver = new DeliverDissemination()
  await deliver.join(channel)
  await run(2)
  await deliver.leave('main')
  expect(ended).toBe(1)
  expect(deliver.status('main')).toEqual({})
})

it('stops while it waits between attempts, and with no orderer at all', async () => {
  const { channel } = channelWith([])
  const deliver = new DeliverDissemination()
  await deliver.join(channel)
  await new Promise(setImmediate)
  await deliver.stop()
})
