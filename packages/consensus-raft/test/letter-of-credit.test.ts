import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const example = join(root, 'examples/letter-of-credit')
const folder = join(root, '.cache', 'letter-of-credit-on-raft')

interface Summary {
  readonly verified: boolean
  readonly asExpected: boolean
  readonly contentHash: string
  readonly ordering: string
  readonly orderers: number
  readonly leaderKills: number
}

/** The example as it is built, in a folder of its own. */
async function story(name: string, ...options: string[]): Promise<Summary> {
  const own = join(folder, name)
  rmSync(own, { recursive: true, force: true })
  mkdirSync(own, { recursive: true })
  const config = readFileSync(join(example, 'network.yaml'), 'utf8').replace('./dist', join(example, 'dist'))
  writeFileSync(join(own, 'network.yaml'), config)
  const args = [join(example, 'dist/main.js'), '--config', join(own, 'network.yaml'), '--json', ...options]
  const { stdout } = await run(process.execPath, args)
  return JSON.parse(stdout) as Summary
}

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the letter of credit ends the same on one solo orderer and on three Raft orderers whose leader is killed', {
  timeout: 120_000,
}, async () => {
  const solo = await story('solo')
  const raft = await story('raft', '--ordering', 'raft', '--kill-leader')
  expect(solo).toMatchObject({ verified: true, asExpected: true, orderers: 1, leaderKills: 0 })
  expect(raft).toMatchObject({
    verified: true,
    asExpected: true,
    orderers: 3,
    leaderKills: 1,
    ordering: '@heddle/consensus-raft',
  })
  expect(raft.contentHash).toBe(solo.contentHash)
})

it('a leader cannot be killed where there is none', { timeout: 60_000 }, async () => {
  const refused = async (name: string, ...options: string[]) => {
    const error = await story(name, '--kill-leader', ...options).catch(
      (caught: Error & { stderr?: string; code?: number }) => caught,
    )
    return error as { readonly stderr?: string; readonly code?: number }
  }
  expect(await refused('none')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('NO_LEADER_TO_KILL: @heddle/consensus-solo'),
  })
})
