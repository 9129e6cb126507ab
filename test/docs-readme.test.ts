import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { createNetworkFromFile, loadConfigFile } from '../packages/core/src/index.ts'
import { root } from './source-tree.ts'

/** The snippets of the README run as a reader would run them: from files of their own, on the built packages. */
const folder = join(root, '.cache', 'docs-readme')
const page = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w+) ?([^\n]*)\n(.*?)^```$/gms)].map(([, language, title, code]) => ({
  language,
  title,
  code: code!,
}))
const files = new Map(
  blocks
    .filter(({ language, title }) => /^(ts|js|yaml)$/.test(language!) && title !== '')
    .map((each) => [each.title!, each.code]),
)
const run = promisify(execFile)

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, code] of files) writeFileSync(join(folder, name), code)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeTsconfig(folder)
})

function writeTsconfig(folder: string): void {
  const options = { composite: false, noEmit: true, allowImportingTsExtensions: true, rewriteRelativeImportExtensions: false }
  const tsconfig = { extends: '../../tsconfig.base.json', compilerOptions: options, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
}

async function typeErrors(folder: string): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return (await run(process.execPath, [tsc, '-p', folder], { cwd: root }).catch((error: { stdout: string }) => error)).stdout
}

async function output(name: string): Promise<string> {
  return (await run(process.execPath, [join(folder, name)], { cwd: folder })).stdout
}

describe('README.md', () => {
  it('every snippet of code has a name, and only these exist', () => {
    expect(blocks.filter(({ language, title }) => language !== 'sh' && language !== 'text' && title === '')).toEqual([])
    expect([...files.keys()]).toEqual([
      'compose.ts',
      'steps.ts',
      'asset-contract.cjs',
      'network.yaml',
      'run-contract.ts',
      'ordering.yaml',
      'memory-ordering.ts',
      'own-ordering.yaml',
      'rent.test.ts',
      'verify.ts',
    ])
  })

  it('its TypeScript has no type errors', async () => {
    expect(await typeErrors(folder)).toBe('')
  })

  it.each(['compose.ts', 'run-contract.ts', 'verify.ts'])('%s prints what the text says', async (name) => {
    const after = page.slice(page.indexOf(files.get(name)!))
    const [, promised] = /It prints `([^`]+)`/.exec(after)!
    expect(await output(name)).toBe(`${promised}\n`)
  })

  it('steps.ts prints what stands below it', async () => {
    expect(await output('steps.ts')).toBe(blocks.find(({ title }) => title === 'output of steps.ts')!.code)
  })

  it('its test passes', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=spec', 'rent.test.ts'], { cwd: folder })
    expect(stdout).toMatch(/pass 1\n.*fail 0\n/)
  })

  it.each(['network.yaml', 'ordering.yaml', 'own-ordering.yaml'])('%s is a configuration without mistakes', async (name) => {
    const config = await loadConfigFile(join(folder, name))
    expect(config.organizations.map((each) => each.name)).toEqual(['Org1', 'Org2'])
  })

  it('the network of own-ordering.yaml runs on the plugin of memory-ordering.ts', async () => {
    await using network = await createNetworkFromFile(join(folder, 'own-ordering.yaml'))
    expect(network.status().ordering).toBe('memory-ordering')
    await network.channel('main').setBatchSize({ maxMessageCount: 9 })
    expect(network.channel('main').config.ordering.batchSize.maxMessageCount).toBe(9)
  })

  it('what it shows of the letter of credit is what npm start prints', async () => {
    // The example's own network, with a data folder that no other run of it uses.
    const example = join(root, 'examples/letter-of-credit')
    const config = readFileSync(join(example, 'network.yaml'), 'utf8').replace('./dist/', '../../examples/letter-of-credit/dist/')
    writeFileSync(join(folder, 'letters.yaml'), config)
    const program = [join(example, 'dist/main.js'), '--config', join(folder, 'letters.yaml')]
    const { stdout } = await run(process.execPath, program, { cwd: folder })
    // Times differ from run to run.
    const steady = (text: string) => text.replace(/ +\d+\.\d ms$/gm, '')
    const excerpt = blocks.find(({ code }) => code.startsWith('== LC-2041'))!.code
    expect(steady(stdout)).toContain(steady(excerpt))
  })
})

describe('the README of a package', () => {
  it.each(['core', 'testkit'])('of %s has an example that compiles and runs', async (name) => {
    const text = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8')
    const [, file, code] = /^```ts (\S+)\n(.*?)^```$/ms.exec(text)!
    const own = join(root, '.cache', `docs-${name}`)
    rmSync(own, { recursive: true, force: true })
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, file!), code!)
    writeFileSync(join(own, 'package.json'), '{ "type": "module" }')
    writeTsconfig(own)
    expect(await typeErrors(own)).toBe('')
    const { stdout } = await run(process.execPath, [join(own, file!)], { cwd: own, maxBuffer: 1 << 24 })
    expect(stdout).not.toBe('')
  })
})

/** Pages that are written by hand. */
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...markdown('docs'),
  ...['packages', 'examples'].flatMap((parent) => readmes(parent)),
]

function markdown(path: string): string[] {
  return readdirSync(join(root, path))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${path}/${name}`)
}

function readmes(parent: string): string[] {
  return readdirSync(join(root, parent))
    .map((name) => `${parent}/${name}/README.md`)
    .filter((path) => existsSync(join(root, path)))
}

describe('pages', () => {
  it.each(pages)('%s links to files and headings that exist', (path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^https?:/.test(target))
    const broken = targets.filter((target) => {
      const [file = '', heading] = target.split('#')
      const found = file === '' ? join(root, path) : join(root, dirname(path), file)
      if (!existsSync(found)) return true
      return heading !== undefined && !headings(found).includes(heading)
    })
    expect(broken).toEqual([])
  })

  it.each(pages)('%s names only scripts that package.json has', (path) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const example = path.startsWith('examples/') && existsSync(join(root, dirname(path), 'package.json'))
    const own = example ? JSON.parse(readFileSync(join(root, dirname(path), 'package.json'), 'utf8')).scripts : undefined
    const named = [...readFileSync(join(root, path), 'utf8').matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !(name in { ...scripts, ...own }))).toEqual([])
  })
})

function headings(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/ /g, '-'),
  )
}
