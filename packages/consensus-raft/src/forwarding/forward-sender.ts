import type { Forward, Refused, Taken } from '../messages/message.ts'
import type { Submissions, Waiting } from '../ordering/submissions.ts'

export interface ForwardSenderParts {
  readonly submissions: Submissions
  readonly send: (leader: number, message: Forward) => void
  readonly refused: (waiting: Waiting, refusal: Refused) => void
  readonly now: () => number
  /** A positive safe integer that no session of this node had, in this life or another. */
  readonly newSession: () => number
  /** Milliseconds without an answer after which what was not taken is sent again. */
  readonly retry: number
}

interface Session {
  readonly leader: number
  readonly term: number
  readonly id: number
  /** Number of the first of `untaken`. */
  base: number
  readonly untaken: Waiting[]
  untakenBytes: number
  /** By number: those whose outcome is open. */
  readonly given: Map<number, Waiting>
  heard: number
  /** What was on its way up to this number was lost, and is sent again piece by piece. */
  recoverTo: number
  /** When something last went out, or an answer came. */
  touched: number
}

/** On their way to the leader, not yet taken. Enough for a round trip at full speed; the leader's own bound is behind it. */
const WINDOW_ENVELOPES = 4096
const WINDOW_BYTES = 8 << 20
/** Of one message. */
const MESSAGE_BYTES = 1 << 20
/** A leader that says nothing for so many retries is asked whether it refused something. */
const PROBE = 4

/**
 * Hands envelopes to the leader of a term: numbered, in order, again when an answer is overdue, so that each is taken once. A session lives as
 * long as the leader's term; what becomes of the rest the log tells.
 */
export class ForwardSender {
  readonly #parts: ForwardSenderParts
  #session: Session | undefined

  constructor(parts: ForwardSenderParts) {
    this.#parts = parts
  }

  begin(leader: number, term: number): void {
    if (this.#session?.leader === leader && this.#session.term === term) return
    const now = this.#parts.now()
    const fresh = { leader, term, id: this.#parts.newSession(), base: 1, untaken: [], untakenBytes: 0 }
    this.#session = { ...fresh, given: new Map(), heard: 0, recoverTo: 0, touched: now }
  }

  end(): void {
    this.#session = undefined
  }

  /** Sends what waits, as far as the window allows. */
  pump(): void {
    const session = this.#session
    if (session === undefined) return
    const { submissions } = this.#parts
    let first = session.base + session.untaken.length
    let batch: Waiting[] = []
    let bytes = 0
    for (const waiting of submissions.unsent) {
      if (session.untaken.length >= WINDOW_ENVELOPES || session.untakenBytes >= WINDOW_BYTES) break
      const size = waiting.submission.envelope.bytes.length
      if (batch.length > 0 && bytes + size > MESSAGE_BYTES) {
        this.#send(session, first, batch)
        first += batch.length
        batch = []
        bytes = 0
      }
      waiting.number = session.base + session.untaken.length
      session.untaken.push(waiting)
      session.untakenBytes += size
      session.given.set(waiting.number, waiting)
      submissions.stand(waiting, 'sent', session.term)
      batch.push(waiting)
      bytes += size
    }
    if (batch.length > 0) this.#send(session, first, batch)
  }

  taken(from: number, message: Taken): void {
    const session = this.#session
    if (session === undefined || session.leader !== from || session.id !== message.session) return
    session.touched = this.#parts.now()
    const count = message.upTo - session.base + 1
    if (count > session.untaken.length) return
    if (count > 0) {
      for (const { submission } of session.untaken.splice(0, count)) session.untakenBytes -= submission.envelope.bytes.length
      session.base += count
    }
    if (message.firstRefused <= session.heard) {
      const news = message.refused.slice(session.heard - message.firstRefused)
      session.heard += news.length
      for (const refusal of news) {
        const waiting = session.given.get(refusal.number)
        session.given.delete(refusal.number)
        if (waiting !== undefined) this.#parts.refused(waiting, refusal)
      }
    }
    const isRecovering = count > 0 && session.base <= session.recoverTo
    if ((message.again || isRecovering) && session.untaken.length > 0) this.#resend(session)
    this.pump()
  }

  /** Nobody waits for it any more. */
  forget(waiting: Waiting): void {
    if (this.#session?.given.get(waiting.number) === waiting) this.#session.given.delete(waiting.number)
  }

  /** When `tick` wants to be called. */
  get deadline(): number {
    const session = this.#session
    if (session === undefined || session.given.size === 0) return Number.POSITIVE_INFINITY
    return session.touched + this.#parts.retry * (session.untaken.length > 0 ? 1 : PROBE)
  }

  tick(): void {
    const session = this.#session
    if (session === undefined || this.#parts.now() < this.deadline) return
    if (session.untaken.length > 0) this.#resend(session)
    else this.#send(session, session.base, [])
  }

  #resend(session: Session): void {
    session.recoverTo = session.base + session.untaken.length - 1
    const batch: Waiting[] = []
    let bytes = 0
    for (const waiting of session.untaken) {
      bytes += waiting.submission.envelope.bytes.length
      if (batch.length > 0 && bytes > MESSAGE_BYTES) break
      batch.push(waiting)
    }
    this.#send(session, session.base, batch)
  }

  #send(session: Session, first: number, batch: readonly Waiting[]): void {
    session.touched = this.#parts.now()
    const envelopes = batch.map(({ submission, isConfig }) => ({
      bytes: submission.envelope.bytes,
      configSequence: submission.configSequence,
      isConfig,
    }))
    const { term, id, heard } = session
    this.#parts.send(session.leader, { kind: 'forward', term, session: id, first, heard, envelopes })
  }
}
