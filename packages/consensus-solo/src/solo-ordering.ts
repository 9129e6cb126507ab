import {
  type Batch,
  BatchPacer,
  type BlockCutter,
  type ChannelHost,
  type ConfigSubmission,
  OrderError,
  type Ordered,
  type OrderingService,
  type Pace,
  type Submission,
} from '@heddle/core/plugin'

/** An envelope between submit and its durable block. */
interface Waiting {
  readonly submission: Submission
  readonly signal: AbortSignal | undefined
  readonly resolve: (ordered: Ordered) => void
  readonly reject: (error: Error) => void
}

/** Total order by one node: envelopes stand in blocks in the order in which they were submitted. */
export class SoloOrdering implements OrderingService {
  readonly failed: Promise<never>
  private readonly host: ChannelHost
  private readonly cutter: BlockCutter<Waiting>
  private readonly pacer: BatchPacer
  private running = false

  constructor(host: ChannelHost, pace: Partial<Pace>) {
    this.host = host
    this.cutter = host.cutter()
    this.pacer = new BatchPacer({
      clock: host.environment.clock,
      load: () => host.load,
      batchTimeout: () => host.config.batchTimeout,
      pending: () => this.cutter.pending,
      cut: () => this.cut(),
      pace,
    })
    // One node that decides alone cannot lose anybody; a failed disk the host sees first.
    this.failed = new Promise(() => {})
  }

  async start(): Promise<void> {
    this.running = true
  }

  /** What stands in the cutter was acknowledged to nobody: its submitters hear that it was not ordered. */
  async stop(): Promise<void> {
    this.running = false
    this.pacer.stop()
    for (const { reject } of this.cutter.cut()) reject(this.stopped())
  }

  submit(submission: Submission, signal?: AbortSignal): Promise<Ordered> {
    return new Promise((resolve, reject) => this.take({ submission, signal, resolve, reject }))
  }

  async configure(submission: ConfigSubmission, _signal?: AbortSignal): Promise<Ordered> {
    if (!this.running) throw this.stopped()
    const current =
      submission.configSequence === this.host.config.sequence ? submission : await this.host.recheckConfig(submission)
    // What was checked under the old configuration goes before the new one.
    this.cut()
    const { number, durable } = this.host.decide({
      batch: { envelopes: [current.envelope], isConfig: true },
      consenterMetadata: NOTHING,
    })
    await durable
    this.pacer.released()
    return { blockNumber: number }
  }

  receive(): void {}

  adopted(): void {}

  status(): Readonly<Record<string, unknown>> {
    return { pending: this.cutter.pending, pendingBytes: this.cutter.pendingBytes }
  }

  private take(waiting: Waiting): void {
    const { submission, reject } = waiting
    if (!this.running) reject(this.stopped())
    else if (submission.configSequence !== this.host.config.sequence) this.takeAgain(waiting)
    else {
      for (const batch of this.cutter.ordered(waiting, submission.size)) this.decide(batch)
      this.pacer.arrived()
    }
  }

  private takeAgain(waiting: Waiting): void {
    this.host.recheck(waiting.submission).then((submission) => this.take({ ...waiting, submission }), waiting.reject)
  }

  private cut(): void {
    this.decide(this.cutter.cut())
  }

  private decide(batch: readonly Waiting[]): void {
    const wanted = batch.filter((each) => each.signal?.aborted !== true)
    if (wanted.length < batch.length) for (const each of batch) if (each.signal?.aborted === true) each.reject(abandoned())
    if (wanted.length === 0) return
    const envelopes: Batch['envelopes'] = wanted.map(({ submission }) => submission.envelope)
    try {
      const { number, durable } = this.host.decide({ batch: { envelopes, isConfig: false }, consenterMetadata: NOTHING })
      this.pacer.wasCut()
      durable.then(
        () => {
          for (const { resolve } of wanted) resolve({ blockNumber: number })
          this.pacer.released()
        },
        (error) => this.lose(wanted, error),
      )
    } catch (error) {
      this.lose(wanted, error)
    }
  }

  /** The disk failed while the block was on its way to it: it may be there after a restart. */
  private lose(batch: readonly Waiting[], cause: unknown): void {
    const error = new OrderError('ORDER_OUTCOME_UNKNOWN', 'the block did not reach the disk for certain', {}, { cause })
    for (const { reject } of batch) reject(error)
  }

  private stopped(): OrderError {
    return new OrderError('ORDER_UNAVAILABLE', 'the orderer is stopped', { channel: this.host.channel })
  }
}

function abandoned(): OrderError {
  return new OrderError('ORDER_ABORTED', 'nobody waits for the envelope any more')
}

const NOTHING = new Uint8Array(0)
