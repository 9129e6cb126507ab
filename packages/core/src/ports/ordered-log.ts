import type { Lifecycle } from './lifecycle.ts'

/** Opaque, ordered bytes: compare with `compareBytes`. Empty means before the first record. */
export type Position = Uint8Array

/** A record with its place in the log. */
export interface LogRecord {
  readonly position: Position
  readonly data: Uint8Array
}

/**
 * A durable, totally ordered log that somebody else keeps (Kafka, Redis Streams, NATS JetStream, PostgreSQL, a file).
 * About forty lines for a third party; `orderingFromLog` makes an ordering service of it.
 *
 * Contract: positions ascend; gaps are allowed; once a reader passed a position nothing appears before it, so a record that becomes
 * visible late must get a late position or hold the reader back; a record may appear twice (a producer's retry), never be lost once
 * `append` resolved. All readers see the same records at the same positions.
 */
export interface OrderedLog extends Lifecycle {
  /**
   * Appends records (never empty ones) in this order, perhaps with others' in between, and resolves with the position of the last one when all are durable
   * under the log's guarantee. The host makes one call at a time and puts into it what came meanwhile.
   * Rejects with LogError: `retry` (none was appended), `ask-status` (some were, perhaps), `fix-input` (never).
   */
  append(records: readonly Uint8Array[], signal?: AbortSignal): Promise<Position>
  /**
   * Records after a position, in order, in lists as the log hands them out; waits for new ones until aborted, then ends.
   * Throws LOG_TRUNCATED when the log no longer holds what follows `after`. The host reads again after any error whose duty is `retry`.
   */
  read(after: Position, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
  /** Position of the oldest record that is kept; undefined when the log is empty. */
  earliest(): Promise<Position | undefined>
}

/** The channel that a log is opened for. */
export interface LogChannel {
  /** Hash of the genesis block's header: two chains of one name must not meet in one log. */
  readonly genesisHash: Uint8Array
  /** Most bytes of one record under the channel's configuration: a log that takes less should refuse to start. */
  readonly largestRecord: number
  /** Names of the channel's orderers: all of them write and read this one log. */
  readonly members: readonly string[]
}

/** Opens the log of a channel. */
export interface OrderedLogProvider extends Lifecycle {
  open(channel: string, about: LogChannel): Promise<OrderedLog>
}
