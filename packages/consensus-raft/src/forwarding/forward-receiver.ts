import type { Forward, ForwardedEnvelope, Refused, Taken } from '../messages/message.ts'

/** Who forwarded an envelope, and under which number. */
export interface Origin {
  readonly member: number
  readonly session: number
  readonly number: number
}

export interface ForwardReceiverParts {
  /** Term in which this node leads; 0 when it does not. */
  readonly term: () => number
  /** Takes an envelope; false when there is no room. */
  readonly take: (envelope: ForwardedEnvelope, origin: Origin) => boolean
  readonly send: (member: number, message: Taken) => void
}

interface Sender {
  readonly session: number
  upTo: number
  firstRefused: number
  refused: Refused[]
  /** There was no room for its last. */
  blocked: boolean
}

/** Sessions that are remembered after their end: a member begins another one only when it has started anew. */
const MOST_OVER = 1024

/** Takes what followers forward to this leader: in order, each once. Forgotten with the leader's term. */
export class ForwardReceiver {
  readonly #parts: ForwardReceiverParts
  readonly #senders = new Map<number, Sender>()
  readonly #answers = new Set<number>()
  /** Sessions of this term that another one of the same member has followed: what still comes of them was late. */
  #over = new Set<number>()

  constructor(parts: ForwardReceiverParts) {
    this.#parts = parts
  }

  /** Another term: what was taken is settled by the log. */
  reset(): void {
    this.#senders.clear()
    this.#over.clear()
    this.#answers.clear()
  }

  /** False when the message is for another leader, or of a session that is over. */
  received(member: number, message: Forward): boolean {
    if (message.term !== this.#parts.term()) return false
    let sender = this.#senders.get(member)
    if (sender?.session !== message.session) {
      // A session begins with its first envelope; anything else is late.
      if (message.first !== 1 || this.#over.has(message.session)) return false
      if (sender !== undefined) this.#retire(sender.session)
      sender = { session: message.session, upTo: 0, firstRefused: 0, refused: [], blocked: false }
      this.#senders.set(member, sender)
    }
    const heard = Math.min(message.heard - sender.firstRefused, sender.refused.length)
    if (heard > 0) {
      sender.refused.splice(0, heard)
      sender.firstRefused += heard
    }
    const again = this.#takeAll(member, sender, message)
    this.#answer(member, again)
    return true
  }

  refuse({ member, session, number }: Origin, code: string, message: string): void {
    const sender = this.#senders.get(member)
    if (sender?.session !== session) return
    sender.refused.push({ number, code, message })
    // Refusals of one turn travel together.
    if (this.#answers.size === 0) {
      queueMicrotask(() => {
        for (const each of this.#answers) this.#answer(each, false)
        this.#answers.clear()
      })
    }
    this.#answers.add(member)
  }

  /** There is room again. */
  resume(): void {
    for (const [member, sender] of this.#senders) {
      if (!sender.blocked) continue
      sender.blocked = false
      this.#answer(member, true)
    }
  }

  #retire(session: number): void {
    if (this.#over.size >= MOST_OVER) this.#over = new Set([...this.#over].slice(MOST_OVER / 2))
    this.#over.add(session)
  }

  /** Whether something is missing before what came. */
  #takeAll(member: number, sender: Sender, { first, envelopes, session }: Forward): boolean {
    for (const [i, envelope] of envelopes.entries()) {
      const number = first + i
      if (number <= sender.upTo) continue
      if (number > sender.upTo + 1) return true
      if (!this.#parts.take(envelope, { member, session, number })) {
        sender.blocked = true
        return false
      }
      sender.upTo = number
    }
    return false
  }

  #answer(member: number, again: boolean): void {
    const sender = this.#senders.get(member)
    if (sender === undefined) return
    const { session, upTo, firstRefused, refused } = sender
    this.#parts.send(member, {
      kind: 'taken',
      term: this.#parts.term(),
      session,
      upTo,
      again,
      firstRefused,
      refused: [...refused],
    })
  }
}
