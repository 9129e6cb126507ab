import raft from '@heddle/consensus-raft'
import type { OrderingSubject } from '@heddle/testkit/simulator'
import type { Message } from '../src/core/types.ts'
import { decodeMessage } from '../src/messages/message.ts'
import { LogWatch } from './log-watch.ts'
import { Members, statusOf } from './members.ts'
import { mutants } from './mutants.ts'

/** Larger than any message of a simulation. */
const MOST_BYTES = 1 << 26

/** Raft under simulation: one, three or five nodes. */
const subject: OrderingSubject = {
  name: 'raft',
  plugin: raft,
  plan(draw) {
    const nodes = draw.pick([1, 3, 3, 3, 3, 5, 5])
    const electionTimeout = Math.round(draw.magnitude(300, 5_000))
    const submitTimeout = draw.pick([1_000, 10_000])
    const options = {
      electionTimeout,
      heartbeat: Math.max(30, Math.round(electionTimeout / draw.pick([3, 6, 10]))),
      maxInflightBlocks: draw.pick([1, 3, 8]),
      snapshotInterval: draw.pick([1_024, 10_000, 100_000, 16 * 1024 * 1024]),
      submitTimeout,
      outcomeTimeout: draw.pick([2 * submitTimeout, 30_000]),
      pace: draw.pick([{}, { crowd: 1, quiet: 10, longest: 200 }, { crowd: 1000 }]),
    }
    return {
      nodes,
      options,
      patience: 60_000 + 40 * electionTimeout,
      lostDisks: (nodes - 1) / 2,
      actions: nodes === 1 ? {} : { membership: 3, rotate: 1 },
    }
  },
  prepare(world) {
    const watch = new LogWatch(world)
    const members = new Members(world)
    const genesisHash = world.genesis.hash()
    world.network.probe = {
      sent(node, { service }, bytes): Message | undefined {
        if (service !== 'order') return undefined
        const read = decodeMessage(genesisHash, bytes, MOST_BYTES)
        if (typeof read === 'string') {
          world.violate('messages', `${node} sends a message that is ${read}`)
          return undefined
        }
        if (read.kind !== 'raft') return undefined
        watch.sent(node, read.message)
        return read.message
      },
      delivered(_node, message) {
        if (message !== undefined) watch.delivered(message as Message)
      },
    }
    return {
      leader: () => world.nodes.find((node) => statusOf(node)?.role === 'leader')?.name,
      act: (action, number) => members.act(action, number),
      restore: (node) => members.restore(node),
      mayLoseDisk: () => members.mayLoseDisk(),
      settled: () => world.nodes.length === 1 || members.settled,
    }
  },
  minimum: (seeds) => {
    const each = Math.floor(seeds / 4)
    return {
      elections: 5 * seeds,
      'leader changes under load': each,
      'log truncations': each,
      'snapshot catch-ups': each,
      'config changes': each,
      'membership changes': each,
      'certificates rotated': each,
      crashes: each,
      'crashes with unsynced data': each,
      'torn writes': each,
      'disk faults': each,
      'disks lost': each,
      'files damaged': each,
      'partitions healed': each,
      'messages lost': each,
      'messages replayed': each,
      'messages overtaken': each,
      pauses: each,
      'clock jumps': each,
    }
  },
  mutants,
}

export default subject
