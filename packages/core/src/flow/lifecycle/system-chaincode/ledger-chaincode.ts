import type { Block } from '../../../model/block.ts'
import { BlockchainInfo } from '../../../model/messages/ledger.ts'
import { ProcessedTransaction } from '../../../model/messages/transaction.ts'
import type { ChaincodeResponse } from '../../../ports/chaincode.ts'
import type { EndorserBlocks, EndorserChannel } from '../../endorse/endorser-channel.ts'
import { EndorserError } from '../../endorse/errors.ts'
import { failure, type SystemChaincode, type SystemInvocation, success } from '../../endorse/system-chaincode.ts'

type Query = (blocks: EndorserBlocks, argument: Uint8Array) => Promise<Uint8Array | undefined>

const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ['GetChainInfo', (blocks) => chainInfo(blocks)],
  ['GetBlockByNumber', async (blocks, number) => (await byNumber(blocks, number))?.encode()],
  ['GetBlockByHash', async (blocks, hash) => (await blocks.byHash(hash))?.encode()],
  ['GetBlockByTxID', async (blocks, txId) => (await byTransaction(blocks, txId))?.block.encode()],
  ['GetTransactionByID', (blocks, txId) => processedTransaction(blocks, txId)],
])

/** Fabric's `qscc`: shows blocks and transactions to whoever may read the channel. Simulates nothing. */
export class LedgerChaincode implements SystemChaincode {
  readonly name = 'qscc'
  readonly simulates = false
  private readonly channel: (name: string) => EndorserChannel | undefined

  constructor(channel: (name: string) => EndorserChannel | undefined) {
    this.channel = channel
  }

  async invoke({ args, isOuter, channel: own, checkAccess }: SystemInvocation): Promise<ChaincodeResponse> {
    if (args.length < 2) return failure(500, `Incorrect number of arguments, ${args.length}`)
    const name = Buffer.from(args[0]!).toString()
    const channelId = Buffer.from(args[1]!).toString()
    if (!isOuter) return failure(500, 'Rejecting invoke of QSCC from another chaincode because of potential for deadlocks')
    const query = QUERIES.get(name)
    if (query === undefined) return failure(500, `Requested function ${name} not found.`)
    if (name !== 'GetChainInfo' && args.length < 3) return failure(500, `missing 3rd argument for ${name}`)
    const channel = this.channel(channelId)
    // Access is checked in the channel of the proposal, so that it must be the one asked about.
    if (channel?.blocks === undefined || own?.name !== channelId) return failure(500, `Invalid chain ID, ${channelId}`)
    try {
      checkAccess(`qscc/${name}`)
    } catch (error) {
      if (!(error instanceof EndorserError)) throw error
      return failure(500, `access denied for [${name}][${channelId}]: [${error.message}]`)
    }
    const found = await query(channel.blocks, args[2] ?? new Uint8Array(0))
    return found === undefined ? failure(500, `Failed to find what ${name} asks for on ${channelId}`) : success(found)
  }
}

async function chainInfo(blocks: EndorserBlocks): Promise<Uint8Array> {
  const { height } = blocks
  const last = height > 0 ? await blocks.get(height - 1) : undefined
  const hashes = last === undefined ? {} : { currentBlockHash: last.hash(), previousBlockHash: last.header.previousHash }
  return BlockchainInfo.encode({ height, ...hashes })
}

async function byNumber(blocks: EndorserBlocks, argument: Uint8Array): Promise<Block | undefined> {
  const text = Buffer.from(argument).toString()
  if (!/^\d{1,20}$/.test(text)) return undefined
  // Fabric takes the greatest number for the newest block.
  const number = BigInt(text) === 2n ** 64n - 1n ? blocks.height - 1 : Number(text)
  return Number.isSafeInteger(number) && number < blocks.height ? blocks.get(number) : undefined
}

async function byTransaction(blocks: EndorserBlocks, txId: Uint8Array) {
  const location = await blocks.transaction(Buffer.from(txId).toString())
  const block = location && (await blocks.get(location.blockNumber))
  return block && { block, location: location! }
}

async function processedTransaction(blocks: EndorserBlocks, txId: Uint8Array): Promise<Uint8Array | undefined> {
  const found = await byTransaction(blocks, txId)
  if (found === undefined) return undefined
  const { payload, signature } = found.block.envelope(found.location.txNumber)
  return ProcessedTransaction.encode({ transactionEnvelope: { payload, signature }, validationCode: found.location.code })
}
