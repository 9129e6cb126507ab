/**
 * A chaincode of all habits, good and bad: what the conformance suite loads into a runtime. It imports nothing, so that it runs wherever
 * a module can be loaded; a runtime for another language needs one with the same functions.
 */

interface Stub {
  getBufferArgs(): Uint8Array[]
  getStringArgs(): string[]
  getTxID(): string
  getChannelID(): string
  getCreator(): { mspid: string; idBytes: Uint8Array }
  getTransient(): Map<string, Uint8Array>
  getTxTimestamp(): { seconds: unknown; nanos: number }
  getState(key: string): Promise<Uint8Array>
  getMultipleStates(keys: string[]): Promise<Uint8Array[]>
  putState(key: string, value: Uint8Array | string): Promise<void>
  deleteState(key: string): Promise<void>
  setStateValidationParameter(key: string, policy: Uint8Array): Promise<void>
  getStateValidationParameter(key: string): Promise<Uint8Array | undefined>
  getStateByRange(start: string, end: string): Promise<Query>
  getStateByRangeWithPagination(
    start: string,
    end: string,
    size: number,
    bookmark: string,
  ): Promise<{ iterator: Query; metadata: unknown }>
  getQueryResult(query: string): Promise<Query>
  getHistoryForKey(key: string): Promise<Query>
  getPrivateDataHash(collection: string, key: string): Promise<Uint8Array>
  invokeChaincode(
    name: string,
    args: string[],
    channel: string,
  ): Promise<{ status: number; message: string; payload: Uint8Array }>
  setEvent(name: string, payload: Uint8Array): void
}

interface Query {
  next(): Promise<{ value?: { key?: string; txId?: string; value: Uint8Array }; done?: boolean }>
  close(): Promise<void>
}

const json = (value: unknown): string => JSON.stringify(value)
const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : new TextDecoder().decode(bytes))
const never = (): Promise<never> => new Promise(() => {})

async function drain(query: Query, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const found: string[] = []
  while (found.length < most) {
    const { value, done } = await query.next()
    if (value?.value !== undefined) found.push(`${value.key ?? value.txId}=${text(value.value)}`)
    if (done === true) break
  }
  await query.close()
  return found
}

type Habit = (stub: Stub, args: string[], self: Specimen) => unknown

const habits: Readonly<Record<string, Habit>> = {
  // Answers
  bytes: (stub) => stub.getBufferArgs()[1],
  text: () => 'grüße',
  nothing: () => undefined,
  later: async () => 'later',
  response: () => ({ status: 404, message: 'no such letter', payload: Uint8Array.of(1, 2, 3) }),
  large: (_stub, [size]) => new Uint8Array(Number(size)).fill(7),
  longMessage: (_stub, [size]) => ({ status: 400, message: 'x'.repeat(Number(size)) }),
  count: (_stub, _args, self) => `${++self.calls}`,

  // What it knows of its invocation
  facts: (stub) => {
    const { mspid, idBytes } = stub.getCreator()
    const { seconds, nanos } = stub.getTxTimestamp()
    return json({
      txId: stub.getTxID(),
      channel: stub.getChannelID(),
      args: stub.getBufferArgs().map((arg) => [...arg]),
      creator: [mspid, [...idBytes]],
      transient: [...stub.getTransient()].map(([name, value]) => [name, [...value]]),
      timestamp: [Number(seconds), nanos],
    })
  },

  // Bad answers
  throws: () => {
    throw new Error('no letter without a bank')
  },
  rejects: async () => {
    throw new Error('no letter without a bank')
  },
  throwsNothing: () => {
    throw undefined
  },
  throwsText: () => {
    throw 'a text'
  },
  throwsTrap: () => {
    throw {
      toString() {
        throw new Error('not even a text')
      },
    }
  },
  number: () => 42,
  plainObject: () => ({ letter: 1 }),
  statusNaN: () => ({ status: Number.NaN, payload: 'x' }),
  statusText: () => ({ status: '200', payload: 'x' }),
  payloadNumber: () => ({ status: 200, payload: 7 }),
  cyclic: () => {
    const ring: Record<string, unknown> = {}
    ring.self = ring
    return ring
  },
  uncloneable: () => ({ answer: () => 1 }),

  // No answer
  hangs: async (stub) => {
    await stub.getState('started')
    return never()
  },
  loops: async (stub) => {
    await stub.getState('started')
    for (;;);
  },
  exits: async (stub) => {
    await stub.getState('started')
    process.exit(3)
  },
  throwsOutside: async (stub) => {
    await stub.getState('started')
    setTimeout(() => {
      throw new Error('outside an invocation')
    })
    return never()
  },
  rejectsOutside: async (stub) => {
    await stub.getState('started')
    void Promise.reject(new Error('nobody awaits this'))
    return never()
  },

  // The ledger
  get: async (stub, [key]) => stub.getState(key!),
  many: async (stub, keys) => json((await stub.getMultipleStates(keys)).map(text)),
  put: async (stub, [key, value]) => stub.putState(key!, value!),
  putWithoutWaiting: (stub, [key, value]) => {
    void stub.putState(key!, value!)
    return 'done'
  },
  putBytes: async (stub) => {
    const buffer = new Uint8Array(8).fill(1)
    const written = stub.putState('bytes', buffer)
    buffer.fill(2)
    await written
  },
  del: async (stub, [key]) => stub.deleteState(key!),
  policy: async (stub, [key, policy]) => {
    await stub.setStateValidationParameter(key!, new TextEncoder().encode(policy))
    return stub.getStateValidationParameter(key!)
  },
  hash: async (stub, [collection, key]) => stub.getPrivateDataHash(collection!, key!),
  call: async (stub, [name, channel, ...args]) => {
    const { status, message, payload } = await stub.invokeChaincode(name!, args, channel!)
    return json([status, message, text(payload)])
  },
  event: (stub, [name]) => stub.setEvent(name!, Uint8Array.of(1, 2)),
  refused: async (stub, [key]) => {
    try {
      await stub.getState(key!)
      return 'not refused'
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return json([code, message, error instanceof Error])
    }
  },
  passOn: async (stub, [key]) => stub.getState(key!),
  range: async (stub, [start, end]) => json(await drain(await stub.getStateByRange(start!, end!))),
  rangeStart: async (stub, [start, end, most]) => json(await drain(await stub.getStateByRange(start!, end!), Number(most))),
  page: async (stub, [start, end, size, bookmark]) => {
    const { iterator, metadata } = await stub.getStateByRangeWithPagination(start!, end!, Number(size), bookmark ?? '')
    return json([await drain(iterator), metadata])
  },
  query: async (stub, [query]) => json(await drain(await stub.getQueryResult(query!))),
  history: async (stub, [key]) => json(await drain(await stub.getHistoryForKey(key!))),
  twoRanges: async (stub) => {
    const [low, high] = await Promise.all([stub.getStateByRange('a', 'c'), stub.getStateByRange('c', '')])
    const found: string[] = []
    for (let i = 0; i < 2; i++) {
      for (const query of [low, high]) {
        const { value } = await query.next()
        found.push(value!.key!)
      }
    }
    await Promise.all([low.close(), high.close()])
    return json(found)
  },
  interleaved: async (stub, [key]) => {
    await stub.putState(`${key} 1`, stub.getTxID())
    await stub.getState('gate')
    const read = text(await stub.getState(key!))
    await stub.putState(`${key} 2`, stub.getTxID())
    return `${stub.getTxID()} ${read}`
  },
}

/** Each instance that a runtime makes counts for itself. */
export default class Specimen {
  calls = 0

  init(stub: Stub): unknown {
    return `init ${stub.getTxID()}`
  }

  invoke(stub: Stub): unknown {
    const [name, ...args] = stub.getStringArgs()
    const habit = habits[name ?? '']
    if (habit === undefined) throw new Error(`there is no habit ${name}`)
    return habit(stub, args, this)
  }
}

/** An export that is no chaincode. */
export const noChaincode = { letters: 3 }

/** A class that cannot be instantiated. */
export class Unbuildable {
  constructor() {
    throw new Error('not today')
  }

  invoke(): void {}
}
