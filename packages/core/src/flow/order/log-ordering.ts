import { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Timer } from '../../ports/clock.ts'
import type { LogRecord, OrderedLog, OrderedLogProvider, Position } from '../../ports/ordered-log.ts'
import type {
  BlockCutter,
  ChannelHost,
  ConfigSubmission,
  Ordered,
  OrderingService,
  Submission,
  Tip,
} from '../../ports/ordering-service.ts'
import { BatchPacer, defaultPace, type Pace } from './batch-pacer.ts'
import { LogError, OrderError } from './errors.ts'
import { envelopeSize } from './ingress-filters.ts'
import { type AppendLimits, LogProducer } from './log-producer.ts'
import { chainOf, compareBytes, LogMetadata, RECORD_OVERHEAD, RecordClass } from './log-record.ts'
import { RecordReader } from './log-record-codec.ts'
import { OwnRecord, type ReadEnvelope, type Waiter } from './own-record.ts'

/** Blocks on their way to the disk beyond which reading the log waits. */
const MOST_BLOCKS = 16
const PRODUCER_BYTES = 16
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5_000
const NOTHING = new Uint8Array(0)

export interface LogOrderingParts {
  readonly host: ChannelHost
  readonly provider: OrderedLogProvider
  readonly pace: Partial<Pace>
  readonly limits: AppendLimits
}

/**
 * Ordering of a channel through a log that somebody else keeps. Every orderer reads the same records and cuts the same blocks, because
 * what is done with a record depends on nothing but the records before it:
 * - a record of an older configuration is skipped by all; who wrote it checks it again and writes it again;
 * - batches are cut by the batch limits, by a record that says so, by a TIME_TO_CUT that names the next block, by a config record;
 * - the position of the last record that was consumed stands in the block: reading goes on there after a restart.
 */
export class LogOrdering implements OrderingService {
  readonly failed: Promise<never>
  private readonly parts: LogOrderingParts
  private readonly host: ChannelHost
  private readonly cutter: BlockCutter<ReadEnvelope>
  private readonly pacer: BatchPacer
  private readonly pace: Pace
  private readonly producer: Uint8Array
  private readonly failure = Promise.withResolvers<never>()
  private readonly abort = new AbortController()
  /** Aborts the read under way: because of stop, or to read on elsewhere. */
  private reading = new AbortController()
  private readonly chain: Uint8Array
  /** By serial, until the record is read back. */
  private readonly own = new Map<number, OwnRecord>()
  private readonly record = new RecordReader()
  /** Records in the log that were written for another chain. */
  private foreign = 0
  /** Records of an older configuration, of whoever wrote them. */
  private skipped = 0
  /** Cuts that this orderer asked for. */
  private asks = 0
  /** Last serial given out. */
  private serial = 0
  /** The last record that was consumed, or where the chain ends. */
  private consumed: Pick<LogRecord, 'position'>
  private readers: Promise<void> = Promise.resolve()
  private records: LogProducer | undefined
  private log: OrderedLog | undefined
  private lastDurable: Promise<void> = Promise.resolve()
  /** Block that a TIME_TO_CUT of this orderer has asked for. */
  private asked = -1
  private fallback: { readonly timer: Timer; readonly urgent: boolean } | undefined
  /** Records in the cutter for which somebody waits here. */
  private ownPending = 0

  constructor(parts: LogOrderingParts) {
    this.parts = parts
    this.host = parts.host
    this.pace = { ...defaultPace, ...parts.pace }
    this.cutter = parts.host.cutter()
    this.consumed = { position: positionOf(parts.host.tip) }
    this.producer = parts.host.environment.random.bytes(PRODUCER_BYTES)
    this.chain = chainOf(parts.host.genesisHash)
    this.failed = this.failure.promise
    this.failed.catch(() => {})
    this.pacer = new BatchPacer({
      clock: parts.host.environment.clock,
      load: () => parts.host.load,
      batchTimeout: () => parts.host.config.batchTimeout,
      // Only the writer of the oldest record asks for a cut, and once.
      pending: () => (this.isOldestMine() && this.asked !== this.host.tip.number + 1 ? this.cutter.pending : 0),
      cut: () => this.askToCut(),
      pace: this.pace,
    })
  }

  async start(): Promise<void> {
    const { provider, host, limits } = this.parts
    const { genesisHash, members, config } = host
    const largestRecord = config.batchSize.absoluteMaxBytes + RECORD_OVERHEAD
    const log = await provider.open(host.channel, { genesisHash, members, largestRecord })
    // Before it has started, so that a stop meanwhile ends the wait.
    this.log = log
    await log.start()
    const { clock } = host.environment
    const { producer, chain } = this
    this.records = new LogProducer({
      log,
      clock,
      limits,
      producer,
      chain,
      mayCut: (records) => this.isFree(records),
      broken: (cause) => {
        if (!this.abort.signal.aborted) this.host.halt(asLogError(cause))
      },
    })
    this.readers = this.run(log)
  }

  async stop(): Promise<void> {
    this.abort.abort()
    this.reading.abort()
    this.pacer.stop()
    this.fallback?.timer.cancel()
    this.records?.stop()
    await this.readers
    await this.log?.stop()
    this.log = undefined
    const error = new OrderError('ORDER_OUTCOME_UNKNOWN', 'the orderer stopped before it read its record back from the log')
    for (const own of this.own.values()) own.reject(error)
    this.own.clear()
    for (const { own } of this.cutter.cut()) own?.reject(error)
  }

  submit(submission: Submission, signal?: AbortSignal): Promise<Ordered> {
    return this.write(submission, false, signal)
  }

  configure(submission: ConfigSubmission, signal?: AbortSignal): Promise<Ordered> {
    return this.write(submission, true, signal)
  }

  receive(): void {}

  adopted(tip: Tip): void {
    const position = positionOf(tip)
    if (compareBytes(position, this.consumed.position) <= 0) return
    this.consumed = { position }
    const error = new OrderError('ORDER_OUTCOME_UNKNOWN', 'the blocks came from another orderer')
    for (const { own } of this.cutter.cut()) own?.reject(error)
    this.ownPending = 0
    // Their records may stand where nobody here will read any more.
    for (const own of this.own.values()) own.reject(error)
    this.own.clear()
    this.fallback?.timer.cancel()
    this.fallback = undefined
    // Whoever reads now would go on with records that are in the chain already.
    this.reading.abort()
  }

  status(): Readonly<Record<string, unknown>> {
    return {
      position: Buffer.from(this.consumed.position).toString('hex'),
      pending: this.cutter.pending,
      written: this.own.size,
      queued: this.records?.queued ?? 0,
      foreign: this.foreign,
      skipped: this.skipped,
      asked: this.asks,
    }
  }

  private write(submission: Submission, isConfig: boolean, signal: AbortSignal | undefined): Promise<Ordered> {
    return new Promise((resolve, reject) => this.produce({ submission, isConfig, signal, resolve, reject }))
  }

  private produce(waiter: Waiter): void {
    if (this.records === undefined) {
      waiter.reject(new OrderError('ORDER_UNAVAILABLE', 'the orderer is not started'))
      return
    }
    const own = new OwnRecord(++this.serial, waiter, this.own)
    this.own.set(own.serial, own)
    this.records.push(own)
  }

  private async run(log: OrderedLog): Promise<void> {
    for (let pause = FIRST_PAUSE; !this.abort.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      this.reading = new AbortController()
      const { signal } = this.reading
      try {
        for await (const records of log.read(this.consumed.position, signal)) {
          pause = FIRST_PAUSE
          this.assertAscending(records)
          for (const record of records) {
            if (signal.aborted) break
            this.consume(record)
          }
          if (this.host.load.blocks > MOST_BLOCKS) await this.lastDurable
          if (signal.aborted) break
        }
      } catch (error) {
        if (this.abort.signal.aborted) return
        if (!(error instanceof LogError && error.duty === 'retry')) {
          this.host.halt(asLogError(error))
          return
        }
        this.host.environment.logger.warn({ err: error, channel: this.host.channel }, 'the ordered log cannot be read')
      }
      if (!signal.aborted) await this.wait(pause)
    }
  }

  private assertAscending(records: readonly LogRecord[]): void {
    const [first] = records
    const last = records.at(-1)
    if (first === undefined || last === undefined) return
    if (
      compareBytes(first.position, this.consumed.position) > 0 &&
      (first === last || compareBytes(last.position, first.position) > 0)
    )
      return
    throw new LogError('LOG_CORRUPT', 'the log gave a record at or before one that it gave already', {
      position: Buffer.from(first.position).toString('hex'),
    })
  }

  /** The pure part: what becomes of a record depends on the records before it and on nothing else. */
  private consume(given: LogRecord): void {
    const { record, consumed: before } = this
    record.read(given.data)
    this.consumed = given
    if (!record.isOf(this.chain)) {
      this.skipForeign(record.chain)
      return
    }
    if (record.class === RecordClass.TIME_TO_CUT) {
      if (record.blockNumber === this.host.tip.number + 1) this.cut()
      return
    }
    const { configSequence, cutAfter } = record
    const isMine = record.isBy(this.producer)
    const own = isMine ? this.readOwn(record.serial) : undefined
    const current = this.host.config.sequence
    if (configSequence > current) {
      throw new LogError(
        'LOG_CORRUPT',
        `a record was written under configuration ${configSequence}, the current one is ${current}`,
      )
    }
    if (configSequence < current) {
      this.skipped++
      if (own !== undefined) this.produceAgain(own)
    } else {
      const read = own ?? { view: new EnvelopeView(record.envelope), isMine, own: undefined }
      if (record.class === RecordClass.CONFIG) {
        this.decide(this.cutter.cut(), before, false)
        this.decide([read], given, true)
      } else this.take(read, before)
    }
    if (cutAfter) this.cut()
    this.watch()
  }

  private take(read: ReadEnvelope, before: Pick<LogRecord, 'position'>): void {
    this.pacer.count()
    if (read.own !== undefined) this.ownPending++
    const batches = this.cutter.ordered(read, this.sizeOf(read))
    for (let i = 0; i < batches.length; i++) {
      // When the record still waits, its batch begins with it: reading has to begin with it, too.
      const holdsIt = i === batches.length - 1 && this.cutter.pending === 0
      this.decide(batches[i]!, holdsIt ? this.consumed : before, false)
    }
  }

  private skipForeign(chain: Uint8Array): void {
    if (this.foreign++ > 0) return
    const fields = { channel: this.host.channel, chain: Buffer.from(chain).toString('hex') }
    this.host.environment.logger.warn(fields, 'the ordered log holds records of another chain; they are skipped')
  }

  private readOwn(serial: number): OwnRecord | undefined {
    const own = this.own.get(serial)
    // A record that stands in the log twice is ordered twice, but answered once.
    this.own.delete(serial)
    return own
  }

  private sizeOf({ view, own }: ReadEnvelope): number {
    if (own !== undefined) return own.waiter.submission.size
    try {
      return envelopeSize(view)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw new LogError('LOG_CORRUPT', `a record holds no envelope: ${cause.message}`, {}, { cause })
    }
  }

  private produceAgain(own: OwnRecord): void {
    own.skipped()
    const { waiter } = own
    const checked = waiter.isConfig ? this.host.recheckConfig(waiter.submission) : this.host.recheck(waiter.submission)
    checked.then((submission) => this.produce({ ...waiter, submission }), waiter.reject)
  }

  /** Cuts what waits, the last record that was consumed included. */
  private cut(): void {
    this.decide(this.cutter.cut(), this.consumed, false)
  }

  private decide(batch: readonly ReadEnvelope[], { position }: Pick<LogRecord, 'position'>, isConfig: boolean): void {
    if (batch.length === 0) return
    const envelopes = batch.map(({ view }) => view)
    const consenterMetadata = LogMetadata.encode({ position })
    const { number, durable } = this.host.decide({ batch: { envelopes, isConfig }, consenterMetadata })
    this.lastDurable = durable
    this.fallback?.timer.cancel()
    this.fallback = undefined
    if (!isConfig) for (const { own } of batch) if (own !== undefined) this.ownPending--
    this.pacer.wasCut()
    durable.then(
      () => {
        for (const { own } of batch) own?.durable(number)
        this.pacer.released()
      },
      (cause) => {
        const error = new OrderError(
          'ORDER_OUTCOME_UNKNOWN',
          'the block is ordered but did not reach the disk here',
          {},
          { cause },
        )
        for (const { own } of batch) own?.reject(error)
      },
    )
  }

  /**
   * After each record: sees to it that what waits is cut some time. Its writer asks first, being the one that knows of the load; then,
   * after a jittered delay, orderers with a record of their own behind it; then any, because the writer has died.
   */
  private watch(): void {
    if (this.cutter.pending === 0) return
    if (this.isOldestMine()) {
      this.pacer.released()
      return
    }
    const urgent = this.ownPending > 0
    if (this.fallback !== undefined && (this.fallback.urgent || !urgent)) return
    this.fallback?.timer.cancel()
    const { clock, random } = this.host.environment
    const { batchTimeout } = this.host.config
    const delay = urgent ? Math.min(this.pace.longest, batchTimeout) : batchTimeout
    const ask = (): void => {
      this.fallback = undefined
      if (this.cutter.pending > 0) this.askToCut()
    }
    const timer = clock.setTimer(delay * (1 + random.float()), ask, urgent)
    this.fallback = { timer, urgent }
  }

  private askToCut(): void {
    const blockNumber = this.host.tip.number + 1
    this.asked = blockNumber
    this.asks++
    this.records?.push({
      class: RecordClass.TIME_TO_CUT,
      serial: 0,
      configSequence: this.host.config.sequence,
      envelope: NOTHING,
      blockNumber,
      isUnwanted: () => false,
      appended: () => {},
      failed: () => {
        this.asked = -1
        if (!this.abort.signal.aborted) this.watch()
      },
    })
  }

  /** What this orderer wrote before was read back and is durable: the last of the `records` that it appends now may cut. */
  private isFree(records: number): boolean {
    return this.own.size <= records && this.pacer.isFree()
  }

  private isOldestMine(): boolean {
    return this.cutter.oldest?.isMine === true
  }

  private wait(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.abort
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.host.environment.clock.setTimer(delay, done)
      signal.addEventListener('abort', done)
    })
  }
}

function positionOf(tip: Tip): Position {
  return tip.consenterMetadata.length === 0 ? NOTHING : LogMetadata.decode(tip.consenterMetadata).position
}

function asLogError(error: unknown): Error {
  return error instanceof HeddleError ? error : new LogError('LOG_CORRUPT', String(error), {}, { cause: error })
}
