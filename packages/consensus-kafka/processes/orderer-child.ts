/** An ordering node as a process of its own, for tests that kill it: its parent submits, asks for the chain, and stops it, over IPC. */
import { createHash } from 'node:crypto'
import process from 'node:process'
import { BlockMetadataIndex, HeaderType, Metadata } from '@heddle/core/model'
import { HeddleError } from '@heddle/core/plugin'
import { configUpdate, type Orderer, type OrdererPlace, startOrderer } from './orderer.ts'

/** What the parent says. */
export type Order =
  | { readonly submit: number; readonly envelope: Uint8Array }
  | { readonly configure: number; readonly maxMessageCount: number }
  | { readonly chain: number; readonly to: number }
  | { readonly stop: true }

/** A block, as orderers have to agree on it. */
export interface AgreedBlock {
  /** Of the header. */
  readonly hash: string
  readonly previous: string
  /** SHA-256 of the envelopes as they are stored. */
  readonly data: string
  /** SHA-256 of OrdererBlockMetadata. */
  readonly metadata: string
  /** Ids of its transactions; none for a config block. */
  readonly transactions: readonly string[]
}

/** What the child says. */
export type Report =
  | { readonly started: number }
  | { readonly ordered: number; readonly block: number }
  | { readonly refused: number; readonly code: string; readonly duty: string; readonly message: string }
  | { readonly blocks: number; readonly chain: readonly AgreedBlock[] }
  | { readonly halted: string }

const say = (report: Report): void => void process.send?.(report)

async function main(place: OrdererPlace): Promise<void> {
  const orderer = await startOrderer(place)
  orderer.host.failed.catch((error: Error) => say({ halted: `${(error as HeddleError).code}: ${error.message}` }))
  process.on('message', (order: Order) => void serve(orderer, order))
  // Without the parent nobody needs this.
  process.on('disconnect', () => process.exit(0))
  say({ started: orderer.host.height })
}

async function serve(orderer: Orderer, order: Order): Promise<void> {
  if ('submit' in order) await answer(order.submit, orderer.host.broadcast(order.envelope))
  else if ('configure' in order) {
    const update = configUpdate(orderer.host, order.maxMessageCount)
    await answer(
      order.configure,
      update.then((bytes) => orderer.host.broadcast(bytes)),
    )
  } else if ('chain' in order) say({ blocks: order.chain, chain: await chainOf(orderer, order.to) })
  else {
    await orderer.stop()
    process.exit(0)
  }
}

async function answer(id: number, ordered: Promise<{ readonly blockNumber: number }>): Promise<void> {
  try {
    const { blockNumber } = await ordered
    say({ ordered: id, block: blockNumber })
  } catch (error) {
    const { code, duty, message } =
      error instanceof HeddleError ? error : { code: 'UNTYPED', duty: 'none', message: String(error) }
    say({ refused: id, code, duty, message })
  }
}

async function chainOf({ host }: Orderer, to: number): Promise<AgreedBlock[]> {
  const chain: AgreedBlock[] = []
  for await (const block of host.deliver(0, undefined, to)) {
    const data = createHash('sha256')
    for (const envelope of block.data) data.update(envelope)
    const metadata = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES)).value
    const isConfig = block.number === 0 || block.envelope(0).type === HeaderType.CONFIG
    chain.push({
      hash: hex(block.hash()),
      previous: hex(block.header.previousHash),
      data: data.digest('hex'),
      metadata: createHash('sha256').update(metadata).digest('hex'),
      transactions: isConfig ? [] : block.data.map((_, i) => block.envelope(i).txId),
    })
  }
  return chain
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

await main(JSON.parse(process.argv[2] ?? '{}') as OrdererPlace)
