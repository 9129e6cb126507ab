import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const CHILD = fileURLToPath(new URL('./loaded-modules.fixture.ts', import.meta.url))
const SOURCES = fileURLToPath(new URL('../src', import.meta.url))
const LIBP2P = /node_modules\/(libp2p|@libp2p|@chainsafe\/libp2p-gossipsub|@multiformats)\//

const loadedFor = (what: string): string[] => {
  const out = execFileSync(process.execPath, [CHILD, what], { encoding: 'utf8' })
  return JSON.parse(out.trim().split('\n').at(-1)!) as string[]
}

it('who uses direct deliver loads neither libp2p nor this package', () => {
  const loaded = loadedFor('deliver')
  expect(loaded.length).toBeGreaterThan(5)
  expect(loaded.filter((url) => LIBP2P.test(url) || url.includes('/packages/gossip/src/'))).toEqual([])
})

it('naming the plugin loads no libp2p yet; joining a channel does', () => {
  expect(loadedFor('named').filter((url) => LIBP2P.test(url))).toEqual([])
  expect(loadedFor('joined').filter((url) => LIBP2P.test(url)).length).toBeGreaterThan(50)
})

it('libp2p and gossipsub are known in one folder only', () => {
  const knows = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('libp2p'))
    .filter((path) => /from '(libp2p|@libp2p\/|@chainsafe\/|@multiformats\/)/.test(readFileSync(join(SOURCES, path), 'utf8')))
  expect(knows).toEqual([])
})
