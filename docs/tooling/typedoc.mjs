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
  // The model is Fabric's own messages, which their .proto files document: pages for it, but no demand for docstrings.
  entryPoints: [
    'core/src/index.ts',
    'core/src/plugin.ts',
    'testkit/src/index.ts',
    ...(isCheck ? [] : ['core/src/model/index.ts']),
  ].map(packageFile),
  tsconfig: resolve(root, 'docs/tooling/tsconfig.json'),
  // The build and the tests check types; this TypeScript is another one.
  skipErrorChecking: true,
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  readme: 'none',
  sort: ['source-order'],
  out: resolve(root, 'docs/api'),
  logLevel: isCheck ? 'Error' : 'Warn',
  validation: { notExported: false, invalidLink: !isCheck, notDocumented: false },
})

const project = await app.convert()
if (project === undefined) process.exit(1)

const isDocumented = (reflection) =>
  reflection.hasComment() || (reflection.signatures ?? []).some((signature) => signature.hasComment())
/** Every export of every entry point; what is exported twice is a reference the second time. */
const undocumented = (project.children ?? [])
  .flatMap((entry) => entry.children ?? [])
  .filter((reflection) => !reflection.isReference() && !isDocumented(reflection))

if (isCheck) {
  for (const { name, sources } of undocumented) {
    console.error(`${name} has no docstring (${sources?.[0]?.fileName ?? 'unknown file'})`)
  }
  process.exitCode = undocumented.length === 0 ? 0 : 1
} else {
  app.validate(project)
  await app.generateDocs(project, resolve(root, 'docs/api'))
  console.error(`docs/api/index.html: ${app.logger.warningCount} warnings`)
}
