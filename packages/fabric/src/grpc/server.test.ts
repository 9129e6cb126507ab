import { connect, constants } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import { silentLogger } from '@heddle/core/plugin'
import { afterEach, describe, expect, it } from 'vitest'
import type { ServerLimits } from './limits.ts'
import type { Methods, StreamCall } from './method.ts'
import { GrpcServer } from './server.ts'
import { GrpcStatus, Status } from './status.ts'

let server: GrpcServer | undefined
const clients: grpc.Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await server?.stop()
  server = undefined
})

const echo: Methods = {
  '/test.Echo/Unary': { kind: 'unary', handle: async (request) => request },
  '/test.Echo/Slow': {
    kind: 'unary',
    concurrency: 2,
    handle: (_request, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  },
  '/test.Echo/Refuse': {
    kind: 'unary',
    handle: async () => {
      throw new GrpcStatus(Status.FAILED_PRECONDITION, '50 % of the peers said "ä"\n', Buffer.from('details'))
    },
  },
  '/test.Echo/Break': {
    kind: 'unary',
    handle: async () => {
      throw new Error('a secret of the server')
    },
  },
  '/test.Echo/Both': {
    kind: 'stream',
    open: (call) => ({ message: (message) => void call.send(message), halfClosed: () => call.end() }),
  },
}

async function listen(methods: Methods = echo, limits: Partial<ServerLimits> = {}): Promise<grpc.Client> {
  server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, methods, limits, logger: silentLogger })
  return client()
}

function client(): grpc.Client {
  const made = new grpc.Client(`127.0.0.1:${server!.port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  })
  clients.push(made)
  return made
}

const same = (bytes: Buffer): Buffer => bytes

function unary(from: grpc.Client, path: string, request: Buffer, options: grpc.CallOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    from.makeUnaryRequest(path, same, same, request, new grpc.Metadata(), options, (error, answer) =>
      error === null ? resolve(answer!) : reject(error),
    )
  })
}

/** A stream of which the test holds the client's side. */
function both(from: grpc.Client, path = '/test.Echo/Both') {
  const stream = from.makeBidiStreamRequest(path, same, same)
  const status = new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve))
  stream.on('error', () => {})
  return { stream, status }
}

describe('unary calls', () => {
  it('the answer is what the handler gives, for messages of no byte, one, and several megabytes', async () => {
    const from = await listen()
    for (const size of [0, 1, 5, 16_384, 65_536, 3_000_000]) {
      const request = Buffer.alloc(size, 7)
      expect((await unary(from, '/test.Echo/Unary', request)).equals(request)).toBe(true)
    }
  })

  it('a status comes with its text and details, whatever characters they hold', async () => {
    const from = await listen()
    const error = await unary(from, '/test.Echo/Refuse', Buffer.alloc(1)).catch((refusal: grpc.ServiceError) => refusal)
    expect(error).toMatchObject({ code: Status.FAILED_PRECONDITION, details: '50 % of the peers said "ä"\n' })
    const details = (error as grpc.ServiceError).metadata.get('grpc-status-details-bin')
    expect(details).toEqual([Buffer.from('details')])
  })

  it('what goes wrong inside stays inside', async () => {
    const from = await listen()
    await expect(unary(from, '/test.Echo/Break', Buffer.alloc(1))).rejects.toMatchObject({
      code: Status.INTERNAL,
      details: 'internal error',
    })
  })

  it('an unknown method is UNIMPLEMENTED', async () => {
    await expect(unary(await listen(), '/test.Echo/Nothing', Buffer.alloc(1))).rejects.toMatchObject({
      code: Status.UNIMPLEMENTED,
    })
  })

  it('a message over the limit is RESOURCE_EXHAUSTED before its bytes are taken; the connection goes on', async () => {
    const from = await listen(echo, { messageBytes: 1000 })
    await expect(unary(from, '/test.Echo/Unary', Buffer.alloc(1001))).rejects.toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
    })
    expect(await unary(from, '/test.Echo/Unary', Buffer.alloc(1000))).toHaveLength(1000)
  })

  it('the deadline of the client ends the call and aborts the handler', async () => {
    const aborted = Promise.withResolvers<unknown>()
    const from = await listen({
      '/test.Echo/Slow': {
        kind: 'unary',
        handle: (_request, { signal }) => {
          signal.addEventListener('abort', () => aborted.resolve(signal.reason))
          return new Promise(() => {})
        },
      },
    })
    const call = unary(from, '/test.Echo/Slow', Buffer.alloc(1), { deadline: Date.now() + 100 })
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED })
    expect(await aborted.promise).toBeInstanceOf(GrpcStatus)
  })

  it('a client that cancels aborts the handler', async () => {
    const aborted = Promise.withResolvers<unknown>()
    const started = Promise.withResolvers<void>()
    const from = await listen({
      '/test.Echo/Slow': {
        kind: 'unary',
        handle: (_request, { signal }) => {
          signal.addEventListener('abort', () => aborted.resolve(signal.reason))
          started.resolve()
          return new Promise(() => {})
        },
      },
    })
    const call = from.makeUnaryRequest('/test.Echo/Slow', same, same, Buffer.alloc(1), () => {})
    await started.promise
    call.cancel()
    expect(await aborted.promise).toMatchObject({ status: Status.CANCELLED })
    expect(server!.load.calls).toBe(0)
  })

  it('calls over the limit of their method are RESOURCE_EXHAUSTED, those within it are not touched', async () => {
    const from = await listen()
    const slow = [1, 2].map(() => from.makeUnaryRequest('/test.Echo/Slow', same, same, Buffer.alloc(1), () => {}))
    // The server has seen both when it answers a call that came after them.
    await unary(from, '/test.Echo/Unary', Buffer.alloc(1))
    await expect(unary(from, '/test.Echo/Slow', Buffer.alloc(1))).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED })
    expect(server!.load.calls).toBe(2)
    for (const call of slow) call.cancel()
  })

  it('a thousand calls at once on one connection are all answered', async () => {
    const from = await listen()
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => unary(from, '/test.Echo/Unary', Buffer.from(String(i)))),
    )
    expect(answers.map(String)).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)))
  })
})

describe('streams', () => {
  it('messages come in order, both ways, and the end is OK', async () => {
    const { stream, status } = both(await listen())
    const seen: string[] = []
    stream.on('data', (message: Buffer) => seen.push(String(message)))
    for (let i = 0; i < 500; i++) stream.write(Buffer.from(String(i)))
    stream.end()
    expect((await status).code).toBe(Status.OK)
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
  })

  it('a reader that does not read holds the sender up, in bounded memory', async () => {
    const calls: StreamCall[] = []
    const from = await listen({
      '/test.Echo/Both': {
        kind: 'stream',
        open: (call) => {
          calls.push(call)
          return { message: () => {}, halfClosed: () => {} }
        },
      },
    })
    const { stream } = both(from)
    stream.pause()
    stream.write(Buffer.alloc(1))
    while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const [call] = calls
    let sent = 0
    while (call!.send(Buffer.alloc(100_000))) sent++
    expect(sent).toBeLessThan(200)
    let drained = false
    const waiting = call!.drained().then(() => {
      drained = true
    })
    expect(drained).toBe(false)
    stream.on('data', () => {})
    stream.resume()
    await waiting
    expect(drained).toBe(true)
    stream.cancel()
  })

  it('a status after messages comes in the trailers', async () => {
    const from = await listen({
      '/test.Echo/Both': {
        kind: 'stream',
        open: (call) => ({
          message: (message) => {
            call.send(message)
            throw new GrpcStatus(Status.NOT_FOUND, 'no more')
          },
          halfClosed: () => call.end(),
        }),
      },
    })
    const { stream, status } = both(from)
    const seen: Buffer[] = []
    stream.on('data', (message: Buffer) => seen.push(message))
    stream.write(Buffer.from('a'))
    expect(await status).toMatchObject({ code: Status.NOT_FOUND, details: 'no more' })
    expect(seen).toHaveLength(1)
  })
})

describe('clients that do not keep to the protocol', () => {
  const raw = async (headers: Record<string, string>, body: readonly Buffer[], end = true) => {
    const session = connect(`http://127.0.0.1:${server!.port}`)
    session.on('error', () => {})
    const stream = session.request({ ':method': 'POST', ':path': '/test.Echo/Unary', ...headers })
    for (const chunk of body) stream.write(chunk)
    if (end) stream.end()
    const got: Record<string, unknown> = {}
    stream.on('response', (response) => Object.assign(got, response))
    stream.on('trailers', (trailers) => Object.assign(got, trailers))
    stream.on('error', () => {})
    stream.resume()
    await new Promise((resolve) => stream.on('close', resolve))
    session.destroy()
    return got
  }
  const grpcType = { 'content-type': 'application/grpc' }
  const framed = (text: string, flag = 0): Buffer => Buffer.concat([Buffer.from([flag, 0, 0, 0, text.length]), Buffer.from(text)])

  it.each([
    ['another content type', { 'content-type': 'text/plain' }, [framed('a')], { ':status': 415 }],
    ['a request without a message', grpcType, [], { 'grpc-status': '3' }],
    ['a message that is cut off', grpcType, [framed('abc').subarray(0, 6)], { 'grpc-status': '3' }],
    ['a prefix that is cut off', grpcType, [framed('abc').subarray(0, 3)], { 'grpc-status': '3' }],
    ['a length of four gigabytes', grpcType, [Buffer.from([0, 255, 255, 255, 255])], { 'grpc-status': '8' }],
    ['a compressed message', grpcType, [framed('a', 1)], { 'grpc-status': '12' }],
    ['a time-out that is none', { ...grpcType, 'grpc-timeout': '1x' }, [framed('a')], { 'grpc-status': '3' }],
    ['another method than POST', { ...grpcType, ':method': 'GET' }, [], { ':status': 415 }],
  ])('%s gets its status', async (_name, headers, body, expected) => {
    await listen()
    expect(await raw(headers, body)).toMatchObject(expected)
  })

  it('a second message of a unary call changes nothing', async () => {
    await listen()
    expect(await raw(grpcType, [framed('a'), framed('b')])).toMatchObject({ ':status': 200 })
    expect(String(await unary(client(), '/test.Echo/Unary', Buffer.from('still here')))).toBe('still here')
  })

  it('bytes come one by one: the message is whole all the same', async () => {
    await listen()
    const bytes = [...framed('hello')].map((byte) => Buffer.from([byte]))
    expect(await raw(grpcType, bytes)).toMatchObject({ 'grpc-status': '0' })
  })

  it('the answer does not wait for the half-close', async () => {
    await listen()
    expect(await raw(grpcType, [framed('a')], false)).toMatchObject({ 'grpc-status': '0' })
  })

  it('a request that trickles in is ended after its time', async () => {
    await listen(echo, { request: 50 })
    expect(await raw(grpcType, [framed('abc').subarray(0, 6)], false)).toMatchObject({ 'grpc-status': '4' })
  })

  it('a flood of resets closes the connection; others are served', async () => {
    await listen()
    const session = connect(`http://127.0.0.1:${server!.port}`)
    session.on('error', () => {})
    const closed = new Promise<void>((resolve) => session.on('close', resolve))
    const flood = (): void => {
      if (session.closed || session.destroyed) return
      for (let i = 0; i < 500; i++) {
        const stream = session.request({ ':method': 'POST', ':path': '/test.Echo/Slow', ...grpcType })
        stream.on('error', () => {})
        stream.close(constants.NGHTTP2_CANCEL)
      }
      setImmediate(flood)
    }
    flood()
    await closed
    expect(String(await unary(client(), '/test.Echo/Unary', Buffer.from('still here')))).toBe('still here')
  })

  it('garbage on the wire ends that connection only', async () => {
    await listen()
    const socket = connectTcp(server!.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.alloc(5000, 0x5a))
    await new Promise((resolve) => socket.on('close', resolve))
    expect(String(await unary(client(), '/test.Echo/Unary', Buffer.from('still here')))).toBe('still here')
  })

  it('connections over the limit of an address are turned away, and taken again when others close', async () => {
    await listen(echo, { connectionsPerAddress: 3 })
    const open = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<ReturnType<typeof connectTcp>>((resolve) => {
            const socket = connectTcp(server!.port, '127.0.0.1', () => resolve(socket))
            socket.on('error', () => {})
          }),
      ),
    )
    while (server!.load.connections < 3) await new Promise((resolve) => setImmediate(resolve))
    const fourth = connectTcp(server!.port, '127.0.0.1')
    fourth.on('error', () => {})
    await new Promise((resolve) => fourth.on('close', resolve))
    for (const socket of open) socket.destroy()
    while (server!.load.connections > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(String(await unary(client(), '/test.Echo/Unary', Buffer.from('in')))).toBe('in')
  })
})

describe('stopping', () => {
  it('calls under way are given a moment, then end with UNAVAILABLE; new ones are refused', async () => {
    const from = await listen(echo, { grace: 50 })
    const slow = unary(from, '/test.Echo/Slow', Buffer.alloc(1))
    await unary(from, '/test.Echo/Unary', Buffer.alloc(1))
    const stopped = server!.stop()
    await expect(slow).rejects.toMatchObject({ code: Status.UNAVAILABLE })
    await stopped
    server = undefined
  })

  it('a port that is taken is a typed error', async () => {
    await listen()
    const again = GrpcServer.listen({ host: '127.0.0.1', port: server!.port, methods: {}, logger: silentLogger })
    await expect(again).rejects.toMatchObject({ code: 'SERVICE_LISTEN_FAILED', data: { reason: 'EADDRINUSE' } })
  })
})
