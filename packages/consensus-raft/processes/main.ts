/**
 * `npm run test:raft -- [--kills N] [--full] [--seed S]`: three orderer processes over TCP with mutual TLS, on disks that lose what was not
 * synced; clients and two peers outside of them; orderers are killed under load, one, two or all at a time, and started again. Nothing
 * acknowledged may be lost. Then the same with syncs that write nothing, which must lose something. Exit status 1 otherwise.
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { createNetworkFromFile, type Network, seededRandom } from '@heddle/core'
import type { Block } from '@heddle/core/model'
import type { Random } from '@heddle/core/plugin'
import { type Check, chainOnDisk, chainsOnDisk, judgeOrderers, judgePeers, lost } from './judge.ts'
import { CHANNEL, ORDERERS, ORGANIZATIONS, PEERS, prepareKillNetwork } from './kill-network.ts'
import { Load } from './load.ts'
import { OrdererChildren } from './orderer-children.ts'

const DEFAULT_KILLS = 30
const FULL_KILLS = 200
/** Without an acknowledgement for so many milliseconds, all orderers up, the service is dead. */
const DEAD = 40_000

const usage = `usage: test:raft [--kills N (${DEFAULT_KILLS})] [--full (${FULL_KILLS} kills)] [--seed S (random)]
  The seed draws what is killed when; the moments themselves depend on the machine.`

const say = (text: string): boolean => process.stderr.write(`raft: ${text}\n`)
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Setting {
  readonly orderers: OrdererChildren
  readonly peers: Network
  /** Of clients alone. */
  readonly clients: Network
  readonly load: Load
  readonly random: Random
}

/** Runs the network in a fresh folder while `act` does what it likes to the orderers; afterwards everything has ended but the peers. */
async function withNetwork(
  seed: string,
  ignoreSync: boolean,
  act: (setting: Setting) => Promise<Check[]>,
  judge: (folder: string, setting: Setting) => Promise<Check[]>,
): Promise<Check[]> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-raft-kill-'))
  const networks: Network[] = []
  let orderers: OrdererChildren | undefined
  try {
    const file = await prepareKillNetwork(folder)
    orderers = new OrdererChildren(file, ignoreSync)
    const started = await Promise.all(ORDERERS.map((name) => orderers!.start(name)))
    if (started.includes(false)) throw new Error(`the orderers do not start: ${orderers.faults.join('; ')}`)
    const peers = await createNetworkFromFile(file, { only: PEERS })
    networks.push(peers)
    const clients = await createNetworkFromFile(file, { only: [] })
    networks.push(clients)
    const gateways = ORGANIZATIONS.map((name) => peers.gateway(clients.organization(name).identity('client')))
    const random = seededRandom(seed)
    const load = new Load(gateways, random.fork('load'))
    const setting = { orderers, peers, clients, load, random }
    if (!(await load.next(DEAD))) throw new Error('nothing is ordered before the first kill')
    const checks = await act(setting)
    return [...checks, ...(await judge(dirname(file), setting))]
  } finally {
    await orderers?.stop()
    for (const network of networks) await network.stop().catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

/** One most of the time; sometimes two, so that there is no quorum; sometimes all, so that only what is synced is left. */
function victims(up: readonly string[], random: Random, wanted: number): string[] {
  const draw = random.float()
  const count = Math.min(wanted, draw < 0.7 ? 1 : draw < 0.85 ? 2 : 3)
  const left = [...up]
  const chosen: string[] = []
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(Math.floor(random.float() * left.length), 1))
  return chosen
}

async function killing({ orderers, load, random }: Setting, wanted: number): Promise<Check[]> {
  const stuck: string[] = []
  const restarts: Promise<unknown>[] = []
  let kills = 0
  let whileStarting = 0
  while (kills < wanted) {
    // Most of the time the service has recovered before the next blow, sometimes it has not.
    if (random.float() < 0.7) {
      await Promise.all(restarts.splice(0))
      if (!(await load.next(DEAD))) stuck.push(`nothing was acknowledged after kill ${kills}`)
      if (stuck.length > 0) break
    }
    await pause(random.float() * 700)
    const chosen = victims(orderers.up, random, wanted - kills)
    for (const name of chosen) if (!(await orderers.isServing(name))) whileStarting++
    await orderers.kill(chosen)
    kills += chosen.length
    say(`kill ${kills} of ${wanted}: ${chosen.join(', ')}; ${load.acknowledged.size} transactions acknowledged`)
    for (const name of chosen) restarts.push(pause(random.float() * 600).then(() => orderers.start(name)))
  }
  await Promise.all(restarts)
  if (stuck.length === 0 && !(await load.next(DEAD))) stuck.push('nothing was acknowledged after the last kill')
  if (!(await load.end(DEAD))) stuck.push('some transactions were never acknowledged')
  say(`${whileStarting} of the kills hit an orderer that was starting; errors of clients: ${JSON.stringify([...load.refused])}`)
  return [
    { name: `after each of ${kills} kills transactions are acknowledged again`, complaints: stuck },
    { name: 'no orderer ended by itself', complaints: [...orderers.faults] },
  ]
}

/** Resolves with false when something does not come about in time. */
async function inTime(happening: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), DEAD)
  })
  try {
    return await Promise.race([happening.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when an orderer hands out the block of this number. */
async function delivers({ clients }: Setting, orderer: string, number: number): Promise<void> {
  const who = clients.organization(ORGANIZATIONS[0]!).identity('client')
  const remote = await clients.remoteOrderer(orderer, CHANNEL, who)
  for (const end = performance.now() + DEAD; performance.now() < end; ) {
    const reading = new AbortController()
    try {
      for await (const block of remote.deliver(number, reading.signal)) if (block.number === number) return
    } catch {
      // It may have been killed a moment ago, and the connection with it.
      await pause(100)
    } finally {
      reading.abort()
    }
  }
  throw new Error(`${orderer} does not hand out block ${number}`)
}

/** Everything is decided: what an orderer or a peer lacks, it gets from the others. Then the disks tell what is there. */
async function verdict(folder: string, setting: Setting): Promise<Check[]> {
  const { orderers, peers, load } = setting
  const late: string[] = []
  const height = (await load.last()) + 1
  for (const peer of peers.peers)
    if (!(await inTime(peer.reach(CHANNEL, height)))) late.push(`${peer.name} does not reach block ${height - 1}`)
  await Promise.all(
    ORDERERS.map((name) =>
      delivers(setting, name, height - 1).catch((error: Error) => {
        late.push(error.message)
      }),
    ),
  )
  await orderers.stop()
  const chains = await chainsOnDisk(folder)
  return [
    { name: `all orderers and peers catch up (${height} blocks)`, complaints: late },
    ...judgeOrderers(chains, height, load.acknowledged),
    ...(await judgePeers(peers.peers, [...chains.values()][0]!, height, load.acknowledged)),
  ]
}

/** Kills all at once, on disks that keep nothing: passes when that is found out. */
async function mutation(seed: string): Promise<Check> {
  let acknowledged = 0
  const refusals: string[] = []
  const checks = await withNetwork(
    seed,
    true,
    async ({ orderers, load }) => {
      for (let i = 0; i < 20; i++) await load.next(DEAD)
      await orderers.kill(orderers.up)
      acknowledged = load.acknowledged.size
      // As they were: whoever starts here would go on from nothing.
      await Promise.all(ORDERERS.map((name) => orderers.start(name)))
      await load.end(1)
      return []
    },
    async (folder, { orderers, load }) => {
      await orderers.stop()
      refusals.push(...orderers.faults)
      // Files that are no chain any more hold nothing.
      const chains = await Promise.all(ORDERERS.map((name) => chainOnDisk(folder, name).catch((): Block[] => [])))
      return chains.map((chain, i) => ({ name: ORDERERS[i]!, complaints: lost(chain, load.acknowledged) }))
    },
  )
  const least = Math.min(...checks.map(({ complaints }) => complaints.length))
  return {
    name: `with syncs that write nothing the loss is noticed: ${least} of ${acknowledged} acknowledged transactions are gone from every orderer, ${refusals.length} orderers refuse to start`,
    complaints: least > 0 ? [] : ['no orderer lost anything'],
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { kills: { type: 'string' }, full: { type: 'boolean' }, seed: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help === true) {
    process.stdout.write(`${usage}\n`)
    return
  }
  const kills = Number(values.kills ?? (values.full === true ? FULL_KILLS : DEFAULT_KILLS))
  if (!Number.isSafeInteger(kills) || kills < 1)
    throw new RangeError(`--kills must be a whole number above 0, not ${values.kills}`)
  const seed = values.seed ?? String(randomInt(2 ** 32))
  say(`${kills} kills, seed ${seed}`)
  const started = performance.now()
  const checks = await withNetwork(seed, false, (setting) => killing(setting, kills), verdict)
  say('once more, with syncs that write nothing: the loss must be noticed')
  checks.push(await mutation(seed))
  for (const { name, complaints } of checks) {
    process.stdout.write(`${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${name}\n`)
    for (const complaint of complaints) process.stdout.write(`       ${complaint}\n`)
  }
  const failed = checks.filter(({ complaints }) => complaints.length > 0).length
  process.stdout.write(`${kills} kills, seed ${seed}, ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
  process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`)
  if (failed > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  // Wrong arguments are the user's; anything else is ours, and needs its stack.
  const isUsage = error instanceof RangeError || String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(isUsage ? `${(error as Error).message}\n${usage}\n` : `${(error as Error).stack ?? String(error)}\n`)
  process.exitCode = 2
}
