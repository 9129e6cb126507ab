import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createNetwork, createNetworkFromFile, HeddleError, loadConfigFile, manualClock } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLetters } from '../../../examples/letter-of-credit/src/letters-file.ts'
import { readOptions } from '../../../examples/letter-of-credit/src/options.ts'
import { mutate } from '../fuzz/mutate.ts'
import { Seeded } from '../fuzz/seeded.ts'
import { WorkerRuntime } from '../src/adapters/chaincode-worker/worker-runtime.ts'
import { main as verify } from '../src/verify/main.ts'
import { failure } from './bad-input.fixture.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-bad-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

const base = (): string => pathToFileURL(join(folder, 'network.yaml')).href

/** The code of the typed error with which a network refuses to start. */
async function codeOf(definition: unknown): Promise<string> {
  const error = await failure(createNetwork({ base: base(), log: { level: 'silent' }, ...(definition as object) } as never))
  expect(error).toBeInstanceOf(HeddleError)
  return error.code!
}

describe('a configuration that is wrong', () => {
  it('in any form: a file of anything is refused with a code', async () => {
    for (const text of [
      '',
      '[]',
      'null',
      '3',
      '"x"',
      '{',
      '\u0000',
      '- a\n- b',
      'organizations: *nowhere',
      '&a [*a]',
      '--- a\n--- b',
      '%YAML 9.9',
    ]) {
      const error = await failure(loadConfigFile(await file('any.yaml', text)))
      expect(error, JSON.stringify(text)).toBeInstanceOf(HeddleError)
      expect(error.code, JSON.stringify(text)).toMatch(/^CONFIG_/)
    }
    expect(await failure(loadConfigFile(folder))).toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
    expect(await failure(loadConfigFile(await file('large.yaml', ' '.repeat(5_000_000))))).toMatchObject({
      code: 'CONFIG_FILE_UNREADABLE',
    })
  })

  it('nested ten thousand deep', async () => {
    const deep = `${'{a: '.repeat(10_000)}1${'}'.repeat(10_000)}`
    expect(await failure(loadConfigFile(await file('deep.yaml', deep)))).toMatchObject({
      code: expect.stringMatching(/^CONFIG_/),
    })
    const lists = `organizations: ${'['.repeat(10_000)}${']'.repeat(10_000)}`
    expect(await failure(loadConfigFile(await file('deep.yaml', lists)))).toMatchObject({
      code: expect.stringMatching(/^CONFIG_/),
    })
  })

  it('in one of thousands of ways: resolved, or refused with a code', async () => {
    const text = await readFile(new URL('../../../examples/letter-of-credit/network.yaml', import.meta.url))
    const random = new Seeded(7)
    let refused = 0
    for (let i = 0; i < 1_500; i++) {
      const path = await file('mutated.yaml', Buffer.from(mutate(text, random, text)).toString('latin1'))
      await loadConfigFile(path).catch((error: unknown) => {
        if (!(error instanceof HeddleError)) throw new Error(`input ${i}`, { cause: error })
        refused++
      })
    }
    expect(refused).toBeGreaterThan(100)
  })

  const chaincode = () => {}
  const cases: Record<string, [unknown, RegExp]> = {
    nothing: [{}, /^CONFIG_INVALID$/],
    'an organisation that climbs out of its folder': [{ organizations: ['../Org1'] }, /^CONFIG_INVALID$/],
    'an organisation without name': [{ organizations: [''] }, /^CONFIG_INVALID$/],
    'a channel that is a path': [{ organizations: ['A'], channels: { '../main': {} } }, /^CONFIG_INVALID$/],
    'a key of JavaScript': [JSON.parse('{"organizations":["A"],"__proto__":{"polluted":1}}'), /^CONFIG_INVALID$/],
    'a channel named like a key of JavaScript': [
      { organizations: ['A'], channels: JSON.parse('{"__proto__":{}}') },
      /^CONFIG_INVALID$/,
    ],
    'an endorsement policy that does not parse': [
      { organizations: ['A'], chaincodes: { cc: { chaincode, endorsement: "AND('AMSP.peer'" } } },
      /^(POLICY|NETWORK|CONFIG)_/,
    ],
    'an endorsement policy nested a thousand deep': [
      {
        organizations: ['A'],
        chaincodes: { cc: { chaincode, endorsement: `${'AND('.repeat(1_000)}'AMSP.peer'${')'.repeat(1_000)}` } },
      },
      /^(POLICY|NETWORK|CONFIG)_/,
    ],
    'an endorsement policy of an unknown organisation': [
      { organizations: ['A'], chaincodes: { cc: { chaincode, endorsement: "AND('NoMSP.peer')" } } },
      /^CONFIG_CONTRADICTION$/,
    ],
    'a channel policy that does not parse': [
      { organizations: ['A'], channels: { main: { policies: { Endorsement: 'MOST Endorsement' } } } },
      /^(POLICY|CHANNEL|CONFIG)_/,
    ],
    'a transaction limit that not even a genesis block’s successor fits': [
      {
        organizations: ['A'],
        channels: { main: { batch: { absoluteMaxBytes: 1, preferredMaxBytes: 1 } } },
        chaincodes: { cc: { chaincode } },
      },
      /^(NETWORK|CONFIG|ORDER)_/,
    ],
    'a chaincode that is none': [
      { organizations: ['A'], chaincodes: { cc: { chaincode: { hello: 1 } } } },
      /^(CHAINCODE|NETWORK)_/,
    ],
    'a chaincode module that is not there': [
      { organizations: ['A'], chaincodes: { cc: { module: './nowhere.js' } } },
      /^(CHAINCODE|PLUGIN|NETWORK|CONFIG)_/,
    ],
    'an unknown plugin': [{ organizations: ['A'], ordering: 'no-such-plugin' }, /^PLUGIN_NOT_FOUND$/],
    'a plugin of no package': [{ organizations: ['A'], stateDb: '../../../../etc/passwd' }, /^PLUGIN_/],
    'a port that is none': [{ organizations: ['A'], operations: { port: 70_000 } }, /^CONFIG_INVALID$/],
    'a host that is none': [{ organizations: ['A'], operations: { port: 0, host: '256.1.1.1' } }, /^NETWORK_PORT_UNAVAILABLE$/],
  }
  for (const [name, [definition, code]] of Object.entries(cases))
    it(name, async () => expect(await codeOf(definition)).toMatch(code))

  it('a port that somebody else has', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    expect(await codeOf({ organizations: ['A'], operations: { port } })).toBe('NETWORK_PORT_UNAVAILABLE')
    server.close()
  })

  it('a data folder that is a file', async () => {
    const path = await file('taken', '')
    expect(await codeOf({ organizations: ['A'], storage: { folder: path } })).toMatch(/^(DISK|NETWORK)_/)
    expect(await codeOf({ organizations: ['A'], storage: { folder: join(path, 'below') } })).toMatch(/^(DISK|NETWORK)_/)
  })
})

describe('a chaincode module that never becomes a chaincode', () => {
  const cases: Record<string, [string, RegExp]> = {
    'throws while it loads': ['throw new Error("no such luck")', /^CHAINCODE_LOAD_FAILED$/],
    'exits while it loads': ['process.exit(3)', /^CHAINCODE_LOAD_FAILED$/],
    'does not parse': ['export default {{', /^CHAINCODE_LOAD_FAILED$/],
    'exports nothing': ['export const other = 1', /^CHAINCODE_LOAD_FAILED$/],
  }
  for (const [name, [text, code]] of Object.entries(cases))
    it(name, async () => {
      await file('module.mjs', text)
      const path = `./module.mjs`
      expect(await codeOf({ organizations: ['A'], chaincodes: { cc: { module: path, runtime: 'worker' } } })).toMatch(code)
    })

  it.each(['await new Promise(() => { setInterval(() => {}, 1e6) })', 'for (;;);'])('%s: given up after a time', async (text) => {
    const clock = manualClock()
    const url = pathToFileURL(await file(`never-${text.length}.mjs`, text)).href
    const runtime = new WorkerRuntime('AMSP', clock)
    const loading = failure(runtime.load('cc', { kind: 'module', url }))
    clock.advance(60_000)
    expect(await loading).toMatchObject({ code: 'CHAINCODE_LOAD_FAILED', message: expect.stringContaining('within') })
    await runtime.stop()
  })
})

describe('identities in the data folder that somebody changed', () => {
  /** A data folder of a network that ran. */
  async function used(): Promise<string> {
    const data = await mkdtemp(join(folder, 'data-'))
    await using _network = await createNetwork({
      organizations: ['A'],
      base: base(),
      storage: { folder: data },
      log: { level: 'silent' },
    })
    return data
  }
  const start = (data: string) =>
    failure(createNetwork({ organizations: ['A'], base: base(), storage: { folder: data }, log: { level: 'silent' } }))
  const org = (data: string, ...path: string[]) => join(data, 'organizations', 'peerOrganizations', 'a', ...path)

  it('JSON of another shape, or none, is refused and nothing is overwritten', async () => {
    const data = await used()
    for (const path of [org(data, 'ca', 'authority.json'), org(data, 'members.json')]) {
      const good = await readFile(path, 'utf8')
      const { version } = JSON.parse(good)
      for (const text of ['', 'null', '[]', '3', '{}', '{"version":99}', JSON.stringify({ version }), good.slice(0, -10)]) {
        await writeFile(path, text)
        const error = await start(data)
        expect(error, `${path} ${text.slice(0, 20)}`).toBeInstanceOf(HeddleError)
        expect(error.code).toBe('NETWORK_DATA_CORRUPT')
        expect(await readFile(path, 'utf8')).toBe(text)
      }
      await writeFile(path, good)
    }
    await using network = await createNetwork({
      organizations: ['A'],
      base: base(),
      storage: { folder: data },
      log: { level: 'silent' },
    })
    expect(network.channel('main').height).toBe(1)
  })

  it('a certificate or key that is damaged, missing, or somebody else’s is refused', async () => {
    const data = await used()
    const [peer] = await readdir(org(data, 'peers'))
    const msp = org(data, 'peers', peer!, 'msp')
    const parts = ['signcerts', 'keystore'].map((part) => join(msp, part))
    for (const part of parts) {
      const [name] = await readdir(part)
      const path = join(part, name!)
      const good = await readFile(path)
      for (const bad of [
        '',
        'garbage',
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        good.subarray(0, good.length / 2),
      ]) {
        await writeFile(path, bad)
        expect(await start(data), `${part} ${bad.slice(0, 20)}`).toBeInstanceOf(HeddleError)
      }
      await rm(path)
      expect(await start(data)).toBeInstanceOf(HeddleError)
      await writeFile(path, good)
    }
    // The key of the admin in place of the peer's.
    const [keys] = [join(msp, 'keystore')]
    const [keyName] = await readdir(keys)
    const good = await readFile(join(keys, keyName!))
    const admins = org(data, 'users', 'Admin@a', 'msp', 'keystore')
    await writeFile(join(keys, keyName!), await readFile(join(admins, (await readdir(admins))[0]!)))
    expect(await start(data)).toBeInstanceOf(HeddleError)
    await writeFile(join(keys, keyName!), good)
    await using network = await createNetwork({
      organizations: ['A'],
      base: base(),
      storage: { folder: data },
      log: { level: 'silent' },
    })
    expect(network.peers).toHaveLength(1)
  })
})

describe('command lines', () => {
  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    let out = ''
    let err = ''
    const status = await verify(args, { out: { write: (text) => (out += text) }, err: { write: (text) => (err += text) } })
    return { status, out, err }
  }

  it('verify: wrong use is status 2 and the help, a folder without ledger status 1 and its reason', async () => {
    for (const args of [[], ['a', 'b'], ['--jsn'], ['--json=1', folder]])
      expect(await run(...args)).toMatchObject({ status: 2, out: '' })
    await mkdir(join(folder, 'empty'), { recursive: true })
    for (const path of ['/nowhere/at/all', join(folder, 'empty'), await file('no-folder', 'x')]) {
      expect(await run(path)).toMatchObject({ status: 1, out: '', err: expect.stringMatching(/^verify: ./) })
      const { status, out } = await run(path, '--json')
      expect(status).toBe(1)
      expect(JSON.parse(out)).toMatchObject({ verified: false, error: { code: expect.stringMatching(/^VERIFY_/) } })
    }
  })

  it('verify: block files of garbage are a difference, not a crash', async () => {
    const ledger = await mkdtemp(join(folder, 'ledger-'))
    const genesis = await readFile(new URL('./vectors/fabric-ledger/0000.block', import.meta.url))
    const random = new Seeded(11)
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(100, 0xff),
      ...Array.from({ length: 60 }, () => mutate(genesis, random, genesis)),
    ]) {
      if (Buffer.compare(bytes, genesis) === 0) continue
      await writeFile(join(ledger, '0000.block'), bytes)
      const { status, out } = await run(ledger, '--json')
      expect(status).toBe(1)
      expect(JSON.parse(out).verified).toBe(false)
    }
  })

  it('the letter of credit: arguments and letters that are none', async () => {
    for (const args of [['--confg', 'x'], ['--config'], ['x'], ['--json=yes']]) expect(() => readOptions(args)).toThrow(Error)
    for (const text of [
      '',
      '[]',
      'null',
      '{}',
      '{"accounts":{},"letters":[]}',
      `{"accounts":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
    ])
      expect(await failure(readLetters(await file('letters.json', text)))).toMatchObject({ code: 'LETTERS_FILE_INVALID' })
    expect(await failure(readLetters(folder))).toMatchObject({ code: 'LETTERS_FILE_INVALID' })
  })

  it('a network from a file that is not there', async () => {
    expect(await failure(createNetworkFromFile(join(folder, 'nowhere.yaml')))).toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  })
})
