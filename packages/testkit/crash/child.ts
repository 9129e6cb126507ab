// The process that is killed: a whole network whose disks lose what was not synced, under load. It tells each acknowledgement as it comes.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createNetwork, defineChaincode, type Gateway, type Network, Tokens, type Transaction } from '@heddle/core'
import { fileDisk, seededRandom } from '@heddle/core/testing'
import { writeBehindDisk } from '@heddle/testkit'
import type { ChildOrders, ReportLine } from './report-line.ts'

const CHANNEL = 'main'
const IN_FLIGHT = 48
const KEYS = 400
const COUNTERS = ['apples', 'pears', 'plums']
/** Small files, so that the change to a new one is among the moments of death. */
const SEGMENT_BYTES = 128 * 1024

const orders = JSON.parse(process.argv[2] ?? '{}') as ChildOrders
const random = seededRandom(orders.seed)

/** Written at once: what was told before the kill has been told. */
function tell(line: ReportLine): void {
  let rest = Buffer.from(`${JSON.stringify(line)}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const store = defineChaincode({
  async put(stub, key = '', value = '') {
    await stub.putState(key, Buffer.from(value))
  },
  async add(stub, counter = '') {
    const value = Number(text(await stub.getState(counter)) || '0')
    await stub.putState(counter, Buffer.from(String(value + 1)))
  },
  async counters(stub) {
    const values = await Promise.all(COUNTERS.map(async (name) => Number(text(await stub.getState(name)) || '0')))
    return JSON.stringify(Object.fromEntries(COUNTERS.map((name, i) => [name, values[i]])))
  },
})

function start(): Promise<Network> {
  const { folder, ignoreSync } = orders
  return createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    storage: { folder },
    stateDb: 'level',
    blockStore: { use: 'files', options: { segmentBytes: SEGMENT_BYTES } },
    chaincodes: { store: { chaincode: store, endorsement: "AND('Org1MSP.peer', 'Org2MSP.peer')" } },
    log: { level: 'error' },
    overrides: {
      node: (container, { name }) => {
        const disk = writeBehindDisk(fileDisk(join(folder, 'nodes', name)), { ignoreSync })
        container.registerInstance(Tokens.Disk, disk)
      },
    },
  })
}

/** Waits until the peers have what the orderer has, then tells all of it. */
async function examine(network: Network): Promise<void> {
  const height = Math.max(...network.orderers.map((orderer) => orderer.height(CHANNEL) ?? 0))
  tell(['started', height])
  await Promise.all(network.peers.map((peer) => peer.reach(CHANNEL, height)))
  for (const peer of network.peers) {
    for await (const block of peer.blocks(CHANNEL, orders.from)) {
      const flags = block.metadata[2] ?? new Uint8Array(0)
      const hash = Buffer.from(block.hash()).toString('hex')
      const commitHash = Buffer.from(block.metadata[4] ?? []).toString('hex')
      const transactions = block.data.map((_, i) => [block.envelope(i).txId, flags[i] ?? -1] as const)
      tell(['block', peer.name, { number: block.number, hash, commitHash, transactions }])
    }
    const halted = peer.status().channels.find(({ channel }) => channel === CHANNEL)?.halted?.message
    // Evaluation asks a peer of the gateway's own organisation.
    const counters = JSON.parse(text(await network.gateway(peer.organization).contract('store').evaluate('counters')))
    const [commitHash, contentHash] = [peer.commitHash(CHANNEL), await peer.contentHash(CHANNEL)]
    tell(['state', peer.name, { height: peer.height(CHANNEL), halted, commitHash, contentHash, counters }])
  }
  tell(['examined'])
}

/** Sends a transaction, and tells what comes of it. */
async function send(transaction: Transaction): Promise<void> {
  const txId = transaction.getTransactionId()
  const commit = await transaction.submit()
  tell(['ordered', txId])
  const { blockNumber, code } = await commit.getStatus()
  tell(['committed', txId, blockNumber, code])
}

async function one(gateways: readonly Gateway[], organizations: readonly string[], count: number): Promise<void> {
  const which = count % gateways.length
  const counter = random.float() < 0.2 ? COUNTERS[Math.floor(random.float() * COUNTERS.length)]! : null
  const contract = gateways[which]!.contract('store')
  const proposal =
    counter === null
      ? contract.newProposal('put', `key${Math.floor(random.float() * KEYS)}`, `${orders.seed} ${count}`)
      : contract.newProposal('add', counter)
  const transaction = await proposal.endorse()
  const bytes = Buffer.from(transaction.getBytes()).toString('base64')
  tell(['sending', transaction.getTransactionId(), organizations[which]!, counter, bytes])
  const sent = [send(transaction)]
  // The same bytes twice: at once, or when the fate of the first is known.
  if (random.float() < 0.05) sent.push(send(transaction))
  await Promise.all(sent)
  if (random.float() < 0.05) await send(transaction)
}

async function load(network: Network): Promise<void> {
  const organizations = ['Org1', 'Org2']
  const gateways = organizations.map((name) => network.gateway(name))
  const refused = (error: unknown): void => tell(['refused', (error as { code?: string }).code ?? String(error)])
  const open = orders.resend.map(({ organization, transaction }) =>
    send(gateways[organizations.indexOf(organization)]!.newTransaction(Buffer.from(transaction, 'base64'))).catch(refused),
  )
  let count = 0
  const workers = Array.from({ length: IN_FLIGHT }, async () => {
    for (;;) await one(gateways, organizations, count++).catch(refused)
  })
  const changes = async (): Promise<void> => {
    const channel = network.channel(CHANNEL)
    for (;;) {
      const { blockNumber } = await channel.setBatchSize({
        maxMessageCount: (channel.config.ordering.batchSize.maxMessageCount % 1000) + 100,
      })
      tell(['configured', blockNumber])
      await Promise.all(Array.from({ length: 40 }, () => network.gateway('Org1').contract('store').evaluate('counters')))
    }
  }
  await Promise.all([...open, ...workers, random.float() < 0.3 ? changes() : undefined])
}

try {
  const network = await start()
  await examine(network)
  if (orders.examineOnly) await network.stop()
  else await load(network)
} catch (error) {
  const { code, message, cause } = error as Error & { code?: string }
  const because = cause instanceof Error ? ` (${cause.message})` : ''
  tell(['fault', code ?? 'UNTYPED', `${message}${because}`])
  process.exit(1)
}
