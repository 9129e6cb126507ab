import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { FabricMSPConfig, MSPConfig, SerializedIdentity } from '../packages/core/src/model/index.ts'
import type { IdentityProvider, OrderedLogProvider } from '../packages/core/src/plugin.ts'
import {
  disseminationConformance,
  identityConformance,
  orderedLogConformance,
  stateDbConformance,
  type TestApi,
} from '../packages/testkit/src/index.ts'
import { root } from './source-tree.ts'

const folder = join(root, '.cache', 'docs-plugins')
const page = readFileSync(join(root, 'docs', 'plugins.md'), 'utf8')
const examples = new Map([...page.matchAll(/^```(?:ts|js) (\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [name!, code!]))

const load = (name: string): Promise<Record<string, unknown>> => import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)

/** The documentation page for plugin authors: its examples work as they stand. */
beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, code] of examples) writeFileSync(join(folder, name), code)
  // What the repository compiles its tests with: published names stand for the sources.
  const tsconfig = { extends: '../../tsconfig.test.json', compilerOptions: { noEmit: true }, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
})

describe('docs/plugins.md', () => {
  it('has an example for every kind of plugin but the block store', () => {
    expect([...examples.keys()]).toEqual([
      'using.ts',
      'ordering.ts',
      'state-db.ts',
      'identity.ts',
      'chaincode-runtime.ts',
      'dissemination.ts',
      'conformance.ts',
      'plain.mjs',
    ])
  })

  it('names no export, option or error code that does not exist, and its examples have no type errors', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const run = promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: root })
    const { stdout } = await run.catch((error: { stdout: string }) => ({ stdout: error.stdout }))
    // Errors of the sources are the build's to report.
    expect(stdout.split('\n').filter((line) => line.includes('docs-plugins') || line.startsWith('error'))).toEqual([])
  })

  it('every example of a plugin exports one, frozen and branded or plain', async () => {
    for (const name of ['ordering.ts', 'state-db.ts', 'identity.ts', 'chaincode-runtime.ts', 'dissemination.ts', 'plain.mjs']) {
      const plugin = (await load(name)).default as Record<string, unknown>
      expect([typeof plugin.name, typeof plugin.provides, plugin.api, typeof plugin.create], name).toEqual([
        'string',
        'string',
        1,
        'function',
      ])
    }
  })
})

const api: TestApi = { describe, it }

/** Registers a suite when its subject can only be loaded once the files are written. */
function later<T>(name: string, exported: string): () => Promise<T> {
  return async () => (await load(name))[exported] as T
}

stateDbConformance(api, {
  name: 'the example of docs/plugins.md',
  async create() {
    const db = (await later<() => import('../packages/core/src/plugin.ts').StateDB>('state-db.ts', 'create')())()
    await db.open()
    return { db, dispose: () => db.close() }
  },
})

disseminationConformance(api, {
  name: 'the example of docs/plugins.md',
  async create() {
    const Pull = await later<new () => import('../packages/core/src/plugin.ts').Dissemination>('dissemination.ts', 'Pull')()
    const dissemination = new Pull()
    return { dissemination, dispose: () => dissemination.stop() }
  },
})

let channels = 0
orderedLogConformance(api, {
  name: 'the example of docs/plugins.md',
  async create() {
    const shared = await later<OrderedLogProvider>('ordering.ts', 'provider')()
    const prefix = `test ${channels++} `
    return { provider: { ...shared, open: (channel, about) => shared.open(prefix + channel, about) }, dispose: async () => {} }
  },
  skips: [{ test: 'what was appended survives a restart, and appends go on after it', reason: 'it is in memory' }],
})

identityConformance(api, {
  name: 'the example of docs/plugins.md',
  verifies: false,
  skips: [{ test: 'an identity under the name of another MSP is refused', reason: 'names are the same in every MSP' }],
  async create() {
    const provider = await later<IdentityProvider>('identity.ts', 'provider')()
    const organizations = ['Org1MSP', 'Org2MSP'].map((mspId) => ({
      mspId,
      mspConfig: MSPConfig.encode({ type: 0, config: FabricMSPConfig.encode({ name: mspId }) }),
      members: (['client', 'peer', 'admin'] as const).map((role) => ({
        identity: SerializedIdentity.encode({ mspid: mspId, idBytes: Buffer.from(`${role}-1`) }),
        privateKey: new Uint8Array(0),
        roles: ['member', role] as const,
      })),
    }))
    const nameless = SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: Buffer.from('somebody') })
    const refused = [{ what: 'without a role', identity: nameless, code: 'IDENTITY_MALFORMED' }]
    return { provider, organizations, refused, dispose: async () => {} }
  },
})
