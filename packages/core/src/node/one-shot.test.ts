import { expect, it } from 'vitest'
import { Cancellation } from '../ports/cancellation.ts'
import { OneShot } from './one-shot.ts'

it('an outcome reaches everybody who waits, and those who ask later', async () => {
  const outcome = new OneShot<number>()
  const waiting = [outcome.wait(), outcome.wait(), outcome.wait()]
  outcome.resolve(1)
  outcome.resolve(2)
  expect(await Promise.all([...waiting, outcome.wait()])).toEqual([1, 1, 1, 1])
})

it('who gives up hears the reason and is forgotten; the others go on waiting', async () => {
  const outcome = new OneShot<number>()
  const cancellations = [new Cancellation(), new Cancellation()]
  const first = outcome.wait(cancellations[0])
  const second = outcome.wait(cancellations[1])
  const third = outcome.wait()
  cancellations[0]!.cancel('enough')
  await expect(first).rejects.toBe('enough')
  cancellations[1]!.cancel('enough of it')
  await expect(second).rejects.toBe('enough of it')
  expect(outcome.awaited).toBe(true)
  outcome.resolve(7)
  expect(await third).toBe(7)
  expect(outcome.awaited).toBe(false)
})

it('nobody waits who gave up before', async () => {
  const outcome = new OneShot<number>()
  const cancellation = new Cancellation()
  cancellation.cancel('enough')
  await expect(outcome.wait(cancellation)).rejects.toBe('enough')
  expect(outcome.awaited).toBe(false)
  expect(cancellation.signal.aborted).toBe(true)
})
