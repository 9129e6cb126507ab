import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = join(root, 'packages/cli/dist/main.js')
const moduleOf = (name: string): string => JSON.stringify(fileURLToPath(import.meta.resolve(name)))

const CHAINCODE = `export default {
  async invoke(stub) {
    const { fcn, params: [key, value] } = stub.getFunctionAndParameters()
    if (fcn === 'put') {
      await stub.putState(key, Buffer.from(value))
      return 'was put'
    }
    const found = await stub.getState(key)
    if (found.length === 0) throw new Error('there is no ' + key)
    return found
  },
}
`

let folder: string
let up: ChildProcess
let config: string

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

interface Ran {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

function heddle(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.on('close', (status) => resolve({ status, out, err }))
  })
}

const json = ({ out }: Ran): Record<string, unknown> => JSON.parse(out)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-up-'))
  const [one, two, orderer] = await freePorts(3)
  config = join(folder, 'network.yaml')
  await writeFile(join(folder, 'chaincode.mjs'), CHAINCODE)
  await writeFile(
    config,
    `organizations: [Org1, Org2]
ordering: ${moduleOf('@heddle/consensus-solo')}
chaincodes:
  store: { module: ./chaincode.mjs }
storage: { folder: ./data }
services:
  peer0.org1: 127.0.0.1:${one}
  peer0.org2: 127.0.0.1:${two}
  orderer0.orderer: 127.0.0.1:${orderer}
`,
  )
  up = spawn(process.execPath, [program, 'up', '--json', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: up.stdout! })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  expect(JSON.parse(value as string)).toMatchObject({
    event: 'ready',
    nodes: [{ name: 'peer0.org1', services: `127.0.0.1:${one}` }, {}, {}],
  })
})
afterAll(async () => {
  if (up.exitCode === null) {
    const ended = new Promise((resolve) => up.on('exit', resolve))
    up.kill('SIGKILL')
    await ended
  }
  await rm(folder, { recursive: true })
})

describe('a network that is up', () => {
  const to = (...args: string[]) => [...args, '--config', config]

  it('takes transactions and answers queries from the command line', async () => {
    const submitted = await heddle(...to('submit', 'store', 'put', 'a', '1', '--json'))
    expect(submitted.status).toBe(0)
    expect(json(submitted)).toMatchObject({ status: 'VALID', result: 'was put' })
    expect(await heddle(...to('query', 'store', 'get', 'a', '--organization', 'Org2'))).toMatchObject({ status: 0, out: '1\n' })
  })

  it('what the chaincode refuses is exit status 1, with its words', async () => {
    const refused = await heddle(...to('query', 'store', 'get', 'nothing'))
    expect(refused).toMatchObject({ status: 1, err: expect.stringMatching(/COMMAND_REFUSED[\s\S]*there is no nothing/) })
    const asJson = await heddle(...to('submit', 'store', 'get', 'nothing', '--json'))
    expect(json(asJson)).toMatchObject({
      error: { code: 'COMMAND_REFUSED', data: { details: [{ mspId: 'Org1MSP' }, { mspId: 'Org2MSP' }] } },
    })
  })

  it('wrong names are exit status 2 and list the right ones', async () => {
    expect(await heddle(...to('query', 'store', 'get', 'a', '--organization', 'Org9'))).toMatchObject({
      status: 2,
      err: expect.stringContaining('Org1, Org2'),
    })
    expect(await heddle(...to('query', 'store', 'get', 'a', '--as', 'nobody'))).toMatchObject({
      status: 1,
      err: expect.stringContaining('no user nobody'),
    })
    expect(await heddle('node', 'start', '--config', config, '--node', 'peer9.org1')).toMatchObject({
      status: 2,
      err: expect.stringContaining('peer0.org1'),
    })
  })

  it('shows its blocks', async () => {
    const listed = await heddle(...to('blocks', 'list', '--json'))
    const blocks = listed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(blocks.map(({ number }) => number)).toEqual(blocks.map((_, i) => i))
    const shown = json(await heddle(...to('blocks', 'show', String(blocks.length - 1), '--json')))
    expect(shown).toMatchObject({
      number: blocks.length - 1,
      hash: blocks.at(-1).hash,
      signedBy: ['OrdererMSP'],
      transactions: [
        {
          status: 'VALID',
          creator: 'Org1MSP',
          actions: [{ chaincode: 'store', endorsedBy: ['Org1MSP', 'Org2MSP'], writes: [{ key: 'a', value: '1' }] }],
        },
      ],
    })
    expect(await heddle(...to('blocks', 'show', 'x'))).toMatchObject({ status: 2 })
    expect(await heddle(...to('blocks', 'show', '9999'))).toMatchObject({
      status: 1,
      err: expect.stringContaining('is not there yet'),
    })
    expect((await heddle(...to('blocks', 'list', '--from', '1', '--limit', '1'))).out.trim().split('\n')).toHaveLength(1)
  })

  it('stops at a signal; its ledgers verify offline, and nobody answers any more', async () => {
    const ended = new Promise((resolve) => up.on('exit', resolve))
    up.kill('SIGTERM')
    expect(await ended).toBe(0)
    const verified = await heddle('verify', join(folder, 'data', 'nodes', 'peer0.org1'), '--json')
    expect(verified.status).toBe(0)
    expect(json(verified)).toMatchObject({ verified: true })
    expect(await heddle(...to('query', 'store', 'get', 'a'))).toMatchObject({
      status: 1,
      err: expect.stringContaining('COMMAND_UNREACHABLE'),
    })
  })
})
