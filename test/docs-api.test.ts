import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { root } from './source-tree.ts'

it('every export of @heddle/core, @heddle/core/plugin and @heddle/testkit has a docstring', async () => {
  const check = promisify(execFile)(process.execPath, [join(root, 'docs/tooling/typedoc.mjs'), '--check'], { cwd: root })
  const { stderr } = await check.catch((error: { stderr: string }) => error)
  expect(stderr).toBe('')
})
