import { type ChildProcess, spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { connect, hash, signers } from '@hyperledger/fabric-gateway'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = join(root, 'packages/cli/dist/main.js')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const TYPESCRIPT = `
import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api'
import { shout } from './words'

@Info({ title: 'Words', description: 'keeps words' })
export class Words extends Contract {
  @Transaction()
  public async put(ctx: Context, key: string, word: string): Promise<void> {
    await ctx.stub.putState(key, Buffer.from(shout(word)))
  }

  @Transaction(false)
  @Returns('string')
  public async get(ctx: Context, key: string): Promise<string> {
    return Buffer.from(await ctx.stub.getState(key)).toString()
  }
}
`
const WORDS = (mark: string): string => `export const shout = (word: string): string => word.toUpperCase() + '${mark}'\n`

let folder: string
let child: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-dev-'))
})
afterEach(async () => {
  if (child !== undefined && child.exitCode === null) {
    const ended = new Promise((resolve) => child!.on('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  child = undefined
  await rm(folder, { recursive: true })
})

/** A project with its dependencies installed, as a user has it. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, 'words')
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), content)
  }
  const modules = join(path, 'node_modules')
  await mkdir(modules)
  const packageOf = (name: string, from: string): string =>
    dirname(createRequire(join(root, from, 'package.json')).resolve(`${name}/package.json`))
  // The project's own compiler: one with an API.
  await symlink(packageOf('typescript', 'docs/tooling'), join(modules, 'typescript'))
  for (const name of ['fabric-contract-api', 'fabric-shim']) await symlink(packageOf(name, 'packages/core'), join(modules, name))
  return path
}

/** Starts the command; gives its lines as they come. */
function dev(...args: string[]): {
  next(event: string): Promise<Record<string, unknown>>
  ended: Promise<number | null>
  stop(): void
} {
  const started = spawn(
    process.execPath,
    [program, 'dev', '--json', '--any-ports', '--folder', join(folder, 'network'), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  child = started
  const ended = new Promise<number | null>((resolve) => started.on('exit', resolve))
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
  return {
    async next(event) {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`the command ended before '${event}'`)
        const line = JSON.parse(value) as Record<string, unknown>
        if (line.event === event || line.error !== undefined) return line
      }
    },
    ended,
    stop: () => void started.kill('SIGINT'),
  }
}

interface Ready {
  readonly identities: string
  readonly endpoints: readonly { readonly node: string; readonly address: string; readonly tlsAuthority: string }[]
}

/** The stock client, with what it finds in the folders of the test network. */
async function client({ identities, endpoints }: Ready) {
  const { address, node, tlsAuthority } = endpoints.find((each) => each.node === 'peer0.org1.example.com')!
  const msp = join(identities, 'peerOrganizations/org1.example.com/users/User1@org1.example.com/msp')
  const only = async (name: string): Promise<Buffer> => readFile(join(msp, name, (await readdir(join(msp, name)))[0]!))
  const channel = new grpc.Client(address, grpc.credentials.createSsl(await readFile(tlsAuthority)), {
    'grpc.ssl_target_name_override': node,
  })
  const gateway = connect({
    client: channel,
    identity: { mspId: 'Org1MSP', credentials: await only('signcerts') },
    signer: signers.newPrivateKeySigner(createPrivateKey(await only('keystore'))),
    hash: hash.sha256,
  })
  const close = (): void => {
    gateway.close()
    channel.close()
  }
  return { words: gateway.getNetwork('mychannel').getContract('words'), close }
}

describe('heddle dev', () => {
  it('runs a TypeScript contract as it was written for Fabric, for the stock client, and takes changes over', async () => {
    const path = await project({
      'package.json': JSON.stringify({ name: '@someone/words', main: 'dist/index.js' }),
      'tsconfig.json': JSON.stringify({
        compilerOptions: { target: 'es2022', module: 'commonjs', outDir: 'dist', strict: true, esModuleInterop: true },
      }),
      'src/index.ts': `import { Words } from './contract'\nexport const contracts: unknown[] = [Words]\n`,
      'src/contract.ts': TYPESCRIPT,
      'src/words.ts': WORDS('!'),
    })
    const running = dev(path)
    const { words, close } = await client((await running.next('ready')) as unknown as Ready)
    try {
      await words.submitTransaction('put', 'a', 'hello')
      expect(text(await words.evaluateTransaction('get', 'a'))).toBe('HELLO!')
      await writeFile(join(path, 'src/words.ts'), WORDS('?'))
      expect(await running.next('deployed')).toMatchObject({ chaincode: 'words' })
      await words.submitTransaction('put', 'a', 'hello')
      expect(text(await words.evaluateTransaction('get', 'a'))).toBe('HELLO?')
      // What does not compile is told, and what ran before goes on.
      await writeFile(join(path, 'src/words.ts'), 'export const shout = (')
      expect(await running.next('failed')).toMatchObject({
        code: 'COMMAND_COMPILE_FAILED',
        message: expect.stringContaining('src/words.ts:1'),
      })
      expect(text(await words.evaluateTransaction('get', 'a'))).toBe('HELLO?')
    } finally {
      close()
    }
    running.stop()
    expect(await running.ended).toBe(0)
  })

  it('a folder without a chaincode is a typed error, and the exit status is 1', async () => {
    const running = dev(folder)
    expect(await running.next('error')).toMatchObject({ error: { code: 'COMMAND_NO_CHAINCODE' } })
    expect(await running.ended).toBe(1)
  })
})
