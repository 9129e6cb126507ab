import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.ts'

it('a hundred thousand mutated inputs break no rule of the decoders', { timeout: 120_000 }, () => {
  const vectors = fileURLToPath(new URL('./vectors/fabric-ledger', import.meta.url))
  const report = fuzz({ runs: 100_000, seed: 20_260, vectors })
  expect(report.failure).toBeUndefined()
  // Both outcomes must be common, or the mutations no longer reach anything.
  expect(report.decoded).toBeGreaterThan(10_000)
  expect(report.refused).toBeGreaterThan(10_000)
})
