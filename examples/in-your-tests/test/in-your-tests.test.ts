import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const project = fileURLToPath(new URL('..', import.meta.url))
const bin = (path: string): string => fileURLToPath(new URL(`../../../node_modules/${path}`, import.meta.url))

/** Runs one of the project's test runners as its user would; gives what it printed. */
async function run(...args: string[]): Promise<string> {
  // What the runner of this very test has set is not meant for them.
  const { PATH, HOME } = process.env
  const environment = { NO_COLOR: '1', PATH, HOME }
  const child = promisify(execFile)(process.execPath, args, { cwd: project, env: environment })
  const { stdout, stderr } = await child.catch((failed: { stdout: string; stderr: string }) => failed)
  return stdout + stderr
}

describe('a chaincode project tests against a whole network in memory', () => {
  it('under vitest, its files in parallel threads', async () => {
    const output = await run(bin('vitest/vitest.mjs'), 'run')
    expect(output).toMatch(/Test Files +2 passed \(2\)/)
    expect(output).toMatch(/Tests +11 passed \(11\)/)
  })

  it('under node:test', async () => {
    expect(await run('--test', '--test-reporter=spec', 'node-test/lockers.test.js')).toMatch(/pass 3\n.*fail 0\n/)
  })

  it('under Jest, with a test in CommonJS', async () => {
    const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bin('jest/bin/jest.js')]
    expect(await run(...jest)).toMatch(/Tests: +2 passed, 2 total/)
  })
})
