import { describe, expect, it } from 'vitest'
import type { TestApi } from '../src/test-api.ts'
import { collector } from './collect.fixture.ts'

/** What is broken, the tests that must notice, and how it is broken. */
export type Mutant<T> = readonly [what: string, noticedBy: RegExp, breakIt: (good: T) => T]

/** That a suite passes the unbroken subject, and that the named tests of it notice each broken one. */
export function proves<T>(
  suite: string,
  run: (api: TestApi, broken: (good: T) => T) => void,
  mutants: readonly Mutant<T>[],
): void {
  describe(`the suite of ${suite} can fail`, () => {
    it('passes the unbroken one', async () => {
      const { api, failures } = collector()
      run(api, (good) => good)
      expect(await failures()).toEqual([])
    })
    for (const [what, noticedBy, breakIt] of mutants) {
      it(`notices one that ${what}`, async () => {
        const { api, failures } = collector(noticedBy)
        run(api, breakIt)
        expect(await failures()).not.toEqual([])
      })
    }
  })
}
