import assert from 'node:assert/strict'
import { HeddleError, OrderError, type RemoteNode, type Transport } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'

/** Two ends of a transport under test. */
export interface TransportSubject {
  /** Two started nodes that can reach each other, called `a` and `b`. */
  readonly a: Transport
  readonly b: Transport
  /** SerializedIdentity of `a`, as `b` must see it. Default: the bytes of its name. */
  readonly identity?: Uint8Array
  dispose(): Promise<void>
}

/** How the suite gets its transports. */
export interface TransportSuite {
  readonly name: string
  create(): Promise<TransportSubject>
  /** A message larger than the transport carries; left out where the limit is too large to test. */
  readonly tooLarge?: number
  readonly skips?: readonly Skip[]
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const string = (data: Uint8Array): string => new TextDecoder().decode(data)
const route = { to: 'b', service: 'echo', channel: 'c' }
const coded =
  (...codes: string[]) =>
  (error: { code?: string }): boolean =>
    codes.includes(error.code ?? '')

async function drain(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = []
  for await (const message of stream) all.push(string(message))
  return all
}

const tests: Record<string, (subject: TransportSubject, suite: TransportSuite) => Promise<void>> = {
  'a message arrives with the name and identity of its sender': async ({ a, b, identity = bytes('a') }) => {
    const got = new Promise<{ from: RemoteNode; message: Uint8Array }>((resolve) => {
      b.onMessage('echo', 'c', (from, message) => resolve({ from, message }))
    })
    a.send(route, bytes('hello'))
    const { from, message } = await got
    assert.equal(from.name, 'a')
    assert.deepEqual(Buffer.from(from.identity), Buffer.from(identity))
    assert.equal(string(message), 'hello')
  },

  'requests and streams come with the name and identity of who asks': async ({ a, b, identity = bytes('a') }) => {
    b.onRequest('echo', 'c', async (from) => from.identity)
    b.onStream('echo', 'c', async function* (from) {
      yield bytes(from.name)
      yield from.identity
    })
    assert.deepEqual(Buffer.from(await a.request(route, bytes(''))), Buffer.from(identity))
    const seen: Uint8Array[] = []
    for await (const message of a.stream(route, bytes(''))) seen.push(message)
    assert.deepEqual(
      seen.map((each) => Buffer.from(each)),
      [bytes('a'), identity].map((each) => Buffer.from(each)),
    )
  },

  'messages of no bytes and of many arrive as they were': async ({ a, b }) => {
    const sizes = [0, 1, 63, 64, 65, 4095, 4096, 16_319, 16_320, 16_321, 32_768, 60_000]
    const samples = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff))
    const messages: Uint8Array[] = []
    const all = new Promise<void>((resolve) => {
      b.onMessage('echo', 'c', (_from, message) => {
        messages.push(message)
        if (messages.length === samples.length) resolve()
      })
    })
    for (const sample of samples) a.send(route, sample)
    await all
    samples.forEach((sample, i) => void assert.deepEqual(Buffer.from(messages[i]!), Buffer.from(sample)))
    b.onRequest('echo', 'c', async (_from, message) => message)
    const answers = await Promise.all(samples.map((sample) => a.request(route, sample)))
    samples.forEach((sample, i) => void assert.deepEqual(Buffer.from(answers[i]!), Buffer.from(sample)))
    b.onStream('echo', 'c', async function* () {
      yield* samples
    })
    let i = 0
    for await (const item of a.stream(route, bytes(''))) assert.deepEqual(Buffer.from(item), Buffer.from(samples[i++]!))
    assert.equal(i, samples.length)
  },

  'both nodes ask each other at once': async ({ a, b }) => {
    a.onRequest('echo', 'c', async (from) => bytes(`a for ${from.name}`))
    b.onRequest('echo', 'c', async (from) => bytes(`b for ${from.name}`))
    const asked = Array.from({ length: 50 }, () => [a.request(route, bytes('')), b.request({ ...route, to: 'a' }, bytes(''))])
    const answers = await Promise.all(asked.flat())
    assert.deepEqual([...new Set(answers.map(string))].sort(), ['a for b', 'b for a'])
  },

  'a request that is given up leaves others alone': async ({ a, b }) => {
    let free: () => void = () => {}
    const freed = new Promise<void>((resolve) => {
      free = resolve
    })
    b.onRequest('echo', 'c', async (_from, message) => {
      await freed
      return message
    })
    const controller = new AbortController()
    const given = a.request(route, bytes('given up'), controller.signal)
    const kept = a.request(route, bytes('kept'))
    controller.abort()
    await assert.rejects(given, coded('TRANSPORT_ABORTED'))
    free()
    assert.equal(string(await kept), 'kept')
    assert.equal(string(await a.request(route, bytes('after'))), 'after')
  },

  'streams run beside each other, and one that nobody reads holds up no other': async ({ a, b }) => {
    b.onStream('echo', 'c', async function* (_from, message) {
      for (let i = 0; i < 100; i++) yield Uint8Array.from({ length: 30_000 }, () => message[0]!)
    })
    const idle = a.stream(route, Uint8Array.of(9))[Symbol.asyncIterator]()
    await idle.next()
    const sums = await Promise.all(
      [1, 2, 3].map(async (n) => {
        let sum = 0
        for await (const item of a.stream(route, Uint8Array.of(n))) sum += item.filter((byte) => byte === n).length
        return sum
      }),
    )
    assert.deepEqual(sums, [3_000_000, 3_000_000, 3_000_000])
    await idle.return?.()
  },

  'an error carries its data': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => {
      throw new HeddleError('SAMPLE_CODE', 'retry', 'the message', { number: 7, list: ['x'] })
    })
    await assert.rejects(a.request(route, bytes('')), (error: HeddleError) => {
      assert.deepEqual({ ...error.data }, { number: 7, list: ['x'] })
      return true
    })
  },

  'messages of one sender arrive in order, and not inside the call that sends them': async ({ a, b }) => {
    const got: string[] = []
    const all = new Promise<void>((resolve) => {
      b.onMessage('echo', 'c', (_from, message) => {
        got.push(string(message))
        if (got.length === 1000) resolve()
      })
    })
    for (let i = 0; i < 1000; i++) a.send(route, bytes(`${i}`))
    assert.equal(got.length, 0)
    await all
    assert.deepEqual(
      got,
      Array.from({ length: 1000 }, (_, i) => `${i}`),
    )
  },

  'a message to nobody is lost without an error': async ({ a }) => {
    a.send({ ...route, to: 'nobody' }, bytes('x'))
    a.send({ ...route, service: 'nothing' }, bytes('x'))
  },

  'a request is answered': async ({ a, b }) => {
    b.onRequest('echo', 'c', async (from, message) => bytes(`${from.name}: ${string(message)}`))
    assert.equal(string(await a.request(route, bytes('hello'))), 'a: hello')
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => a.request(route, bytes(`${i}`))))
    assert.deepEqual(
      answers.map(string),
      Array.from({ length: 100 }, (_, i) => `a: ${i}`),
    )
  },

  'services and channels do not mix': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => bytes('echo c'))
    b.onRequest('echo', 'd', async () => bytes('echo d'))
    b.onRequest('other', 'c', async () => bytes('other c'))
    assert.equal(string(await a.request({ ...route, channel: 'd' }, bytes(''))), 'echo d')
    assert.equal(string(await a.request({ ...route, service: 'other' }, bytes(''))), 'other c')
    assert.equal(string(await a.request(route, bytes(''))), 'echo c')
  },

  'what a known family of errors throws is recognised as its own': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => {
      throw new OrderError('ORDER_UNAVAILABLE', 'not now', { channel: 'c' })
    })
    await assert.rejects(a.request(route, bytes('')), (error: Error) => {
      assert.ok(error instanceof OrderError, 'instanceof the family')
      assert.equal(error.duty, 'retry')
      return true
    })
  },

  'a node answers itself': async ({ b }) => {
    b.onRequest('echo', 'c', async (from) => bytes(from.name))
    assert.equal(string(await b.request(route, bytes(''))), 'b')
  },

  'a typed error of the handler arrives with its code and duty': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => {
      throw new HeddleError('SAMPLE_CODE', 'fix-input', 'the message', { number: 7 })
    })
    await assert.rejects(a.request(route, bytes('')), (error: HeddleError) => {
      assert.equal(error.code, 'SAMPLE_CODE')
      assert.equal(error.duty, 'fix-input')
      assert.match(error.message, /the message/)
      return true
    })
  },

  'any other error of the handler is TRANSPORT_HANDLER_FAILED': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => {
      throw new TypeError('inside')
    })
    await assert.rejects(a.request(route, bytes('')), coded('TRANSPORT_HANDLER_FAILED'))
  },

  'unknown nodes and services are told apart': async ({ a }) => {
    await assert.rejects(a.request({ ...route, to: 'nobody' }, bytes('')), coded('TRANSPORT_UNREACHABLE'))
    await assert.rejects(a.request({ ...route, service: 'nothing' }, bytes('')), coded('TRANSPORT_NO_SERVICE'))
    await assert.rejects(drain(a.stream({ ...route, service: 'nothing' }, bytes(''))), coded('TRANSPORT_NO_SERVICE'))
  },

  'a request that is given up rejects at once': async ({ a, b }) => {
    b.onRequest('echo', 'c', () => new Promise(() => {}))
    const controller = new AbortController()
    const waiting = a.request(route, bytes(''), controller.signal)
    controller.abort()
    await assert.rejects(waiting, coded('TRANSPORT_ABORTED'))
    await assert.rejects(a.request(route, bytes(''), AbortSignal.abort()), coded('TRANSPORT_ABORTED'))
  },

  'a handler that takes a signal hears that nobody waits any more': async ({ a, b }) => {
    const heard = new Promise<void>((resolve) => {
      b.onRequest('echo', 'c', (_from, _message, signal) => {
        signal.addEventListener('abort', () => resolve())
        a.send({ ...route, to: 'b', service: 'begun' }, bytes(''))
        return new Promise(() => {})
      })
    })
    const begun = new Promise<void>((resolve) => b.onMessage('begun', 'c', () => resolve()))
    const controller = new AbortController()
    const waiting = a.request(route, bytes(''), controller.signal)
    const failed = assert.rejects(waiting, coded('TRANSPORT_ABORTED'))
    await begun
    controller.abort()
    await failed
    await heard
  },

  'a stream brings all answers in order, and ends': async ({ a, b }) => {
    b.onStream('echo', 'c', async function* (_from, message) {
      for (let i = 0; i < Number(string(message)); i++) yield bytes(`${i}`)
    })
    assert.deepEqual(
      await drain(a.stream(route, bytes('500'))),
      Array.from({ length: 500 }, (_, i) => `${i}`),
    )
    assert.deepEqual(await drain(a.stream(route, bytes('0'))), [])
  },

  'a slow reader holds up the stream': async ({ a, b }) => {
    let produced = 0
    b.onStream('echo', 'c', async function* () {
      for (;;) {
        produced++
        yield new Uint8Array(64 << 10)
      }
    })
    const reader = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    for (let i = 0; i < 5; i++) await reader.next()
    for (let i = 0; i < 1000; i++) await undefined
    assert.ok(produced < 500, `${produced} answers were made for a reader that took 5`)
    await reader.return?.()
  },

  'a reader that leaves ends the stream at its source': async ({ a, b }) => {
    const ended = new Promise<void>((resolve) => {
      b.onStream('echo', 'c', async function* (_from, _message, signal) {
        signal.addEventListener('abort', () => resolve())
        for (let i = 0; ; i++) yield bytes(`${i}`)
      })
    })
    for await (const message of a.stream(route, bytes(''))) if (string(message) === '3') break
    await ended
  },

  'a stream that is given up rejects, and its source is told': async ({ a, b }) => {
    const ended = new Promise<void>((resolve) => {
      b.onStream('echo', 'c', async function* (_from, _message, signal) {
        signal.addEventListener('abort', () => resolve())
        yield bytes('first')
        await new Promise(() => {})
      })
    })
    const controller = new AbortController()
    const reader = a.stream(route, bytes(''), controller.signal)[Symbol.asyncIterator]()
    assert.equal(string((await reader.next()).value), 'first')
    const next = reader.next()
    controller.abort()
    await assert.rejects(next, coded('TRANSPORT_ABORTED'))
    await ended
  },

  'an error in a stream arrives after the answers before it': async ({ a, b }) => {
    b.onStream('echo', 'c', async function* () {
      yield bytes('one')
      throw new HeddleError('SAMPLE_CODE', 'retry', 'no more')
    })
    const reader = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    assert.equal(string((await reader.next()).value), 'one')
    await assert.rejects(reader.next(), coded('SAMPLE_CODE'))
  },

  'withdrawing a service takes its handlers away, and it can be offered again': async ({ a, b }) => {
    b.onRequest('echo', 'c', async () => bytes('first'))
    assert.throws(() => b.onRequest('echo', 'c', async () => bytes('second')), coded('TRANSPORT_BAD_HANDLER'))
    b.withdraw('echo', 'c')
    await assert.rejects(a.request(route, bytes('')), coded('TRANSPORT_NO_SERVICE'))
    b.onRequest('echo', 'c', async () => bytes('second'))
    assert.equal(string(await a.request(route, bytes(''))), 'second')
  },

  'stopping a node ends what others wait for, and stopping twice is harmless': async ({ a, b }) => {
    b.onRequest('echo', 'c', () => new Promise(() => {}))
    const waiting = a.request(route, bytes(''))
    const failed = assert.rejects(waiting, coded('TRANSPORT_CLOSED', 'TRANSPORT_UNREACHABLE'))
    await undefined
    await b.stop()
    await b.stop()
    await failed
    await assert.rejects(a.request(route, bytes('')), coded('TRANSPORT_UNREACHABLE'))
    await assert.rejects(b.request({ ...route, to: 'a' }, bytes('')), coded('TRANSPORT_CLOSED'))
  },

  'a message that is too large is refused': async ({ a, b }, suite) => {
    if (suite.tooLarge === undefined) return
    const large = new Uint8Array(suite.tooLarge)
    b.onRequest('echo', 'c', async (_from, message) => message)
    assert.throws(() => a.send(route, large), coded('TRANSPORT_TOO_LARGE'))
    await assert.rejects(a.request(route, large), coded('TRANSPORT_TOO_LARGE'))
    await assert.rejects(drain(a.stream(route, large)), coded('TRANSPORT_TOO_LARGE'))
  },
}

/** The rules of the Transport port. */
export function transportConformance(api: TestApi, suite: TransportSuite): void {
  const bound = Object.fromEntries(
    Object.entries(tests).map(([title, test]) => [title, (subject: TransportSubject) => test(subject, suite)]),
  )
  registerSuite(
    api,
    `Transport: ${suite.name}`,
    () => suite.create(),
    (subject) => subject.dispose(),
    bound,
    suite.skips,
  )
}
