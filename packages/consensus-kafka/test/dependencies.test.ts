import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const CHILD = fileURLToPath(new URL('./loaded-modules.fixture.ts', import.meta.url))

/** URLs of all modules that an ordering node with this plugin has loaded once it has started. */
function loadedBy(ordering: string): string[] {
  const env = { ...process.env, HEDDLE_KAFKA_BROKERS: '' }
  return JSON.parse(
    execFileSync(process.execPath, [CHILD, ordering], { encoding: 'utf8', env }).trim().split('\n').at(-1)!,
  ) as string[]
}

const clientIn = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/@platformatic/'))

it('who orders by solo loads neither the Kafka client nor this package', () => {
  const loaded = loadedBy('@heddle/consensus-solo')
  expect(loaded.length).toBeGreaterThan(20)
  expect(clientIn(loaded)).toEqual([])
  expect(loaded.filter((url) => url.includes('/consensus-kafka/src/'))).toEqual([])
})

it('who orders by the embedded log loads this package and not the Kafka client', () => {
  const loaded = loadedBy('@heddle/consensus-kafka')
  expect(clientIn(loaded)).toEqual([])
  expect(loaded.some((url) => url.endsWith('/consensus-kafka/src/embedded/embedded-log.ts'))).toBe(true)
})

it('the client would be seen: who names brokers loads it', () => {
  expect(clientIn(loadedBy('brokers')).length).toBeGreaterThan(10)
})
