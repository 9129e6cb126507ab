import { LogError, type LogRecord, type Position } from '@heddle/core/plugin'
import type { Cluster, Leader } from './cluster.ts'
import { AnswerError, Code, wordsOf } from './failures.ts'
import type { Link } from './link.ts'
import { decodeBatches, offsetOf } from './record-batch.ts'
import { decodeFetch, encodeFetch, FETCH, type FetchAnswer } from './requests.ts'

/** Damaged batches in a row after which it is the topic, and not the way from it. */
const MOST_DAMAGED = 3

export interface TopicSource {
  readonly cluster: Cluster
  leader(): Promise<Leader>
  /** The leader that is known is none: ask again. */
  forget(leader: Leader): void
  connect(leader: Leader): Promise<Link>
  bounds(leader: Leader, link: Link): Promise<{ start: number; end: number }>
}

/** A connection on which fetches go, one at a time. */
interface Line {
  readonly leader: Leader
  readonly topicId: Buffer
  readonly link: Link
}

/**
 * Records after a position, from whichever broker leads. The next fetch is under way while a list of records is consumed. Leaders that
 * change, brokers that are lost and answers that do not come are waited for, without end.
 *
 * The record at the position itself is read once more and compared: a topic whose end was lost and written again has another there.
 *
 * @throws LogError LOG_TRUNCATED when the topic begins after the position or ends before it, or holds another record there
 */
export async function* readTopic(
  source: TopicSource,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const { cluster } = source
  const { logger } = cluster.environment
  let expected = after.length > 0 ? after : undefined
  let next = expected === undefined ? 0 : offsetOf(expected)
  let line: Line | undefined
  let fetching: Promise<FetchAnswer> | undefined
  let damaged = 0
  const close = (): void => {
    line?.link.close()
    line = undefined
    fetching?.catch(() => {})
    fetching = undefined
  }
  signal.addEventListener('abort', close)
  try {
    for (let attempt = 0; !signal.aborted; ) {
      try {
        line ??= await open(source)
        if (signal.aborted) return
        const { error, records: bytes } = await (fetching ?? fetch(source, line, next))
        fetching = undefined
        if (signal.aborted) return
        if (error === Code.OFFSET_OUT_OF_RANGE) {
          await outOfRange(source, line, next, expected !== undefined)
          // Nothing is missing: the record that was to be compared was the last one that the topic let go of.
          next++
          expected = undefined
          continue
        }
        if (error !== 0) throw new AnswerError(error, undefined)
        const batch = decodeBatches(bytes, next)
        attempt = 0
        damaged = 0
        let { records } = batch
        if (expected !== undefined && batch.next > next) {
          records = compared(records, expected, line.leader.topic.name)
          expected = undefined
        }
        next = batch.next
        fetching = fetch(source, line, next)
        // Its failure is dealt with when its answer is wanted.
        fetching.catch(() => {})
        if (records.length > 0) yield records
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof LogError && error.duty !== 'retry' && !(error.code === 'LOG_CORRUPT' && ++damaged < MOST_DAMAGED))
          throw error
        logger.warn({ reason: wordsOf(error), offset: next }, 'the topic cannot be read now')
        if (line !== undefined) source.forget(line.leader)
        close()
        await cluster.pause(attempt++, signal)
      }
    }
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

async function open(source: TopicSource): Promise<Line> {
  const leader = await source.leader()
  const link = await source.connect(leader).catch((error: unknown) => {
    source.forget(leader)
    throw error
  })
  return { leader, link, topicId: Buffer.from(leader.topic.id.replaceAll('-', ''), 'hex') }
}

function fetch({ cluster }: TopicSource, { link, leader, topicId }: Line, offset: number): Promise<FetchAnswer> {
  const { fetchBytes, timeouts } = cluster.settings
  const request = encodeFetch({ topicId, leaderEpoch: leader.epoch, offset, maxBytes: fetchBytes, wait: timeouts.poll })
  return link.send(FETCH, request, decodeFetch)
}

/** The records behind the one that is expected to be the first. */
function compared(records: LogRecord[], expected: Position, topic: string): LogRecord[] {
  const [first, ...others] = records
  if (first !== undefined && Buffer.compare(first.position, expected) === 0) return others
  const offset = offsetOf(expected)
  throw new LogError(
    'LOG_TRUNCATED',
    `the topic ${topic} holds another record at offset ${offset} than the one that the last block was made from: it was cut off and written again, or is another topic`,
    { topic, offset },
  )
}

/** Returns when only the record at the position itself is gone, which was consumed. */
async function outOfRange(source: TopicSource, { leader, link }: Line, offset: number, wasConsumed: boolean): Promise<void> {
  const { start, end } = await source.bounds(leader, link)
  if (wasConsumed && start === offset + 1) return
  const topic = leader.topic.name
  // The broker has changed its mind: another leader, perhaps.
  if (offset >= start && offset <= end)
    throw new LogError('LOG_UNAVAILABLE', `the offset ${offset} of ${topic} was out of range and no longer is`)
  const where =
    offset < start
      ? `begins at offset ${start}, records from ${offset} on are needed: retention or an operator deleted them`
      : `ends before offset ${end}, records up to ${offset} were consumed: its end was lost`
  throw new LogError('LOG_TRUNCATED', `the topic ${topic} ${where}`, { topic, offset, start, end })
}
