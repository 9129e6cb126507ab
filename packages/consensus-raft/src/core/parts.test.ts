/** The pure parts against models so simple that one believes them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonotoneClock } from './clock.ts'
import { RaftInvariantError, RaftOptionsError } from './errors.ts'
import { Inflights } from './inflights.ts'
import { RaftLog } from './log.ts'
import { beginChange, endChange, isMembership, settledMembership } from './membership.ts'
import { isWellFormed, makeMessage } from './message.ts'
import { resolveOptions } from './options.ts'
import { Progress } from './progress.ts'
import { isQuorum, majority, reachedByQuorum, tally } from './quorum.ts'
import { ReadQueue } from './read-index.ts'
import { entry, founding } from './testing/single.fixture.ts'
import type { Entry, Membership } from './types.ts'
import { drawTimeout, isLeased, mayVote } from './votes.ts'

const ids = fc
  .uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
  .map((list) => list.sort((a, b) => a - b))
const memberships: fc.Arbitrary<Membership> = fc
  .tuple(ids, fc.oneof(fc.constant([] as number[]), ids))
  .map(([voters, outgoing]) => ({ voters, outgoing, learners: [] }))

describe('quorum', () => {
  it('a majority is more than half', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majority)).toEqual([1, 2, 2, 3, 3, 4, 4])
  })

  it('has reached the highest index that a majority of each half has', () => {
    fc.assert(
      fc.property(
        memberships,
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 10, maxLength: 10 }),
        (membership, match) => {
          const halves = [membership.voters, membership.outgoing].filter((half) => half.length > 0)
          const reached = (index: number): boolean =>
            halves.every((half) => half.filter((id) => match[id]! >= index).length * 2 > half.length)
          const naive = [5, 4, 3, 2, 1, 0].find(reached)
          expect(reachedByQuorum(membership, (id) => match[id]!)).toBe(naive)
        },
      ),
    )
    expect(reachedByQuorum({ voters: [], outgoing: [], learners: [1] }, () => 5)).toBe(0)
  })

  it('an election is won when it cannot be lost any more, lost when it cannot be won, else open', () => {
    fc.assert(
      fc.property(
        memberships,
        fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 }),
        (membership, answers) => {
          const votes = new Map(answers.flatMap((answer, id) => (answer === undefined ? [] : [[id, answer] as const])))
          const wins = (open: boolean): boolean => isQuorum(membership, (id) => votes.get(id) ?? open)
          expect(tally(membership, votes)).toBe(wins(false) ? 'won' : wins(true) ? 'pending' : 'lost')
        },
      ),
    )
    expect(tally({ voters: [], outgoing: [], learners: [] }, new Map())).toBe('lost')
  })
})

describe('membership', () => {
  it('each quorum of a joint configuration meets each of the one before and of the one after', () => {
    fc.assert(
      fc.property(ids, ids, fc.integer({ min: 0, max: 1023 }), (before, after, mask) => {
        const current = settledMembership({ voters: before, learners: [] })!
        const joint = beginChange(current, { voters: after, learners: [] })!
        const inMask = (id: number): boolean => ((mask >> id) & 1) === 1
        if (!isQuorum(joint, inMask)) return
        // The complement of a quorum is no quorum of the neighbours.
        expect(isQuorum(current, (id) => !inMask(id))).toBe(false)
        expect(isQuorum(endChange(joint), (id) => !inMask(id))).toBe(false)
      }),
    )
  })

  it('every step of a change is a membership in canonical form, and the last is the target', () => {
    fc.assert(
      fc.property(ids, ids, ids, (before, after, learners) => {
        const target = { voters: after, learners: learners.filter((id) => !after.includes(id)) }
        const begun = beginChange(settledMembership({ voters: before, learners: [] })!, target)!
        expect(isMembership(begun)).toBe(true)
        const ended = begun.outgoing.length > 0 ? endChange(begun) : begun
        expect(ended).toEqual({ voters: after, outgoing: [], learners: target.learners })
      }),
    )
  })
})

describe('inflights', () => {
  it('behaves as a list', () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 50 }).map((size) => ({ size })),
        fc.integer({ min: 0, max: 60 }).map((free) => ({ free })),
      ),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 }), steps, (limit, byteLimit, list) => {
        const real = new Inflights(limit, byteLimit)
        let model: { index: number; size: number }[] = []
        let next = 1
        for (const step of list) {
          if ('size' in step) {
            if (real.full) continue
            real.add(next, step.size)
            model.push({ index: next++, size: step.size })
          } else {
            real.freeUpTo(step.free)
            model = model.filter(({ index }) => index > step.free)
          }
          const sum = model.reduce((all, { size }) => all + size, 0)
          expect([real.count, real.bytes, real.full]).toEqual([model.length, sum, model.length >= limit || sum >= byteLimit])
        }
      }),
    )
  })
})

describe('progress', () => {
  it('keeps match below next whatever answers come', () => {
    const answer = fc.record({
      index: fc.integer({ min: 0, max: 30 }),
      hint: fc.integer({ min: 0, max: 30 }),
      kind: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(answer), (answers) => {
        const progress = new Progress(2, 11, true, 4, 1000)
        for (const { index, hint, kind } of answers) {
          const before = progress.match
          if (kind === 0) progress.retreat(index, Math.min(hint, index))
          else if (kind === 1) {
            if (progress.advance(index) && progress.state === 'probe') progress.becomeReplicate()
          } else if (kind === 2) progress.becomeProbe()
          else if (kind === 3 && index > progress.match) progress.becomeSnapshot(index, 0)
          else if (progress.state !== 'snapshot' && !progress.inflights.full) progress.sent(kind - 3, 10, 0)
          expect(progress.match).toBeLessThan(progress.next)
          expect(progress.match).toBeGreaterThanOrEqual(before)
        }
      }),
    )
  })
})

describe('log', () => {
  const terms = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 }).map((list) => list.sort((a, b) => a - b))
  const logOf = (list: readonly number[]): Entry[] => list.map((term, i) => entry(i + 1, term))

  it('after a merge it has the leader’s entries, and its own only where they do not contradict', () => {
    fc.assert(
      fc.property(terms, terms, fc.nat(12), fc.nat(12), (own, leaders, from, count) => {
        const log = new RaftLog(1, founding(1), logOf(own))
        // Where both agree up to an anchor, as the consistency check has found.
        let anchor = 0
        while (anchor < Math.min(from, own.length, leaders.length) && own[anchor] === leaders[anchor]) anchor++
        const sent = logOf(leaders).slice(anchor, anchor + count)
        const differs = sent.findIndex(({ index, term }) => own[index - 1] !== undefined && own[index - 1] !== term)
        const truncated = log.merge(sent)
        expect(truncated).toBe(differs < 0 ? 0 : sent[differs]!.index)
        const model = differs < 0 && own.length >= anchor + sent.length ? own : leaders.slice(0, anchor + sent.length)
        expect(Array.from({ length: log.last }, (_, i) => log.termAt(i + 1))).toEqual(model)
        expect(log.takeUnsaved().map(({ index }) => index)).toEqual(
          model === own
            ? []
            : Array.from({ length: model.length }, (_, i) => i + 1).filter((i) => i > (differs < 0 ? own.length : truncated - 1)),
        )
        expect(log.stable).toBe(truncated === 0 ? own.length : truncated - 1)
      }),
    )
  })

  it('finds the highest index whose term is not above one', () => {
    fc.assert(
      fc.property(terms, fc.nat(15), fc.nat(5), (own, index, term) => {
        const log = new RaftLog(1, founding(1), logOf(own))
        const candidates = [0, ...own.keys()]
          .map((_, i) => i)
          .filter((i) => i <= index && i <= own.length && (i === 0 || own[i - 1]! <= term))
        expect(log.lastNotAbove(index, term)).toBe(Math.max(...candidates))
      }),
    )
  })

  it('answers the same after a compaction, for what is left', () => {
    fc.assert(
      fc.property(terms, fc.nat(12), fc.nat(5), (own, at, retain) => {
        fc.pre(at >= 1 && at <= own.length)
        const log = new RaftLog(1, founding(1), logOf(own))
        log.commitTo(own.length)
        const base = Math.max(0, at - retain)
        log.compact({ index: at, term: own[at - 1]!, membership: log.membership, data: new Uint8Array(0) }, retain)
        expect([log.first, log.last]).toEqual([base + 1, own.length])
        for (let i = 0; i <= own.length + 1; i++)
          expect(log.termAt(i)).toBe(i < base || i > own.length ? -1 : i === 0 ? 0 : own[i - 1])
        expect(log.slice(at, 1).length).toBe(at > base ? 1 : 0)
      }),
    )
  })

  it('follows memberships through appends, truncations and compactions', () => {
    const joint: Membership = { voters: [1, 2], outgoing: [1], learners: [] }
    const ended: Membership = { voters: [1, 2], outgoing: [], learners: [] }
    const log = new RaftLog(1, founding(1), [entry(1, 1), entry(2, 1, 'c', joint), entry(3, 1), entry(4, 1, '', ended)])
    expect(log.membershipAt).toEqual({ index: 4, membership: ended })
    expect(log.membershipAsOf(3)).toEqual(joint)
    expect([1, 2, 3].map((id) => log.mayVote(id))).toEqual([true, true, false])
    log.merge([entry(4, 2)])
    expect(log.membershipAt.index).toBe(2)
    log.commitTo(3)
    log.compact({ index: 3, term: 1, membership: joint, data: new Uint8Array(0) }, 0)
    expect(log.membershipAt).toEqual({ index: 2, membership: joint })
    log.merge([entry(4, 3)])
    expect(log.membershipAsOf(4)).toEqual(joint)
  })

  it('breaks rather than truncate what is committed, commit what is not there, or leave a gap', () => {
    const log = new RaftLog(1, founding(1), logOf([1, 1, 1]))
    log.commitTo(2)
    expect(() => log.merge([entry(2, 2)])).toThrow(RaftInvariantError)
    expect(() => log.merge([entry(2, 2)])).toThrow(/TRUNCATES_COMMITTED/)
    expect(() => log.commitTo(4)).toThrow(/COMMIT_BEYOND_LOG/)
    expect(() => log.append(entry(5, 1))).toThrow(/LOG_GAP/)
  })
})

describe('votes', () => {
  it.each([
    [{ term: 1, vote: 0, leader: 0 }, 2, 1, false, true],
    [{ term: 1, vote: 2, leader: 3 }, 2, 1, false, true],
    [{ term: 1, vote: 3, leader: 0 }, 2, 1, false, false],
    [{ term: 1, vote: 0, leader: 3 }, 2, 1, false, false],
    [{ term: 1, vote: 3, leader: 3 }, 2, 2, true, true],
    [{ term: 1, vote: 3, leader: 0 }, 2, 1, true, false],
    [{ term: 2, vote: 0, leader: 0 }, 2, 1, false, false],
  ])('with %o, candidate %i, term %i, pre-vote %s: %s', (ballot, candidate, term, preVote, granted) => {
    expect(mayVote(ballot, candidate, term, preVote)).toBe(granted)
  })

  it('a lease lasts T after the last contact, holds only with a leader, and yields to a handover', () => {
    expect(isLeased(true, 2, 599, 600, false)).toBe(true)
    expect(isLeased(true, 2, 600, 600, false)).toBe(false)
    expect(isLeased(true, 0, 0, 600, false)).toBe(false)
    expect(isLeased(false, 2, 0, 600, false)).toBe(false)
    expect(isLeased(true, 2, 0, 600, true)).toBe(false)
  })

  it('timeouts stay within [T, 2T), whatever the random source gives', () => {
    for (const random of [-5, 0, 0.5, 1, 7]) {
      expect(drawTimeout(600, random)).toBeGreaterThanOrEqual(600)
      expect(drawTimeout(600, random)).toBeLessThan(1200)
    }
  })
})

describe('reads', () => {
  it('a read is confirmed by a round that was opened after it came, never by an earlier one', () => {
    const queue = new ReadQueue(10)
    queue.add(1, 100, 5)
    queue.add(2, 101, 5)
    expect(queue.round).toBe(1)
    queue.asked()
    queue.add(1, 102, 6)
    expect(queue.confirm(0)).toEqual([])
    expect(queue.confirm(1).map(({ context }) => context)).toEqual([100, 101])
    expect(queue.confirm(1)).toEqual([])
    expect(queue.confirm(2)).toEqual([{ from: 1, context: 102, index: 6, round: 2 }])
  })
})

describe('messages', () => {
  it('what a core makes is well formed; anything with one field spoilt is not', () => {
    const speaker = { id: 1, incarnation: 5, term: 3 }
    const good = makeMessage(speaker, 'append', 2, { index: 1, logTerm: 1, entries: [entry(2, 2)] })
    expect(isWellFormed(good)).toBe(true)
    for (const field of Object.keys(good))
      for (const value of [-1, 0.5, Number.NaN, 2 ** 60, 'x', null, {}])
        if (field !== 'snapshot') expect(isWellFormed({ ...good, [field]: value }), `${field} ${String(value)}`).toBe(false)
  })

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.anything(), (anything) => isWellFormed(anything) === false))
  })
})

describe('options', () => {
  it('defaults are complete, wrong values are refused by name', () => {
    expect(resolveOptions({ id: 1, incarnation: 1 })).toMatchObject({
      electionTimeout: 600,
      heartbeat: 100,
      preVote: true,
      checkQuorum: true,
    })
    for (const wrong of [
      { id: 0 },
      { id: 1.5 },
      { incarnation: 0 },
      { heartbeat: 600 },
      { heartbeat: 0 },
      { electionTimeout: Number.NaN },
      { maxInflight: 0 },
      { maxInflightBytes: 10 },
      { preVote: 1 as never },
    ])
      expect(() => resolveOptions({ id: 1, incarnation: 1, ...wrong }), JSON.stringify(wrong)).toThrow(RaftOptionsError)
  })
})

describe('clock', () => {
  it('moves by what the outside moved forward, stands while it goes back, and never runs ahead', () => {
    const clock = new MonotoneClock(100)
    clock.advance(150)
    clock.advance(20)
    clock.advance(Number.POSITIVE_INFINITY)
    clock.advance(30)
    expect(clock.elapsed).toBe(60)
    expect(clock.outside(100)).toBe(70)
  })
})
