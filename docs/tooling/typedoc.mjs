// Writes the API pages from the docstrings, or with `--check` only says what has none. A part of the public API without a docstring is an
// error. `npm run docs` calls it.
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const isCheck = process.argv.includes('--check')
const packageFile = (path) => resolve(root, 'packages', path)

const app = await Application.bootstrap({
  name: 'Heddle',
  entryPoints: ['core/src/index.ts', 'core/src/plugin.ts', 'core/src/model/index.ts', 'testkit/src/index.ts'].map(packageFile),
  tsconfig: resolve(root, 'docs/tooling/tsconfig.json'),
  // The build and the tests check types; this TypeScript is another one.
  skipErrorChecking: true,
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  readme: 'none',
  disableSources: true,
  sort: ['source-order'],
  out: resolve(root, 'docs/api'),
  logLevel: isCheck ? 'Warn' : 'Info',
  validation: { notExported: false, invalidLink: true, notDocumented: true },
  // The model's messages are Fabric's: its .proto files document them.
  requiredToBeDocumented: ['Class', 'Interface', 'Function', 'TypeAlias', 'Variable'],
  packagesRequiringDocumentation: ['@heddle/core', '@heddle/testkit'],
})

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
const undocumented = app.logger.hasWarnings() || app.logger.hasErrors()
if (!isCheck) await app.generateDocs(project, resolve(root, 'docs/api'))
process.exitCode = undocumented ? 1 : 0
