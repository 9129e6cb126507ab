import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderErrorCatalogue } from './error-catalogue.ts'
import { root } from './source-tree.ts'

it('docs/errors.md lists every error code of the code, with its duty and meaning, and no other', async () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(await renderErrorCatalogue())
})
