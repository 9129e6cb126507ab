import { rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import {
  type Gateway,
  HeddleError,
  loadConfigFile,
  loadPlugin,
  type Network,
  type NetworkConfig,
  startNetwork,
  type VerifyReport,
  verifyFolder,
} from '@heddle/core'
import { LeaderKiller, NoLeaderError } from './leader-killer.ts'
import { CARRIER, EXPORTER_BANK, IMPORTER_BANK } from './letter.ts'
import { LettersFileError, readLetters } from './letters-file.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { type Parties, tell } from './scenario.ts'
import { type Teller, teller } from './story.ts'

const CHAINCODE = 'letters'
/** Orderers that withstand one fault, by fault model. */
const ORDERERS = { none: 1, crash: 3, byzantine: 4 } as const

/** What `--json` prints last. */
interface Summary {
  /** The ledger was read back from disk and recomputed: hashes, signatures, policies and conflicts; all of it as the peers have it. */
  readonly verified: boolean
  readonly contentHash: string
  readonly commitHash: string
  readonly blocks: number
  /** All transactions, those of the configuration and of the chaincode's definition included. */
  readonly transactions: number
  /** Not endorsed, or on the ledger as invalid. */
  readonly refused: number
  /** Every step ended as the rules demand. */
  readonly asExpected: boolean
  readonly ordering: string
  readonly orderers: number
  readonly leaderKills: number
  readonly dissemination: string
  readonly ledger: string
}

async function run(options: Options, tale: Teller): Promise<Summary> {
  const letters = await readLetters(options.letters)
  const config = await configOf(options)
  tale.heading('A letter of credit, from application to payment')
  const network = await startNetwork(config)
  try {
    const status = network.status()
    tale.facts([
      ['organisations', network.organizations.join(', ')],
      ['peers', status.peers.map(({ name }) => name).join(', ')],
      ['ordering', `${status.ordering}, ${status.orderers.length} orderer${status.orderers.length === 1 ? '' : 's'}`],
      ['dissemination', status.dissemination],
      ['state', status.stateDb],
    ])
    const killer = options.killLeader ? await LeaderKiller.of(network, tale) : undefined
    const { refused, surprises } = await tell(partiesOf(network, killer), letters, CHAINCODE, tale)
    await killer?.bringBack()
    const seen = await whatPeersHave(network)
    await network.stop()

    tale.heading('Verification from the genesis block')
    const reports = new Map<string, VerifyReport>()
    for (const [peer, { ledger }] of seen) reports.set(peer, await verifyFolder(ledger))
    const verified = [...seen].every(([peer, { commitHash, contentHash }]) => {
      const report = reports.get(peer)
      return report?.verified === true && report.commitHash === commitHash && report.contentHash === contentHash
    })
    const [[first, { ledger }]] = [...seen] as [[string, PeerView]]
    const report = reports.get(first)!
    for (const [peer, { verified: good, blocks, firstDifference }] of reports) {
      tale.note(
        `${peer}: ${blocks} blocks read back, ${good ? 'flags, signatures and hashes equal' : `DIFFERENT: ${JSON.stringify(firstDifference)}`}`,
      )
    }
    const summary: Summary = {
      verified,
      contentHash: report.contentHash,
      commitHash: report.commitHash,
      blocks: report.blocks,
      transactions: report.transactions,
      refused,
      asExpected: surprises.length === 0,
      ordering: status.ordering,
      orderers: status.orderers.length,
      leaderKills: killer?.kills ?? 0,
      dissemination: status.dissemination,
      ledger,
    }
    tale.facts([
      ['verified', verified ? 'yes' : 'NO'],
      ['blocks', String(summary.blocks)],
      ['transactions', `${summary.transactions}`],
      ['refused', `${refused} (not endorsed, or invalid on the ledger)`],
      ['commit hash', summary.commitHash],
      ['content hash', summary.contentHash],
    ])
    tale.note(`verify again: npm run verify -- ${relative(process.cwd(), ledger) || '.'}`)
    return summary
  } finally {
    await network.stop()
  }
}

/** The network of the options, in a fresh folder: the story begins with empty accounts. */
async function configOf(options: Options): Promise<NetworkConfig> {
  const config = await loadConfigFile(options.config)
  // The story needs blocks on disk, to read them back; `latest` is the example's own and may go.
  const folder = join(config.folder ?? join(dirname(options.config), '.heddle'), 'latest')
  await rm(folder, { recursive: true, force: true })
  return {
    ...config,
    folder,
    ...(options.ordering === undefined ? {} : await orderedBy(options.ordering, config)),
    ...(options.dissemination === undefined ? {} : { dissemination: { use: options.dissemination, options: {} } }),
  }
}

/** Another ordering plugin, on as many nodes as it takes to withstand one fault. */
async function orderedBy(use: string, config: NetworkConfig): Promise<Pick<NetworkConfig, 'ordering' | 'orderers'>> {
  const { capabilities } = await loadPlugin('ordering', { use, options: {} }, config.base)
  const { min, max = Number.POSITIVE_INFINITY } = capabilities.nodes
  const wanted = Math.min(Math.max(ORDERERS[capabilities.faultModel], min), max)
  const [first, ...others] = config.orderers
  const missing = wanted - config.orderers.reduce((sum, { nodes }) => sum + nodes.length, 0)
  // Nodes with addresses are the file's to name.
  if (first === undefined || missing <= 0 || config.nodes.length > 0)
    return { ordering: { use, options: {} }, orderers: config.orderers }
  const domain = first.nodes[0]?.split('.').slice(1).join('.') ?? ''
  const more = Array.from({ length: missing }, (_, i) => `orderer${first.nodes.length + i}.${domain}`)
  return { ordering: { use, options: {} }, orderers: [{ ...first, nodes: [...first.nodes, ...more] }, ...others] }
}

function partiesOf(network: Network, killer: LeaderKiller | undefined): Parties {
  const chaincode = network.config.chaincodes.find(({ name }) => name === CHAINCODE)
  const channel = chaincode?.channels[0]
  if (channel === undefined) throw new Error(`the network has no chaincode '${CHAINCODE}'`)
  const party = (mspId: string): Gateway => {
    const organization = network.config.organizations.find((each) => each.mspId === mspId)
    if (organization === undefined) throw new Error(`the network has no organisation ${mspId}`)
    return network.gateway(organization.name, { channel })
  }
  return {
    importerBank: party(IMPORTER_BANK),
    exporterBank: party(EXPORTER_BANK),
    carrier: party(CARRIER),
    everywhere: async (block) => {
      await Promise.all(network.peers.map((peer) => peer.reach(channel, block + 1)))
    },
    trouble: async () => killer?.kill(),
  }
}

interface PeerView {
  readonly commitHash: string
  readonly contentHash: string
  readonly ledger: string
}

/** What each peer says of its ledger, once all are equally far. */
async function whatPeersHave(network: Network): Promise<Map<string, PeerView>> {
  const channel = network.config.chaincodes.find(({ name }) => name === CHAINCODE)?.channels[0] ?? ''
  const height = Math.max(...network.peers.map((peer) => peer.height(channel)))
  const views = new Map<string, PeerView>()
  for (const peer of network.peers) {
    await peer.reach(channel, height)
    views.set(peer.name, {
      commitHash: peer.commitHash(channel),
      contentHash: await peer.contentHash(channel),
      ledger: peer.ledgerPath(channel) ?? '',
    })
  }
  return views
}

async function main(): Promise<number> {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const tale = teller(
    options.json ? 'silent' : process.stdout.isTTY === true && process.env.NO_COLOR === undefined ? 'terminal' : 'plain',
  )
  try {
    const summary = await run(options, tale)
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    return summary.verified && summary.asExpected ? 0 : 1
  } catch (error) {
    // A mistake in a file or an option is the user's to mend: one line, no stack.
    if (error instanceof HeddleError || error instanceof LettersFileError || error instanceof NoLeaderError) {
      process.stderr.write(`${error.code}: ${error.message}\n`)
      return 1
    }
    throw error
  }
}

process.exitCode = await main()
