import { createPrivateKey, createSign, randomBytes } from 'node:crypto'
import { serializeIdentity } from '@heddle/core'
import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '@heddle/core/model'
import { percentile } from '@heddle/testkit/benchmark'
import { CHANNEL, type Holder } from '../processes/cluster-plan.ts'

/** Bytes of an envelope, and of a value that etcd stores. */
export const ENVELOPE_BYTES = 1024

export interface Measured {
  /** Items a second. */
  readonly rate: number
  /** Milliseconds, of one call. */
  readonly p50: number
  readonly p99: number
  readonly underWay: number
}

/**
 * Keeps a number of calls under way for some time: each caller begins the next when it has its answer, and tells which node it wants. Calls in the first part do not
 * count. A failed call ends the measurement.
 */
export async function closedLoop(
  underWay: number,
  call: (caller: number) => Promise<unknown>,
  { milliseconds, warmUp = milliseconds / 3, items = 1 }: { milliseconds: number; warmUp?: number; items?: number },
): Promise<Measured> {
  const times: number[] = []
  const begin = performance.now() + warmUp
  const end = begin + milliseconds
  let done = 0
  let turn = 0
  const caller = async (_: unknown, own: number): Promise<void> => {
    while (performance.now() < end) {
      const from = performance.now()
      // A lone caller takes the nodes in turn; of many each keeps to one, so that all have the same number.
      await call(underWay === 1 ? turn++ : own)
      const to = performance.now()
      if (to < begin || to > end) continue
      done += items
      times.push(to - from)
    }
  }
  await Promise.all(Array.from({ length: underWay }, caller))
  return { rate: done / (milliseconds / 1000), p50: percentile(times, 0.5), p99: percentile(times, 0.99), underWay }
}

/** The best of several loads. */
export const best = (measured: readonly Measured[]): Measured => measured.reduce((a, b) => (b.rate > a.rate ? b : a))

/**
 * Transactions of a client, of 1 kB each. Signed ones take 20 µs each to make, so they are made before the measurement; unsigned ones have
 * a signature of the right length that nobody looks at.
 */
export function envelopeMaker(client: Holder): { make(): Uint8Array; sign(count: number): Uint8Array[] } {
  const creator = serializeIdentity(client.mspId, client.certificate)
  const key = createPrivateKey(client.privateKey)
  const start = randomBytes(8).toString('hex')
  const size = (content: number): number => encode(start.padEnd(32, '0'), content, Buffer.alloc(71)).length
  // The content that makes it as long as wanted.
  const content = ENVELOPE_BYTES - size(0) - (size(200) - size(0) - 200)
  if (content <= 0) throw new RangeError('the certificate alone is larger than an envelope')
  let count = 0

  function payloadOf(txId: string, bytes: number): Uint8Array {
    return Payload.encode({
      header: {
        channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId: CHANNEL, txId }),
        signatureHeader: SignatureHeader.encode({ creator, nonce: Buffer.from(txId).subarray(0, 24) }),
      },
      data: new Uint8Array(bytes).fill(46),
    })
  }
  function encode(txId: string, bytes: number, signature: Uint8Array): Uint8Array {
    return Envelope.encode({ payload: payloadOf(txId, bytes), signature })
  }
  const nextId = (): string => `${String(++count).padStart(16, '0')}${start}`
  const random = randomBytes(71)
  // No two alike, as signatures are.
  const unsigned = (): Uint8Array => {
    const signature = Buffer.from(random)
    signature.writeUInt32BE(count, 40)
    signature.writeUInt32BE(count, 67)
    return signature
  }
  return {
    make: () => encode(nextId(), content, unsigned()),
    sign: (wanted) =>
      Array.from({ length: wanted }, () => {
        const payload = payloadOf(nextId(), content)
        return Envelope.encode({ payload, signature: lowS(createSign('sha256').update(payload).sign(key)) })
      }),
  }
}

const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** Fabric takes only the smaller of the two values of s. */
function lowS(der: Uint8Array): Uint8Array {
  const bytes = Buffer.from(der)
  const rLength = bytes[3]!
  const s = BigInt(`0x${bytes.subarray(6 + rLength).toString('hex')}`)
  if (s <= ORDER / 2n) return der
  let hex = (ORDER - s).toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  const low = Buffer.from(hex, 'hex')
  const positive = low[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), low]) : low
  const r = bytes.subarray(2, 4 + rLength)
  const body = Buffer.concat([r, Buffer.of(2, positive.length), positive])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}
