import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createNetwork, createNetworkFromFile, type Network } from '@heddle/core'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

const PEER = 'peer0.org1'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-damage-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (): Promise<Network> =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    storage: { folder },
    log: { level: 'silent' },
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })

const ledger = (node: string, ...path: string[]): string => join(folder, 'nodes', node, 'ledgers/main', ...path)

/** A stopped network with a few blocks; gives their number. */
async function written(): Promise<number> {
  await using network = await open()
  for (const key of ['a', 'b', 'c']) await network.gateway('Org1').contract('asset').submit('put', key, `value of ${key}`)
  await network.channel('main').synchronize()
  return network.channel('main').height
}

/** Changes one byte of a file; `at` may count from the end. */
async function damage(file: string, at: number, change: (byte: number) => number = (byte) => byte ^ 1): Promise<void> {
  const bytes = await readFile(file)
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = change(bytes[index]!)
  await writeFile(file, bytes)
}

describe('damage to the data folder of a network', () => {
  for (const node of [PEER, 'orderer0.orderer']) {
    it(`the last block of ${node} is damaged: it refuses to start, with LEDGER_BLOCK_CORRUPT`, async () => {
      await written()
      await damage(ledger(node, 'blocks/blocks-000000'), -40)
      await expect(open()).rejects.toMatchObject({ code: 'LEDGER_BLOCK_CORRUPT', duty: 'tell-operator' })
    })

    it(`the genesis block of ${node} is damaged: it refuses to start, with LEDGER_BLOCK_CORRUPT`, async () => {
      await written()
      await damage(ledger(node, 'blocks/blocks-000000'), 200)
      await expect(open()).rejects.toMatchObject({ code: 'LEDGER_BLOCK_CORRUPT', data: { block: 0 } })
    })
  }

  it('a block in the middle is damaged: whoever reads it hears LEDGER_BLOCK_CORRUPT, never other content', async () => {
    const height = await written()
    const file = ledger(PEER, 'blocks/blocks-000000')
    const bytes = await readFile(file)
    const at = bytes.indexOf('value of a')
    expect(at).toBeGreaterThan(0)
    await damage(file, at)
    await using network = await open()
    const outcomes: unknown[] = []
    for (let number = 0; number < height; number++) {
      await network
        .peer(PEER)
        .block('main', number)
        .then(
          (block) => outcomes.push(block?.number),
          (error) => outcomes.push(error.code),
        )
    }
    const bad = outcomes.indexOf('LEDGER_BLOCK_CORRUPT')
    expect(outcomes).toEqual(Array.from({ length: height }, (_, i) => (i === bad ? 'LEDGER_BLOCK_CORRUPT' : i)))
    expect(bad).toBeGreaterThan(0)
  })

  it('the last block was cut off, although it had been acknowledged: LEDGER_BLOCKS_LOST', async () => {
    await written()
    const file = ledger('orderer0.orderer', 'blocks/blocks-000000')
    const bytes = await readFile(file)
    await writeFile(file, bytes.subarray(0, -100))
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_BLOCKS_LOST' })
  })

  it('state, history and index are taken away: they are built again from the blocks', async () => {
    const height = await written()
    const [before] = await contentHashes()
    for (const name of ['state', 'history', 'blocks-index']) await rm(ledger(PEER, name), { recursive: true })
    const after = await contentHashes()
    expect(after).toEqual([before, before])
    await using network = await open()
    expect(network.peer(PEER).height('main')).toBe(height)
    expect(text(await network.gateway('Org1').contract('asset').evaluate('get', 'b'))).toBe('value of b')
  })

  it('a state that is ahead of the blocks is refused with PEER_LEDGER_STATE_AHEAD', async () => {
    await written()
    for (const name of ['blocks', 'blocks-index', 'history']) await rm(ledger(PEER, name), { recursive: true })
    await expect(open()).rejects.toMatchObject({ code: 'PEER_LEDGER_STATE_AHEAD' })
  })
})

async function contentHashes(): Promise<string[]> {
  await using network = await open()
  return Promise.all(network.peers.map((peer) => peer.contentHash('main')))
}

describe('a format of another version is refused, and nothing is touched', () => {
  it('block files: LEDGER_FORMAT_UNKNOWN', async () => {
    await written()
    await damage(ledger(PEER, 'blocks/blocks-000000'), 11, () => 2)
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_FORMAT_UNKNOWN', data: { format: 2, known: 1 } })
  })

  const levels = [
    { name: 'state', code: 'STATE_DB_FORMAT_UNKNOWN' },
    { name: 'history', code: 'HISTORY_FORMAT_UNKNOWN' },
  ]
  for (const { name, code } of levels) {
    it(`${name}: ${code}`, async () => {
      await written()
      const db = new ClassicLevel<string, string>(ledger(PEER, name))
      await db.put('\0f', '2')
      await db.close()
      await expect(open()).rejects.toMatchObject({ code })
      await db.open()
      expect(await db.get('\0f')).toBe('2')
      await db.close()
    })
  }

  it('block index: it is built again, as it follows from the block files', async () => {
    const height = await written()
    const db = new ClassicLevel<string, string>(ledger(PEER, 'blocks-index'))
    await db.put('\0f', '2')
    await db.close()
    await using network = await open()
    expect(network.peer(PEER).height('main')).toBe(height)
  })

  it('identities: NETWORK_DATA_CORRUPT, with both versions named', async () => {
    await written()
    const path = join(folder, 'organizations/peerOrganizations/org1/members.json')
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), version: 2 }))
    await expect(open()).rejects.toMatchObject({ code: 'NETWORK_DATA_CORRUPT', message: expect.stringMatching(/2.*knows 1/) })
  })
})

describe('a data folder belongs to one process', () => {
  let other: ChildProcess | undefined
  afterEach(() => other?.kill('SIGKILL'))

  /** Another process that holds a folder, as a network does. */
  async function occupy(path: string): Promise<ChildProcess> {
    const module = pathToFileURL(fileURLToPath(new URL('../src/adapters/disk/file-disk.ts', import.meta.url))).href
    const program = `const { fileDisk } = await import(${JSON.stringify(module)})
      await fileDisk(${JSON.stringify(path)}).lock('')
      process.stdout.write('locked')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    other = child
    const [said] = await once(child.stdout!, 'data')
    expect(String(said)).toBe('locked')
    return child
  }

  for (const place of ['', `nodes/${PEER}`]) {
    it(`a second process on ${place === '' ? 'the folder' : 'the folder of a node'} is refused with DISK_LOCKED`, async () => {
      await written()
      const child = await occupy(join(folder, place))
      await expect(open()).rejects.toMatchObject({ code: 'DISK_LOCKED', message: expect.stringContaining(`${child.pid}`) })
      child.kill('SIGKILL')
      await once(child, 'exit')
      // What a killed process left behind is recognised.
      await using network = await open()
      await network.gateway('Org1').contract('asset').submit('put', 'd', '1')
    })
  }
})

describe('a config file that names a folder with a network in it', () => {
  it('goes on with it: identities, heights and data', async () => {
    const file = join(folder, 'network.yaml')
    await writeFile(
      join(folder, 'chaincode.mjs'),
      `export default {
        async invoke(stub) {
          const { fcn, params } = stub.getFunctionAndParameters()
          if (fcn === 'get') return stub.getState(params[0])
          await stub.putState(params[0], Buffer.from(params[1]))
        },
      }`,
    )
    const solo = fileURLToPath(new URL('../../consensus-solo/src/index.ts', import.meta.url))
    await writeFile(
      file,
      `organizations: [Org1, Org2]
ordering: { use: ${JSON.stringify(solo)} }
chaincodeRuntime: inline
storage: { folder: ./data }
log: { level: silent }
chaincodes:
  store: { module: ./chaincode.mjs, endorsement: "AND('Org1MSP.peer','Org2MSP.peer')" }
`,
    )
    const look = (network: Network) => ({
      certificates: ['Org1', 'Org2'].map((name) => network.organization(name).identity('client').certificate),
      heights: network.peers.map((peer) => peer.height('main')),
      orderer: network.orderers.map((orderer) => orderer.height('main')),
      commitHashes: network.peers.map((peer) => peer.commitHash('main')),
    })
    const first = await createNetworkFromFile(file)
    await first.gateway('Org1').contract('store').submit('put', 'a', '1')
    await first.channel('main').synchronize()
    const before = look(first)
    await first.stop()

    await using second = await createNetworkFromFile(file)
    expect(look(second)).toEqual(before)
    const contract = second.gateway('Org2').contract('store')
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
    await contract.submit('put', 'a', '2')
    await second.channel('main').synchronize()
    expect(second.peers.map((peer) => peer.height('main'))).toEqual(before.heights.map((height) => height + 1))
  })
})
