import { AnswerError } from './failures.ts'
import { type Compression, encodeBatch } from './record-batch.ts'
import { Cursor, writeUnsigned } from './varint.ts'

export const PRODUCE = { key: 0, version: 9 } as const
export const FETCH = { key: 1, version: 13 } as const
/** Answers go in order of the log: from the leader, without a session. */
const ACKS_ALL = -1

/** Bytes of a produce request before its batch, at their most, and behind it. */
const PRODUCE_TAIL = 3

/** Produce, version 9: one batch for partition 0 of one topic, acknowledged by all replicas in sync. In one buffer with the batch. */
export function encodeProduce(
  topic: string,
  records: readonly Uint8Array[],
  { timeout, now, compression }: { readonly timeout: number; readonly now: number; readonly compression: Compression },
): Buffer {
  const name = Buffer.from(topic)
  const ahead = 32 + name.length
  const bytes = encodeBatch(records, now, compression, ahead, PRODUCE_TAIL)
  const head = Buffer.allocUnsafe(ahead)
  let at = 0
  head[at++] = 0 // no transaction
  at = head.writeInt16BE(ACKS_ALL, at)
  at = head.writeInt32BE(timeout, at)
  head[at++] = 2 // one topic
  at = writeUnsigned(head, at, name.length + 1)
  at += name.copy(head, at)
  head[at++] = 2 // one partition
  at = head.writeInt32BE(0, at)
  at = writeUnsigned(head, at, bytes.length - ahead - PRODUCE_TAIL + 1)
  const start = ahead - at
  head.copy(bytes, start, 0, at)
  bytes.fill(0, bytes.length - PRODUCE_TAIL)
  return bytes.subarray(start)
}

export interface FetchRequest {
  /** 16 bytes. */
  readonly topicId: Buffer
  readonly leaderEpoch: number
  readonly offset: number
  readonly maxBytes: number
  /** Milliseconds. */
  readonly wait: number
}

/** Fetch, version 13, of partition 0 of one topic. */
export function encodeFetch({ topicId, leaderEpoch, offset, maxBytes, wait }: FetchRequest): Buffer {
  const bytes = Buffer.alloc(80)
  let at = bytes.writeInt32BE(-1, 0) // not a replica
  at = bytes.writeInt32BE(wait, at)
  at = bytes.writeInt32BE(1, at) // least bytes
  at = bytes.writeInt32BE(maxBytes, at)
  at = bytes.writeInt8(0, at) // all records that are committed to the replicas
  at = bytes.writeInt32BE(0, at) // no session
  at = bytes.writeInt32BE(-1, at)
  bytes[at++] = 2 // one topic
  at += topicId.copy(bytes, at)
  bytes[at++] = 2 // one partition
  at = bytes.writeInt32BE(0, at)
  at = bytes.writeInt32BE(leaderEpoch, at)
  at = bytes.writeBigInt64BE(BigInt(offset), at)
  at = bytes.writeInt32BE(-1, at) // last fetched epoch: replicas only
  at = bytes.writeBigInt64BE(-1n, at)
  at = bytes.writeInt32BE(maxBytes, at)
  bytes[at++] = 0 // tags of the partition
  bytes[at++] = 0 // of the topic
  bytes[at++] = 1 // nothing is forgotten
  bytes[at++] = 1 // no rack
  bytes[at++] = 0 // tags
  return bytes.subarray(0, at)
}

export interface FetchAnswer {
  /** Kafka's error code; 0 when there is none. */
  readonly error: number
  readonly logStart: number
  readonly records: Buffer
}

const NOTHING = Buffer.alloc(0)

export function decodeFetch(bytes: Buffer): FetchAnswer {
  const cursor = new Cursor(bytes)
  cursor.int32() // throttled for
  const error = cursor.int16()
  cursor.int32() // session
  if (error !== 0) return { error, logStart: -1, records: NOTHING }
  let answer: FetchAnswer = { error: 0, logStart: -1, records: NOTHING }
  for (let topics = cursor.unsigned() - 1; topics > 0; topics--) {
    cursor.take(16)
    for (let partitions = cursor.unsigned() - 1; partitions > 0; partitions--) {
      answer = decodePartition(cursor)
    }
    cursor.tags()
  }
  return answer
}

function decodePartition(cursor: Cursor): FetchAnswer {
  cursor.int32() // index
  const error = cursor.int16()
  cursor.int64() // high watermark
  cursor.int64() // last stable offset
  const logStart = cursor.int64()
  for (let aborted = cursor.unsigned() - 1; aborted > 0; aborted--) {
    cursor.take(16)
    cursor.tags()
  }
  cursor.int32() // preferred replica
  const length = cursor.unsigned() - 1
  const records = length > 0 ? cursor.take(length) : NOTHING
  cursor.tags()
  return { error, logStart, records }
}

/** Offset of the first record that was appended. @throws AnswerError */
export function decodeProduce(bytes: Buffer): number {
  const cursor = new Cursor(bytes)
  let base = -1
  for (let topics = cursor.unsigned() - 1; topics > 0; topics--) {
    cursor.take(Math.max(0, cursor.unsigned() - 1))
    for (let partitions = cursor.unsigned() - 1; partitions > 0; partitions--) {
      cursor.int32() // index
      const error = cursor.int16()
      base = cursor.int64()
      cursor.take(16) // time of the append, start of the log
      let details = ''
      for (let errors = cursor.unsigned() - 1; errors > 0; errors--) {
        cursor.int32()
        details += text(cursor)
        cursor.tags()
      }
      details += text(cursor)
      cursor.tags()
      if (error !== 0) throw new AnswerError(error, details === '' ? undefined : details)
    }
    cursor.tags()
  }
  return base
}

function text(cursor: Cursor): string {
  return cursor.take(Math.max(0, cursor.unsigned() - 1)).toString()
}
