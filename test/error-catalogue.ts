import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filesBelow, root } from './source-tree.ts'

/** Loads every `errors.ts` and renders the catalogue as docs/errors.md holds it. */
export async function renderErrorCatalogue(): Promise<string> {
  for (const path of filesBelow('packages')) {
    if (/\/src\/.*\berrors\.ts$/.test(path)) await import(pathToFileURL(join(root, path)).href)
  }
  const { errorCatalogue } = (await import(
    pathToFileURL(join(root, 'packages/core/src/model/errors.ts')).href
  )) as typeof import('../packages/core/src/model/errors.ts')
  const families = new Map<string, string[]>()
  for (const [code, { family, duty, meaning }] of [...errorCatalogue].sort(([a], [b]) => (a < b ? -1 : 1))) {
    families.set(family, [...(families.get(family) ?? []), `| \`${code}\` | ${duty} | ${meaning.replaceAll('|', '\\|')} |`])
  }
  const sections = [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([family, rows]) => `## ${family}\n\n| code | duty | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`)
  return `# Errors

Every error that Heddle throws on purpose is a \`HeddleError\`: a class of its family (\`instanceof\` works, across copies of the package too), a stable
\`code\`, \`data\` for programs to act on, and a \`duty\`, which says what the receiver should do:

| duty | what to do |
| --- | --- |
| retry | nothing happened; make the same call again |
| ask-status | the outcome is unknown: ask for the commit status, resend only the same bytes |
| fix-input | the argument is wrong; the same call will fail again |
| fix-config | the network's configuration is wrong |
| fix-chaincode | the chaincode misbehaved |
| tell-operator | a node stopped or refuses to go on; a person has to look |

This page is written from the code by \`npm run docs:errors\`, and a test holds the two equal.

${sections.join('\n')}`
}
