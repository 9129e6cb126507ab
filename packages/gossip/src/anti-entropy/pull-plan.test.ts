import { seededRandom } from '@heddle/core/plugin'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Pull, PullPlan } from './pull-plan.ts'

const LIMITS = { parallel: 3, perSource: 2, blocks: 10, bytes: 1 << 20, windows: 4, rest: 100 }
const plan = (seed = 'plan'): PullPlan => new PullPlan(LIMITS, seededRandom(seed))
const spans = (pulls: readonly Pull[]): string[] => pulls.map(({ from, count }) => `${from}+${count}`)

it('asks several neighbours at a time, each for another window', () => {
  const pulls = plan()
  for (const peer of ['a', 'b', 'c', 'd']) pulls.has(peer, 100)
  const due = pulls.due(0, 0)
  expect(spans(due)).toEqual(['0+10', '10+10', '20+10'])
  expect(new Set(due.map(({ source }) => source)).size).toBe(3)
  expect(pulls.due(0, 0)).toEqual([])
})

it('asks one neighbour for the next window while it answers the one before', () => {
  const pulls = plan()
  pulls.has('a', 100)
  expect(spans(pulls.due(0, 0))).toEqual(['0+10', '10+10'])
})

it('does not go further than some windows ahead of what is taken', () => {
  const pulls = plan()
  for (const peer of ['a', 'b', 'c']) pulls.has(peer, 1_000)
  for (let round = 0; round < 10; round++) for (const pull of pulls.due(0, 0)) pulls.answered(pull, pull.count)
  expect(pulls.waiting).toBe(40)
  expect(pulls.due(0, 0)).toEqual([])
  expect(spans(pulls.due(40, 0))).toEqual(['40+10', '50+10', '60+10'])
})

it('asks again for what an answer left out', () => {
  const pulls = plan()
  pulls.has('a', 20)
  const [first] = pulls.due(0, 0)
  pulls.answered(first!, 4)
  expect(spans(pulls.due(4, 0))).toContain('4+6')
})

it('leaves a neighbour alone that failed, longer each time, and asks another one', () => {
  const pulls = plan()
  pulls.has('a', 10)
  const [first] = pulls.due(0, 0)
  pulls.failed(first!, 0)
  expect(pulls.due(0, 1)).toEqual([])
  expect(pulls.wakeAt(1)).toBeLessThanOrEqual(100)
  pulls.has('b', 10)
  expect(pulls.due(0, 1).map(({ source }) => source)).toEqual(['b'])
})

it('knows no more than its neighbours say, and takes two to be believed', () => {
  const pulls = plan()
  expect(pulls.best(0)).toBe(0)
  pulls.has('a', 1_000)
  expect(pulls.agreed(0)).toBe(1_000)
  pulls.has('b', 7)
  expect([pulls.best(0), pulls.agreed(0)]).toEqual([1_000, 7])
  pulls.gone('a')
  expect(pulls.best(0)).toBe(7)
})

it('gets every block in the end, whatever neighbours leave out or fail at', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(14), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (outcomes, height) => {
      const pulls = plan(`${height}`)
      for (const peer of ['a', 'b']) pulls.has(peer, height)
      const have = new Set<number>()
      let next = 0
      let step = 0
      for (let now = 0; next < height; now += 1_000_000) {
        expect(step).toBeLessThan(10_000)
        for (const pull of pulls.due(next, now)) {
          const outcome = step < outcomes.length ? outcomes[step]! : 10
          step++
          const got = Math.min(outcome, pull.count)
          if (got === 0) pulls.failed(pull, now)
          else {
            pulls.answered(pull, got)
            for (let i = 0; i < got; i++) have.add(pull.from + i)
          }
        }
        while (have.has(next)) next++
      }
      expect(pulls.due(next, 1e12)).toEqual([])
    }),
  )
})
