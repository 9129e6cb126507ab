import { EnvelopeView } from '@heddle/core/model'
import { seededRandom } from '@heddle/core/testing'
import { describe, expect, it } from 'vitest'
import type { Forward, Taken } from '../messages/message.ts'
import { Submissions, type Waiting } from '../ordering/submissions.ts'
import { ForwardReceiver, type Origin } from './forward-receiver.ts'
import { ForwardSender } from './forward-sender.ts'

const RETRY = 90
const MEMBER = 2
const LEADER = 1

/** A follower and a leader with a network between them that does what it likes. */
class Pair {
  now = 0
  term = 1
  taken: string[] = []
  refusals: string[] = []
  room = Number.POSITIVE_INFINITY
  readonly origins: Origin[] = []
  readonly submissions = new Submissions((waiting) => this.sender.forget(waiting))
  readonly sender: ForwardSender
  readonly receiver: ForwardReceiver
  /** On their way, in both directions. */
  readonly wire: (() => void)[] = []
  private sessions = 0

  constructor() {
    this.sender = new ForwardSender({
      submissions: this.submissions,
      send: (_leader, message) => this.wire.push(() => this.receiver.received(MEMBER, message)),
      refused: (waiting, { code }) => {
        this.refusals.push(`${textOf(waiting.submission.envelope.bytes)} ${code}`)
        this.submissions.reject(waiting, new Error(code))
      },
      now: () => this.now,
      newSession: () => ++this.sessions,
      retry: RETRY,
    })
    this.receiver = new ForwardReceiver({
      term: () => this.term,
      take: ({ bytes }, origin) => {
        if (this.room <= 0) return false
        this.room--
        this.taken.push(textOf(bytes))
        this.origins.push(origin)
        return true
      },
      send: (_member, message: Taken) => this.wire.push(() => this.sender.taken(LEADER, message)),
    })
  }

  submit(text: string): Waiting {
    const envelope = new EnvelopeView(Buffer.from(text))
    const caller = { resolve: () => {}, reject: () => {} }
    return this.submissions.add({ envelope, size: text.length, configSequence: 0 }, false, undefined, this.now, caller)
  }

  tick(milliseconds: number): void {
    this.now += milliseconds
    this.sender.tick()
  }

  /** Everything arrives, and what follows from it. */
  async flow(): Promise<void> {
    for (;;) {
      await Promise.resolve()
      const next = this.wire.shift()
      if (next === undefined) return
      next()
    }
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('forwarding', () => {
  it('brings each envelope to the leader once and in order, whatever the network loses, doubles or delays', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seededRandom(`forwarding ${seed}`)
      const pair = new Pair()
      pair.sender.begin(LEADER, 1)
      const sent: string[] = []
      const loss = random.float() * 0.6
      for (let step = 0; step < 120; step++) {
        if (random.float() < 0.5) {
          sent.push(`${seed} envelope ${sent.length}`)
          pair.submit(sent.at(-1)!)
          pair.sender.pump()
        }
        const at = Math.floor(random.float() * pair.wire.length)
        const fate = random.float()
        const message = pair.wire[at]
        if (message !== undefined && fate < loss) pair.wire.splice(at, 1)
        else if (message !== undefined && fate < loss + 0.1) message()
        else if (message !== undefined) pair.wire.splice(at, 1)[0]!()
        pair.tick(random.float() * 50)
      }
      for (let i = 0; i < 20; i++) {
        await pair.flow()
        pair.tick(RETRY)
      }
      expect(pair.taken, `seed ${seed}`).toEqual(sent)
    }
  })

  it('what the leader has no room for comes again when it has', async () => {
    const pair = new Pair()
    pair.room = 3
    pair.sender.begin(LEADER, 1)
    for (let i = 0; i < 5; i++) pair.submit(`envelope ${i}`)
    pair.sender.pump()
    await pair.flow()
    expect(pair.taken).toHaveLength(3)
    pair.room = 10
    pair.receiver.resume()
    await pair.flow()
    expect(pair.taken).toEqual([0, 1, 2, 3, 4].map((i) => `envelope ${i}`))
  })

  it('a refusal is told until it is heard, and once', async () => {
    const pair = new Pair()
    pair.sender.begin(LEADER, 1)
    for (let i = 0; i < 3; i++) pair.submit(`envelope ${i}`)
    pair.sender.pump()
    await pair.flow()
    pair.receiver.refuse(pair.origins[1]!, 'ORDER_FORBIDDEN', 'no')
    await Promise.resolve()
    // The answer is lost; the follower asks again when it has heard nothing for long.
    pair.wire.length = 0
    pair.tick(4 * RETRY)
    await pair.flow()
    pair.tick(4 * RETRY)
    await pair.flow()
    expect(pair.refusals).toEqual(['envelope 1 ORDER_FORBIDDEN'])
  })

  it('a session for another term is not taken, and a session that another followed does not come back', async () => {
    const pair = new Pair()
    const old: Forward = {
      kind: 'forward',
      term: 1,
      session: 99,
      first: 1,
      heard: 0,
      envelopes: [{ bytes: Buffer.from('old'), isConfig: false, configSequence: 0 }],
    }
    expect(pair.receiver.received(MEMBER, { ...old, term: 2 })).toBe(false)
    expect(pair.receiver.received(MEMBER, { ...old, first: 2 })).toBe(false)
    expect(pair.receiver.received(MEMBER, old)).toBe(true)
    pair.sender.begin(LEADER, 1)
    pair.submit('new')
    pair.sender.pump()
    await pair.flow()
    expect(pair.receiver.received(MEMBER, old)).toBe(false)
    pair.submit('newer')
    pair.sender.pump()
    await pair.flow()
    expect(pair.taken).toEqual(['old', 'new', 'newer'])
  })

  it('an entry of a later term gives back what earlier leaders had, and nothing else', () => {
    const pair = new Pair()
    const [first, second, third] = ['a', 'b', 'c'].map((text) => pair.submit(text))
    pair.submissions.stand(first!, 'sent', 1)
    pair.submissions.stand(second!, 'sent', 2)
    pair.submissions.decided([Buffer.from('c')], 7, Promise.resolve())
    pair.submissions.fence(2)
    expect([first, second, third].map((waiting) => waiting!.standing)).toEqual(['unsent', 'sent', 'decided'])
    expect([...pair.submissions.unsent]).toEqual([first])
  })
})
