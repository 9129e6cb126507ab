import solo from '@heddle/consensus-solo'
import {
  type BlockCutter,
  type ChannelHost,
  definePlugin,
  OrderError,
  type OrderingService,
  type Plugin,
  type Transport,
} from '@heddle/core/plugin'
import { inProcessHub } from '../../core/src/adapters/environment/in-process-transport.ts'
import { orderingConformance } from '../src/ordering-conformance/suite.ts'
import { transportConformance } from '../src/transport-conformance/suite.ts'
import { like } from './collect.fixture.ts'
import { proves } from './proves.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: whatever its options are
type Ordering = Plugin<'ordering', any>

/** Solo with a broken service, or on a broken host. */
const broken =
  (breakService: (service: OrderingService, host: ChannelHost) => OrderingService, breakHost = (host: ChannelHost) => host) =>
  (good: Ordering): Ordering =>
    definePlugin({
      ...good,
      create: async (context, options) => {
        const consenter = await good.create(context, options)
        return like(consenter, { join: (host) => breakService(consenter.join(breakHost(host)), host) })
      },
    })
const onHost = (breakHost: (host: ChannelHost) => ChannelHost) => broken((service) => service, breakHost)
const withCutter = (breakIt: <T>(cutter: BlockCutter<T>) => BlockCutter<T>) =>
  onHost((host) => like(host, { cutter: () => breakIt(host.cutter()) }) as ChannelHost)

proves<Ordering>('ordering plugins', (api, breakIt) => orderingConformance(api, { name: 'mutant', plugin: breakIt(solo) }), [
  [
    'names another block than the one that holds the envelope',
    /names the block that holds the envelope/,
    broken((service) =>
      like(service, { submit: async (...given) => ({ blockNumber: (await service.submit(...given)).blockNumber - 1 }) }),
    ),
  ],
  [
    'waits for the batch timeout',
    /a lone envelope does not wait/,
    broken((service, host) =>
      like(service, {
        submit: (...given) =>
          new Promise((resolve, reject) => {
            host.environment.clock.setTimer(host.config.batchTimeout, () => service.submit(...given).then(resolve, reject))
          }),
      }),
    ),
  ],
  [
    'cuts a block for each envelope',
    /under load blocks hold more than one/,
    withCutter((cutter) =>
      like(cutter, {
        ordered: (item, size) => [...cutter.ordered(item, size), cutter.cut()].filter((batch) => batch.length > 0),
      }),
    ),
  ],
  [
    'fills blocks without a limit',
    /more than MaxMessageCount/,
    withCutter(<T>(cutter: BlockCutter<T>) => {
      const waiting: T[] = []
      return like(cutter, {
        get pending() {
          return waiting.length
        },
        get oldest() {
          return waiting[0]
        },
        ordered: (item) => {
          waiting.push(item)
          return []
        },
        cut: () => waiting.splice(0),
      } as Partial<BlockCutter<T>>)
    }),
  ],
  [
    'acknowledges before the block is durable',
    /survives a loss of power/,
    onHost((host) =>
      like(host, {
        decide: (decision) => {
          const decided = host.decide(decision)
          decided.durable.catch(() => {})
          return { ...decided, durable: Promise.resolve() }
        },
      }),
    ),
  ],
  [
    'loses an envelope and says that it is ordered',
    /every envelope of many|an acknowledgement names/,
    broken((service, host) => {
      let count = 0
      return like(service, {
        submit: (...given) => (++count % 5 === 0 ? Promise.resolve({ blockNumber: host.tip.number }) : service.submit(...given)),
      })
    }),
  ],
  [
    'takes a config envelope and does nothing',
    /stands alone in its block and takes effect/,
    broken((service, host) => like(service, { configure: async () => ({ blockNumber: host.tip.number }) })),
  ],
  [
    'orders, and says that nothing happened',
    /told that nothing happened finds nothing/,
    broken((service) => {
      let count = 0
      return like(service, {
        submit: async (...given) => {
          const ordered = await service.submit(...given)
          if (++count % 2 === 0) throw new OrderError('ORDER_UNAVAILABLE', 'not this time')
          return ordered
        },
      })
    }),
  ],
  [
    'refuses the same bytes a second time',
    /the same bytes sent again/,
    broken((service) => {
      const seen = new Set<string>()
      return like(service, {
        submit: async (submission, signal) => {
          const id = Buffer.from(submission.envelope.bytes).toString('hex')
          if (seen.has(id)) throw new OrderError('ORDER_FORBIDDEN', 'once is enough')
          seen.add(id)
          return service.submit(submission, signal)
        },
      })
    }),
  ],
  [
    'has a status that is no data',
    /status is plain data/,
    broken((service) => like(service, { status: () => ({ service, height: 1n }) })),
  ],
])

interface Ends {
  readonly a: Transport
  readonly b: Transport
}

const atA =
  (breakIt: (transport: Transport) => Partial<Transport>) =>
  ({ a, b }: Ends): Ends => ({ a: like(a, breakIt(a)), b })
const atB =
  (breakIt: (transport: Transport) => Partial<Transport>) =>
  ({ a, b }: Ends): Ends => ({ a, b: like(b, breakIt(b)) })
const NOTHING = new Uint8Array(0)

proves<Ends>(
  'transports',
  (api, breakIt) =>
    transportConformance(api, {
      name: 'mutant',
      tooLarge: (64 << 10) + 1,
      create: async () => {
        const hub = inProcessHub({ maxMessageBytes: 64 << 10 })
        const a = hub.connect({ name: 'a', identity: Buffer.from('a') })
        const b = hub.connect({ name: 'b', identity: Buffer.from('b') })
        await Promise.all([a.start(), b.start()])
        return { ...breakIt({ a, b }), dispose: async () => void (await Promise.all([a.stop(), b.stop()])) }
      },
    }),
  [
    [
      'does not say who sends',
      /name and identity of its sender/,
      atB((b) => ({
        onMessage: (service, channel, handler) =>
          b.onMessage(service, channel, (from, message) => handler({ ...from, identity: NOTHING }, message)),
      })),
    ],
    [
      'believes whatever name is given',
      /name and identity of who asks/,
      atB((b) => ({
        onRequest: (service, channel, handler) =>
          b.onRequest(service, channel, (_from, message, ...rest) => handler({ name: 'z', identity: NOTHING }, message, ...rest)),
      })),
    ],
    [
      'sends in the order of its own liking',
      /arrive in order/,
      atA((a) => {
        let held: (() => void) | undefined
        return {
          send: (route, message) => {
            const before = held
            held = () => a.send(route, message)
            if (before === undefined) setImmediate(() => held?.())
            else {
              held()
              before()
            }
          },
        }
      }),
    ],
    [
      'throws when nobody is there',
      /a message to nobody/,
      atA((a) => ({
        send: (route, message) => {
          if (route.to !== 'b') throw new Error('nobody')
          a.send(route, message)
        },
      })),
    ],
    ['answers every request with nothing', /a request is answered/, atA(() => ({ request: async () => NOTHING }))],
    [
      'mixes channels',
      /services and channels do not mix/,
      atA((a) => ({ request: (route, message, signal) => a.request({ ...route, channel: 'c' }, message, signal) })),
    ],
    [
      'loses the code of an error',
      /arrives with its code/,
      atA((a) => ({
        request: (route, message, signal) =>
          a.request(route, message, signal).catch((error) => {
            throw new Error(String(error))
          }),
      })),
    ],
    [
      'goes on waiting for what was given up',
      /given up rejects at once/,
      atA((a) => ({ request: (route, message) => a.request(route, message) })),
    ],
    [
      'swallows the end of a stream',
      /brings all answers in order/,
      atA((a) => ({
        async *stream(route, message, signal) {
          let last: Uint8Array | undefined
          for await (const each of a.stream(route, message, signal)) {
            if (last !== undefined) yield last
            last = each
          }
        },
      })),
    ],
    [
      'reads a stream far ahead',
      /a slow reader holds up the stream/,
      atA((a) => ({
        async *stream(route, message, signal) {
          const all: Uint8Array[] = []
          for await (const each of a.stream(route, message, signal)) if (all.push(each) === 5000) break
          yield* all
        },
      })),
    ],
    [
      'never tells the source that the reader left',
      /a reader that leaves/,
      atA((a) => ({
        stream: (route, message, signal) => {
          const inner = a.stream(route, message, signal)[Symbol.asyncIterator]()
          return { [Symbol.asyncIterator]: () => ({ next: () => inner.next() }) }
        },
      })),
    ],
    ['keeps handlers that were withdrawn', /withdrawing a service/, atB(() => ({ withdraw: () => {} }))],
    ['takes messages of any size', /too large is refused/, atA(() => ({ request: async () => NOTHING, send: () => {} }))],
    [
      'stops nothing',
      /stopping a node ends/,
      ({ a, b }) => ({ a: like(a, { stop: async () => {} }), b: like(b, { stop: async () => {} }) }),
    ],
  ],
)
