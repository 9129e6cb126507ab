import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const CHILD = fileURLToPath(new URL('./loaded-modules.fixture.ts', import.meta.url))

/** URLs of all modules that a network with this ordering has loaded. */
const loadedBy = (ordering: string): string[] =>
  JSON.parse(execFileSync(process.execPath, [CHILD, ordering], { encoding: 'utf8' }).trim().split('\n').at(-1)!) as string[]

const ofRaft = (urls: readonly string[]): string[] => urls.filter((url) => url.includes('/consensus-raft/dist/'))

it('who orders by solo does not load this package', () => {
  const loaded = loadedBy('@heddle/consensus-solo')
  expect(loaded.some((url) => url.includes('/consensus-solo/'))).toBe(true)
  expect(ofRaft(loaded)).toEqual([])
})

it('it would be seen, and needs nothing but core', () => {
  const loaded = loadedBy('@heddle/consensus-raft')
  expect(ofRaft(loaded).length).toBeGreaterThan(20)
  expect(loaded.filter((url) => /\/(consensus-(solo|kafka)|gossip|testkit)\//.test(url))).toEqual([])
})
