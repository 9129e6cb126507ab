import type { Lifecycle } from './lifecycle.ts'

/** Opaque, ordered bytes: compare with `compareBytes`. Empty means before the first record. */
export type Position = Uint8Array

export interface LogRecord {
  readonly position: Position
  readonly data: Uint8Array
}

/**
 * A durable, totally ordered log that somebody else keeps (Kafka, Redis Streams, NATS JetStream, PostgreSQL, a file).
 * About forty lines for a third party; `orderingFromLog` makes an ordering service of it.
 *
 * Contract: positions ascend; gaps are allowed; once a reader passed a position nothing appears before it;
 * a record may appear twice (a producer's retry), never be lost once `append` resolved.
 */
export interface OrderedLog extends Lifecycle {
  /** Resolves when the record is durable under the log's guarantee. Rejects with LogError: `retry` (not appended) or `ask-status` (perhaps appended). */
  append(data: Uint8Array, signal?: AbortSignal): Promise<Position>
  /** Records after a position, in order; waits for new ones until aborted. Throws LOG_TRUNCATED when the log no longer holds what follows `after`. */
  read(after: Position, signal: AbortSignal): AsyncIterable<LogRecord>
  /** Position of the oldest record that is kept; undefined when the log is empty. */
  earliest(): Promise<Position | undefined>
}

/** Opens the log of a channel. */
export interface OrderedLogProvider extends Lifecycle {
  open(channel: string): Promise<OrderedLog>
}
