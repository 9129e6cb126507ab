/**
 * `npm run test:processes -- [--ordering PLUGIN] [--orderers N] [--full]`: a network whose nodes run in processes of their own, on loopback;
 * three Raft orderers and two peers unless told otherwise. Each is killed and started again under load: nothing that was acknowledged
 * may be lost, and both peers must end with the same ledger. One line a check; exit status 1 when one fails.
 */
import { spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadConfigFile, type Network, prepareNetwork, startNetwork, verifyFolder } from '@heddle/core'
import { type Layout, layOut } from './layout.ts'
import { Load } from './load.ts'
import { NodeProcess } from './node-process.ts'

const { values } = parseArgs({
  options: {
    ordering: { type: 'string', default: '@heddle/consensus-raft' },
    orderers: { type: 'string', default: '3' },
    /** Each is killed three times. */
    full: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const layout = await layOut(values.ordering, Number(values.orderers))
const { folder, config, orderers, peers } = layout
let passed = 0
let failed = 0

async function check(name: string, body: () => Promise<string | undefined>): Promise<void> {
  const began = performance.now()
  try {
    const detail = await body()
    passed++
    process.stdout.write(
      `ok   ${name}${detail === undefined ? '' : ` (${detail})`} ${Math.round(performance.now() - began)} ms\n`,
    )
  } catch (error) {
    failed++
    process.stdout.write(`FAIL ${name}: ${(error as Error).stack ?? error}\n`)
  }
}

const demand = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what)
}

const processes = new Map([...orderers, ...peers].map((name) => [name, new NodeProcess(config, [name])]))
const at = (name: string): NodeProcess => processes.get(name)!
const acknowledged: string[] = []
let client: Network | undefined
const contractOf = (organization: string) => client!.gateway(organization).channel('main').contract('store')

await check('preparation writes keys of one node into its folder, and none into the public part', () => prepared(layout))
await check('every node starts in a process of its own', async () => {
  await Promise.all([...processes.values()].map((each) => each.start()))
  return `${processes.size} processes`
})
await check('a client process deploys chaincode and submits', async () => {
  client = await startNetwork(await loadConfigFile(config), { only: [] })
  await client.deploy()
  await contractOf('Org1').submit('put', 'first', 'value')
  acknowledged.push('first')
  return undefined
})

const rounds = values.full ? [1, 2, 3] : [1]
for (const [name, round] of rounds.flatMap((each) => [...peers, ...orderers].map((node) => [node, each] as const)))
  await check(`${name} is killed under load and starts again`, async () => {
    const load = new Load([contractOf('Org1'), contractOf('Org2')], `${name} ${round} `)
    await load.more(100)
    await at(name).kill()
    // One peer, and one of several orderers, may be away: the others go on.
    if (peers.includes(name) || orderers.length > 2) await load.more(50)
    await at(name).start()
    await load.more(100)
    const outcome = await load.end()
    acknowledged.push(...outcome.acknowledged)
    const codes = [...outcome.failed].map(([code, count]) => `${count} ${code}`)
    demand(![...outcome.failed.keys()].some((code) => code.startsWith('untyped')), `errors without a code: ${codes}`)
    return `${outcome.acknowledged.length} committed${codes.length === 0 ? '' : `, ${codes.join(', ')}`}`
  })

await check('a client process is killed and nobody else notices', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./client.ts', import.meta.url)), config, 'Org2', 'client '], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = 0
  for await (const line of createInterface({ input: child.stdout })) {
    told = Number(line)
    if (told === 50) child.kill('SIGKILL')
  }
  demand(told >= 50, `it got ${told} transactions committed`)
  for (let i = 0; i < told; i++) acknowledged.push(`client ${i}`)
  await contractOf('Org1').submit('put', 'after the client', 'value')
  acknowledged.push('after the client')
  return `${told} committed`
})

await check('all processes are killed at once, and go on', async () => {
  await Promise.all([...processes.values()].map((each) => each.kill()))
  await Promise.all([...processes.values()].map((each) => each.start()))
  const load = new Load([contractOf('Org1'), contractOf('Org2')], 'anew ')
  await load.more(50)
  acknowledged.push(...(await load.end()).acknowledged)
  return undefined
})

await check('the folder of a node works elsewhere, with the public part alone', async () => {
  const [, name] = peers
  await at(name!).stop()
  const elsewhere = join(folder, 'elsewhere')
  for (const part of ['public', join('nodes', name!)])
    await cp(join(folder, 'data', part), join(elsewhere, 'data', part), { recursive: true })
  await mkdir(elsewhere, { recursive: true })
  for (const file of ['network.json', 'chaincode.mjs']) await cp(join(folder, file), join(elsewhere, file))
  const keys = await keysIn(elsewhere)
  demand(keys.length === 1, `${keys.length} keys are in the copied folder: ${keys}`)
  at(name!).config = join(elsewhere, 'network.json')
  await at(name!).start()
  const load = new Load([contractOf('Org2')], 'elsewhere ')
  await load.more(50)
  acknowledged.push(...(await load.end()).acknowledged)
  return undefined
})

await check('a node of another network with the same configuration is not let in', async () => {
  const foreign = join(folder, 'foreign')
  await mkdir(foreign)
  for (const file of ['network.json', 'chaincode.mjs']) await cp(join(folder, file), join(foreign, file))
  await prepareNetwork(await loadConfigFile(join(foreign, 'network.json')))
  const stranger = await startNetwork(await loadConfigFile(join(foreign, 'network.json')), { only: [] })
  try {
    const outcome = await stranger
      .gateway('Org1')
      .channel('main')
      .contract('store')
      .submit('put', 'stranger', 'value')
      .then(
        () => undefined,
        (error: { code: string; data: { details: { code: string }[] } }) => error,
      )
    const codes = new Set(outcome?.data.details.map(({ code }) => code))
    demand(outcome?.code === 'ENDORSE_UNAVAILABLE', `it was told ${outcome?.code}`)
    demand(
      [...codes].every((code) => code === 'TRANSPORT_PEER_REFUSED' || code === 'TRANSPORT_REFUSED'),
      `it was told ${[...codes]}`,
    )
    return [...codes].join()
  } finally {
    await stranger.stop()
  }
})

await check('both peers end with one ledger that holds everything acknowledged, nothing twice', async () => {
  const height = await at(orderers[0]!).orderedHeight('main')
  await Promise.all(peers.map((name) => at(name).reach('main', height)))
  const [one, two] = await Promise.all(peers.map((name) => at(name).state('main')))
  demand(one!.height === two!.height && one!.commitHash === two!.commitHash, 'the commit hashes differ')
  demand(one!.contentHash === two!.contentHash, 'the contents differ')
  const valid = one!.transactions.filter(([, code]) => code === 0).map(([id]) => id)
  demand(new Set(valid).size === valid.length, 'a transaction is valid twice')
  for (const organization of ['Org1', 'Org2']) {
    const contract = contractOf(organization)
    const missing: string[] = []
    const keys = acknowledged.values()
    const reader = async (): Promise<void> => {
      for (const key of keys) {
        const value = await contract.evaluate('get', key, { endorsingOrganizations: [`${organization}MSP`] })
        if (Buffer.from(value).toString() !== 'value') missing.push(key)
      }
    }
    await Promise.all(Array.from({ length: 32 }, reader))
    demand(
      missing.length === 0,
      `${missing.length} acknowledged transactions are missing at ${organization}: ${missing.slice(0, 5)}`,
    )
  }
  return `${acknowledged.length} acknowledged, height ${one!.height}`
})

await check('all processes end in order, and every ledger is sound from block 0', async () => {
  await client?.stop()
  await Promise.all([...processes.values()].map((each) => each.stop()))
  const ledgers = [join(folder, 'data', 'nodes', peers[0]!), join(folder, 'elsewhere', 'data', 'nodes', peers[1]!)]
  for (const path of ledgers) {
    const report = await verifyFolder(join(path, 'ledgers', 'main'))
    demand(report.verified, `${path}: ${JSON.stringify(report.firstDifference)}`)
  }
  return undefined
})

for (const each of processes.values()) await each.kill()
if (!values.keep) await rm(folder, { recursive: true, force: true })
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/** Paths of files below a folder that hold private keys. */
async function keysIn(path: string): Promise<string[]> {
  const files = await readdir(path, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const file of files) {
    if (!file.isFile()) continue
    const place = join(file.parentPath, file.name)
    if ((await readFile(place)).includes('PRIVATE KEY')) found.push(place)
  }
  return found
}

async function prepared({ folder: root, config: path, orderers: some, peers: others }: Layout): Promise<string> {
  await prepareNetwork(await loadConfigFile(path))
  // Again: what is there stays.
  const before = await readFile(join(root, 'data', 'public', 'members.json'), 'utf8')
  await prepareNetwork(await loadConfigFile(path))
  demand(
    (await readFile(join(root, 'data', 'public', 'members.json'), 'utf8')) === before,
    'a second preparation changed the first',
  )
  demand((await keysIn(join(root, 'data', 'public'))).length === 0, 'the public part holds a key')
  const keys = new Set<string>()
  for (const name of [...some, ...others]) {
    const own = await keysIn(join(root, 'data', 'nodes', name))
    demand(own.length === 1, `${name} holds ${own.length} keys`)
    keys.add(await readFile(own[0]!, 'utf8'))
  }
  demand(keys.size === some.length + others.length, 'two nodes have one key')
  await writeFile(join(root, 'prepared'), '')
  return `${keys.size} nodes`
}
