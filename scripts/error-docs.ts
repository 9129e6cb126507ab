// Writes docs/errors.md from the error families that the code declares.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderErrorCatalogue } from '../test/error-catalogue.ts'
import { root } from '../test/source-tree.ts'

writeFileSync(join(root, 'docs/errors.md'), await renderErrorCatalogue())
