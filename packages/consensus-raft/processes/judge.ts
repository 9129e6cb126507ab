import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Peer, seededRandom, silentLogger } from '@heddle/core'
import { type Block, BlockMetadataIndex, Metadata } from '@heddle/core/model'
import { BlockFileStore, fileDisk } from '@heddle/core/testing'
import { CHANNEL, nodeFolder, ORDERERS } from './kill-network.ts'

export interface Check {
  readonly name: string
  readonly complaints: readonly string[]
}

const VALID = 0
const MAX_COMPLAINTS = 5

/** The chain of an orderer as its disk has it, when it does not run. */
export async function chainOnDisk(folder: string, name: string): Promise<Block[]> {
  const blocks = `ledgers/${CHANNEL}/blocks`
  const node = nodeFolder(folder, name)
  // It is made again from the files: they alone shall answer.
  await rm(join(node, `${blocks}-index`), { recursive: true, force: true })
  const random = seededRandom('judge')
  const store = await BlockFileStore.open({ disk: fileDisk(node), folder: blocks, random, logger: silentLogger })
  const chain: Block[] = []
  for await (const block of store.read(0)) chain.push(block)
  await store.close()
  return chain
}

export async function chainsOnDisk(folder: string): Promise<Map<string, Block[]>> {
  return new Map(await Promise.all(ORDERERS.map(async (name) => [name, await chainOnDisk(folder, name)] as const)))
}

const idsOf = (chain: readonly Block[]): string[] => chain.flatMap((block) => block.data.map((_, i) => block.envelope(i).txId))

/** Acknowledged transactions that are not in a chain. */
export function lost(chain: readonly Block[], acknowledged: ReadonlySet<string>): string[] {
  const there = new Set(idsOf(chain))
  return [...acknowledged].filter((txId) => !there.has(txId))
}

/** @param height blocks that everybody must have; some may have more, which were under way at the end */
export function judgeOrderers(
  chains: ReadonlyMap<string, readonly Block[]>,
  height: number,
  acknowledged: ReadonlySet<string>,
): Check[] {
  const missing: string[] = []
  const different: string[] = []
  const [first, reference] = [...chains][0]!
  for (const [name, chain] of chains) {
    const gone = lost(chain.slice(0, height), acknowledged)
    if (gone.length > 0) missing.push(`${name} lacks ${gone.length} of ${acknowledged.size}, ${gone[0]} among them`)
    if (chain.length < height) different.push(`${name} has ${chain.length} blocks of ${height}`)
    for (const [i, block] of chain.entries()) {
      const other = reference[i]
      if (other === undefined || different.length >= MAX_COMPLAINTS) break
      const what = difference(block, other)
      if (what !== undefined) different.push(`block ${i}: ${name} and ${first} differ in ${what}`)
    }
  }
  return [
    { name: `every acknowledged transaction (${acknowledged.size}) is in the ledger of every orderer`, complaints: missing },
    {
      name: `header, data and OrdererBlockMetadata of ${height} blocks are equal on all orderers`,
      complaints: different,
    },
  ]
}

function difference(a: Block, b: Block): string | undefined {
  if (Buffer.compare(a.headerBytes(), b.headerBytes()) !== 0) return 'header'
  if (a.data.length !== b.data.length || a.data.some((each, i) => Buffer.compare(each, b.data[i]!) !== 0)) return 'data'
  // The signatures beside it are each orderer's own.
  const metadata = (block: Block): Uint8Array => Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES)).value
  return Buffer.compare(metadata(a), metadata(b)) === 0 ? undefined : 'OrdererBlockMetadata'
}

export async function judgePeers(
  peers: readonly Peer[],
  orderer: readonly Block[],
  height: number,
  acknowledged: ReadonlySet<string>,
): Promise<Check[]> {
  const absent: string[] = []
  const twice: string[] = []
  const hashes: string[] = []
  const forked: string[] = []
  for (const peer of peers) {
    const chain: Block[] = []
    for await (const block of peer.blocks(CHANNEL)) if (block.number < height) chain.push(block)
    const valid = new Map<string, number>()
    for (const block of chain) {
      const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
      for (let i = 0; i < block.data.length; i++) {
        const { txId } = block.envelope(i)
        valid.set(txId, (valid.get(txId) ?? 0) + (flags[i] === VALID ? 1 : 0))
      }
      const same = orderer[block.number]
      if (same === undefined || Buffer.compare(same.hash(), block.hash()) !== 0)
        forked.push(`block ${block.number} of ${peer.name} is not that of the orderers`)
    }
    const none = [...acknowledged].filter((txId) => valid.get(txId) !== 1)
    if (none.length > 0) absent.push(`${peer.name}: ${none.length} are not VALID, ${none[0]} among them`)
    for (const [txId, count] of valid) if (count > 1) twice.push(`${peer.name}: ${txId} is VALID ${count} times`)
    if (chain.length < height) forked.push(`${peer.name} has ${chain.length} blocks of ${height}`)
    hashes.push(Buffer.from(chain.at(-1)?.metadataAt(BlockMetadataIndex.COMMIT_HASH) ?? []).toString('hex'))
  }
  return [
    { name: 'every acknowledged transaction is VALID on every peer', complaints: absent.slice(0, MAX_COMPLAINTS) },
    { name: 'none is VALID twice', complaints: twice.slice(0, MAX_COMPLAINTS) },
    { name: 'the peers have the blocks of the orderers', complaints: forked.slice(0, MAX_COMPLAINTS) },
    {
      name: `all ${peers.length} peers have one commitHash`,
      complaints: new Set(hashes).size === 1 && hashes[0] !== '' ? [] : hashes,
    },
  ]
}
