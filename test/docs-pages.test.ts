import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfigFile, TxValidationCode } from '../packages/core/src/index.ts'
import { root, sourcesBelow } from './source-tree.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const shipped = sourcesBelow('packages/core/src').filter((file) => !file.isTest)

/** What a pattern captures in the sources of core, each once, sorted. */
function inSources(pattern: RegExp): string[] {
  return [...new Set(shipped.flatMap(({ path }) => [...read(path).matchAll(pattern)].map(([, found]) => found!)))].sort()
}

describe('docs/testing.md', () => {
  const page = read('docs/testing.md')
  const snippets = [...page.matchAll(/^```(\S*) ?(\S*)\n(.*?)^```$/gms)].map(([, , file, code]) => ({ file: file!, code: code! }))

  it('has snippets from every test runner', () => {
    expect([...new Set(snippets.map(({ file }) => file.split('/')[2]))]).toEqual(['vitest', 'node-test', 'jest'])
  })

  it.each(snippets)('snippet %# stands in $file as it stands here', ({ file, code }) => {
    expect(read(file)).toContain(code)
  })
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')

  it('its configuration has no mistakes', async () => {
    const folder = join(root, '.cache', 'docs-operations')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'network.yaml'), /^```yaml network.yaml\n(.*?)^```$/ms.exec(page)![1]!)
    const config = await loadConfigFile(join(folder, 'network.yaml'))
    expect(config.channels[0]).toMatchObject({ name: 'deals', organizations: ['Buyer', 'Seller'] })
  })

  it('lists the metrics that there are', () => {
    const listed = [...page.matchAll(/^\| `(heddle_\w+)` \|/gm)].map(([, name]) => name!)
    expect(listed.sort()).toEqual(inSources(/'(heddle_\w+)'/g))
  })

  it('lists the subsystems of the log', () => {
    const [, listed] = /subsystems that may have a level of their own: ([^.]+)\./.exec(page)!
    expect([...listed!.matchAll(/`(\w+)`/g)].map(([, name]) => name!).sort()).toEqual(inSources(/subsystem: '(\w+)'/g))
  })

  it('names the duties that there are', () => {
    const [, union] = /type Duty = ([^\n]+)/.exec(read('packages/core/src/model/errors.ts'))!
    const duties = [...union!.matchAll(/'([\w-]+)'/g)].map(([, duty]) => duty!)
    expect(duties.filter((duty) => !page.includes(`\`${duty}\``))).toEqual([])
  })
})

it('every code that a page names exists', () => {
  const known = new Set([
    ...inSources(/^ {2}([A-Z][A-Z0-9_]+): \{/gm),
    ...Object.keys(TxValidationCode),
    ...inSources(/^export const ([A-Z_]+)\b/gm),
  ])
  const pages = ['README.md', 'docs/testing.md', 'docs/operations.md', 'docs/semantics.md', 'docs/plugins.md']
  const named = pages.flatMap((page) => [...read(page).matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code!))
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((code) => !known.has(code))).toEqual([])
})
