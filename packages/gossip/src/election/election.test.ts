import { seededRandom } from '@heddle/core/plugin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Claim, Election, type ElectionEffect } from './election.ts'

const TIMES = { claimInterval: 100, leaderTimeout: 500, patience: 300, rest: 1_000 }
const election = (self: string, fixed?: 'leader' | 'follower'): Election => new Election(self, TIMES, seededRandom(self), fixed)
const claim = (peer: string, madeAt: number, resigns = false): Claim => ({ peer, madeAt, resigns })
const LEAD: ElectionEffect[] = [{ do: 'lead' }, { do: 'claim' }]

describe('a peer that starts', () => {
  it('leads at once when it is alone', () => {
    expect(election('a').start(0, true)).toEqual(LEAD)
  })

  it('listens first when it is not, and leads when nobody speaks', () => {
    const a = election('a')
    expect(a.start(0, false)).toEqual([])
    expect(a.tick(a.wakeAt! - 1)).toEqual([])
    expect(a.tick(a.wakeAt!)).toEqual(LEAD)
    expect(a.leader).toBe('a')
  })

  it('waits no longer once everybody was reached', () => {
    const a = election('a')
    a.start(0, false)
    a.explored(10)
    expect(a.wakeAt).toBeLessThan(10 + TIMES.claimInterval)
  })

  it('follows the leader that it heard of before it started', () => {
    const a = election('a')
    a.hear(claim('b', 1), 0)
    expect(a.start(10, true)).toEqual([])
    expect(a.leader).toBe('b')
  })

  it('follows the leader that it hears of', () => {
    const a = election('a')
    a.start(0, false)
    a.hear(claim('b', 1), 10)
    expect(a.leader).toBe('b')
    expect(a.isLeader).toBe(false)
  })
})

describe('a leader', () => {
  it('claims its place again and again', () => {
    const a = election('a')
    a.start(0, true)
    expect(a.tick(99)).toEqual([])
    expect(a.tick(100)).toEqual([{ do: 'claim' }])
    expect(a.tick(200)).toEqual([{ do: 'claim' }])
  })

  it('yields to a smaller identity, and not to a larger one', () => {
    const b = election('b')
    b.start(0, true)
    expect(b.hear(claim('c', 1), 10)).toEqual([])
    expect(b.isLeader).toBe(true)
    expect(b.hear(claim('a', 1), 20)).toEqual([{ do: 'follow' }])
    expect(b.leader).toBe('a')
  })

  it('that stops says so; one that cannot work as well, and rests', () => {
    const a = election('a')
    a.start(0, true)
    expect(a.giveUp(10)).toEqual([{ do: 'resign' }, { do: 'follow' }])
    expect(a.wakeAt).toBe(10 + TIMES.rest)
    const b = election('b')
    b.start(0, true)
    expect(b.stop()).toEqual([{ do: 'resign' }, { do: 'follow' }])
    expect(b.tick(10_000)).toEqual([])
  })
})

describe('a follower', () => {
  const following = (): Election => {
    const b = election('b')
    b.start(0, false)
    b.hear(claim('c', 1), 0)
    return b
  }

  it('takes the place of a leader that is silent, a random while after the time', () => {
    const b = following()
    expect(b.tick(TIMES.leaderTimeout - 1)).toEqual([])
    expect(b.tick(TIMES.leaderTimeout)).toEqual([])
    expect(b.wakeAt).toBeLessThanOrEqual(TIMES.leaderTimeout + TIMES.claimInterval)
    expect(b.tick(b.wakeAt!)).toEqual(LEAD)
  })

  it('stays with the leader that it has when another one with a larger identity claims', () => {
    const b = following()
    b.hear(claim('d', 5), 10)
    expect(b.leader).toBe('c')
    b.hear(claim('a', 5), 10)
    expect(b.leader).toBe('a')
  })

  it('is not kept by what its leader once said', () => {
    const b = following()
    for (let now = 0; now < TIMES.leaderTimeout; now += 50) b.hear(claim('c', 1), now)
    b.tick(TIMES.leaderTimeout)
    expect(b.tick(b.wakeAt!)).toEqual(LEAD)
  })

  it('does not wait when its leader resigns', () => {
    const b = following()
    b.hear(claim('c', 2, true), 10)
    expect(b.wakeAt).toBeLessThanOrEqual(10 + TIMES.patience)
    expect(b.tick(b.wakeAt!)).toEqual(LEAD)
  })

  it('leaves a leader that does not do its work, and hears it again after a while', () => {
    const b = following()
    b.distrust(10)
    b.hear(claim('c', 2), 11)
    expect(b.leader).toBeUndefined()
    expect(b.tick(b.wakeAt!)).toEqual(LEAD)
    const d = election('d')
    d.start(0, false)
    d.hear(claim('c', 1), 0)
    d.distrust(10)
    d.hear(claim('c', 3), 10 + TIMES.rest)
    expect(d.leader).toBe('c')
  })
})

it('where leaders are named, nobody is elected and nobody claims', () => {
  const leader = election('a', 'leader')
  expect(leader.start(0, false)).toEqual([{ do: 'lead' }])
  expect(leader.hear(claim('0', 1), 1)).toEqual([])
  expect(leader.tick(10_000)).toEqual([])
  const follower = election('b', 'follower')
  expect(follower.start(0, true)).toEqual([])
  expect(follower.tick(10_000)).toEqual([])
  expect([leader.wakeAt, follower.wakeAt]).toEqual([undefined, undefined])
})

it('names without number are not remembered', () => {
  const a = election('a')
  a.start(0, true)
  for (let i = 0; i < 10_000; i++) a.hear(claim(`x${i}`, 1), 1)
  expect((a as unknown as { heard: Map<string, number> }).heard.size).toBeLessThanOrEqual(256)
})

it('among peers that hear each other, one leads, whoever starts when and whoever is killed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 0, max: 2 ** 30 }),
      fc.array(fc.record({ at: fc.integer({ min: 1_000, max: 8_000 }), peer: fc.nat(5) }), { maxLength: 4 }),
      (count, seed, kills) => {
        const random = seededRandom(String(seed))
        const all = Array.from({ length: count }, (_, i) => new Election(`peer${i}`, TIMES, random.fork(`${i}`)))
        const starts = all.map(() => random.float() * 1_000)
        const dead = new Set<number>()
        const inbox: { at: number; to: number; claim: Claim }[] = []
        let madeAt = 0
        const run = (i: number, effects: readonly ElectionEffect[], now: number): void => {
          for (const effect of effects)
            if (effect.do === 'claim' || effect.do === 'resign')
              for (let to = 0; to < count; to++)
                if (to !== i)
                  inbox.push({ at: now + random.float() * 30, to, claim: claim(`peer${i}`, ++madeAt, effect.do === 'resign') })
        }
        for (let now = 0; now < 12_000; now += 5) {
          for (const { at, peer } of kills) if (now >= at && dead.size < count - 1) dead.add(peer % count)
          for (const [i, each] of all.entries()) {
            if (dead.has(i)) continue
            if (now >= starts[i]! && now - 5 < starts[i]!) run(i, each.start(now, false), now)
            run(i, each.tick(now), now)
          }
          for (const message of inbox.splice(0)) {
            if (message.at > now) inbox.push(message)
            else if (!dead.has(message.to) && now > starts[message.to]!)
              run(message.to, all[message.to]!.hear(message.claim, now), now)
          }
        }
        const alive = all.filter((_, i) => !dead.has(i))
        expect(alive.filter((each) => each.isLeader)).toHaveLength(1)
        expect(new Set(alive.map((each) => each.leader)).size).toBe(1)
      },
    ),
    { numRuns: 30 },
  )
})
