import type { EnvelopeView } from '@heddle/core/model'
import type { ChannelHost, ConfigSubmission, OrderError, Ordered, Pace, Submission } from '@heddle/core/plugin'
import type { RoleState } from '../core/types.ts'
import type { Alarms } from '../driver/alarms.ts'
import { uniqueNumber } from '../driver/open-replica.ts'
import { ForwardReceiver } from '../forwarding/forward-receiver.ts'
import { ForwardSender } from '../forwarding/forward-sender.ts'
import type { Forward, Refused, Taken } from '../messages/message.ts'
import type { ResolvedRaftOptions } from '../options.ts'
import { type CutBatch, LeaderIntake, type Proposed, RECHECK } from './leader-intake.ts'
import { forwardedSubmission, refusalOf } from './refusals.ts'
import { Submissions, type Waiting } from './submissions.ts'

export interface EnvelopeRouterParts {
  readonly host: ChannelHost
  readonly alarms: Alarms
  readonly options: ResolvedRaftOptions
  readonly heartbeat: number
  readonly maxInflightBlocks: () => number
  readonly send: (member: number, message: Forward | Taken) => void
  readonly propose: (batch: CutBatch) => Proposed
  readonly admitConfig: (config: ConfigSubmission) => 'now' | 'later'
}

/** Milliseconds between two looks for submissions that have waited too long. */
const EXPIRY_LOOK = 250

/**
 * Brings envelopes to where they are ordered: to this node's own intake while it leads, to the leader while another does, and answers their
 * submitters when they stand in a durable block here, or never will.
 */
export class EnvelopeRouter {
  readonly #parts: EnvelopeRouterParts
  readonly #pace: Partial<Pace>
  readonly #submissions: Submissions
  readonly #intake: LeaderIntake
  readonly #sender: ForwardSender
  readonly #receiver: ForwardReceiver
  readonly #awaitingConfig = new Set<Waiting>()
  #role: RoleState = { role: 'follower', term: 0, leader: 0 }
  #lastTerm = 0
  #isRouting = false
  #isClosed = false

  constructor(parts: EnvelopeRouterParts) {
    this.#parts = parts
    const { host, options, alarms: _, ...rest } = parts
    this.#pace = options.pace
    this.#submissions = new Submissions((waiting) => this.#sender.forget(waiting))
    this.#sender = new ForwardSender({
      submissions: this.#submissions,
      send: rest.send,
      refused: (waiting, refusal) => this.#refused(waiting, refusal),
      now: () => this.#now,
      newSession: () => uniqueNumber(host.environment),
      retry: 3 * rest.heartbeat,
    })
    this.#receiver = new ForwardReceiver({
      term: () => (this.#intake.leads ? this.#role.term : 0),
      take: ({ bytes, isConfig, configSequence }, origin) => {
        const submission = forwardedSubmission(bytes, configSequence)
        if (submission !== undefined) return this.#intake.take({ submission, isConfig, own: undefined, origin })
        this.#receiver.refuse(origin, 'ORDER_MALFORMED_ENVELOPE', 'the envelope does not parse')
        return true
      },
      send: rest.send,
    })
    this.#intake = new LeaderIntake({
      ...rest,
      host,
      pace: this.#pace,
      submissions: this.#submissions,
      maxForwardedBytes: options.maxForwardedBytes,
      refuse: (origin, code, message) => this.#receiver.refuse(origin, code, message),
      roomAgain: () => this.#receiver.resume(),
    })
  }

  /** For operators. */
  status() {
    return { waiting: this.#submissions.size, ...this.#intake.status() }
  }

  take(submission: Submission, isConfig: boolean, signal: AbortSignal | undefined): Promise<Ordered> {
    return new Promise((resolve, reject) => {
      this.#submissions.add(submission, isConfig, signal, this.#now, { resolve, reject })
      if (this.#submissions.size === 1) this.#watchExpiry()
      this.routeSoon()
    })
  }

  /** Who leads has changed. */
  follow(role: RoleState): void {
    const before = this.#role
    this.#role = role
    const leads = role.role === 'leader'
    const isNew = before.role !== role.role || before.term !== role.term
    if (isNew && before.role === 'leader') {
      this.#intake.end()
      this.#receiver.reset()
    }
    if (isNew && leads) {
      this.#sender.end()
      this.#receiver.reset()
      this.#intake.begin(role.term)
    }
    // The session lasts while the leader is out of sight: in its term nobody else can have taken its place.
    if (!leads && role.leader !== 0) this.#sender.begin(role.leader, role.term)
    this.#route()
  }

  /** The envelopes of an entry, parsed, if this node proposed it. */
  proposed(index: number, term: number): readonly EnvelopeView[] | undefined {
    return this.#intake.proposalAt(index, term)?.items.map(({ submission }) => submission.envelope)
  }

  viewOf(bytes: Uint8Array): EnvelopeView | undefined {
    return this.#submissions.viewOf(bytes)
  }

  /** Envelopes stand in a block. */
  decided(envelopes: readonly (Uint8Array | EnvelopeView)[], blockNumber: number, durable: Promise<void>): void {
    this.#submissions.decided(envelopes, blockNumber, durable)
  }

  /** An entry was applied. */
  applied(index: number, term: number): void {
    this.#intake.applied(index, term)
    this.#fence(term)
  }

  /** All entries up to this one are in the chain, taken from others. */
  skipped(index: number, term: number): void {
    this.#intake.forgetProposals(index)
    this.#fence(term)
    this.routeSoon()
  }

  /** What could not be proposed may be tried again. */
  released(): void {
    this.#intake.released()
  }

  forwarded(member: number, message: Forward): boolean {
    return this.#receiver.received(member, message)
  }

  taken(member: number, message: Taken): void {
    this.#sender.taken(member, message)
    this.routeSoon()
  }

  /** Config updates that the leader found computed under another configuration than its own are computed again when ours has moved. */
  checkConfigsAgain(): void {
    for (const waiting of this.#awaitingConfig) {
      if (waiting.submission.configSequence === this.#parts.host.config.sequence) continue
      this.#awaitingConfig.delete(waiting)
      if (!this.#submissions.has(waiting)) continue
      this.#parts.host.recheckConfig(waiting.submission).then(
        (submission) => {
          this.#submissions.replace(waiting, submission)
          this.#submissions.stand(waiting, 'unsent')
          this.routeSoon()
        },
        (error) => this.#submissions.reject(waiting, error),
      )
    }
  }

  /** This node is no consenter any more. What a leader has may still be ordered. */
  leave(why: OrderError): void {
    this.#role = { role: 'follower', term: this.#role.term, leader: 0 }
    this.#intake.end()
    this.#receiver.reset()
    this.#sender.end()
    for (const waiting of [...this.#submissions.unsent]) this.#submissions.reject(waiting, why)
  }

  close(): void {
    this.#isClosed = true
    this.#intake.stop()
    this.#sender.end()
    this.#submissions.close('the orderer is stopping')
  }

  /** Everything that one turn brings goes on together. */
  routeSoon(): void {
    if (this.#isRouting) return
    this.#isRouting = true
    queueMicrotask(() => {
      this.#isRouting = false
      this.#route()
    })
  }

  get #now(): number {
    return this.#parts.host.environment.clock.monotonic()
  }

  /** Brings what no leader has to the leader, if there is one. */
  #route(): void {
    if (this.#isClosed) return
    if (this.#intake.leads) {
      for (const own of [...this.#submissions.unsent]) {
        const { submission, isConfig } = own
        this.#intake.take({ submission, isConfig, own, origin: undefined })
      }
    } else if (this.#role.leader !== 0) this.#sender.pump()
    this.#watchForwarding()
  }

  #watchForwarding(): void {
    this.#parts.alarms.set('forward', this.#sender.deadline, () => {
      this.#sender.tick()
      this.#watchForwarding()
    })
  }

  #watchExpiry(): void {
    const look = (): void => {
      const { submitTimeout, outcomeTimeout } = this.#parts.options
      this.#submissions.expire(this.#now, submitTimeout, outcomeTimeout)
      if (this.#submissions.size > 0) this.#watchExpiry()
    }
    // Somebody waits for the answer: the process stays for it.
    this.#parts.alarms.set('expiry', this.#now + EXPIRY_LOOK, look, true)
  }

  #fence(term: number): void {
    if (term <= this.#lastTerm) return
    this.#lastTerm = term
    this.#submissions.fence(term)
  }

  /** What the leader will not order. */
  #refused(waiting: Waiting, { code, message }: Refused): void {
    if (code !== RECHECK) {
      this.#submissions.reject(waiting, refusalOf(code, message))
      return
    }
    this.#submissions.stand(waiting, 'checking')
    this.#awaitingConfig.add(waiting)
    this.checkConfigsAgain()
  }
}
