import { Block, validationCodeName } from '@heddle/core'
import {
  BlockchainInfo,
  BlockMetadataIndex,
  DecodeError,
  HeaderType,
  Metadata,
  OrdererBlockMetadata,
  SerializedIdentity,
  SignatureHeader,
} from '@heddle/core/model'
import type { Command } from 'commander'
import { type ClientOptions, connectTo, type NetworkClient } from '../client.ts'
import { CommandError } from '../errors.ts'
import { type Output, signalled } from '../output.ts'
import { reporting, withClient } from './transact.ts'

interface BlocksOptions extends ClientOptions {
  readonly from?: string
  readonly limit?: string
  readonly json?: true
}

/** `heddle blocks list|show|follow`. */
export function blocksCommand(program: Command, output: Output): void {
  const blocks = program.command('blocks').description('the chain of a channel, as a running peer has it')
  withClient(blocks.command('list'))
    .description('number, hash, transactions and how many are valid, a line each')
    .option('--from <number>', 'first block', '0')
    .option('--limit <count>', 'how many', '20')
    .option('--json', 'one JSON object a line')
    .action((options: BlocksOptions) => reporting(() => list(options, output)))
  withClient(blocks.command('show'))
    .description('one block, decoded')
    .argument('<number>')
    .option('--json', 'as one JSON object')
    .action((number: string, options: BlocksOptions) => reporting(() => show(number, options, output)))
  withClient(blocks.command('follow'))
    .description('blocks as they are committed, until Ctrl-C')
    .option('--from <number>', 'first block (default: the next one)')
    .option('--json', 'one JSON object a line')
    .action((options: BlocksOptions) => reporting(() => follow(options, output)))
}

async function list(options: BlocksOptions, output: Output): Promise<void> {
  const from = count('--from', options.from ?? '0')
  const limit = count('--limit', options.limit ?? '20')
  using client = await connectTo(options)
  const end = Math.min(from + limit, await heightOf(client))
  for await (const block of blocksOf(client, from, end)) tell(block, options, output)
}

async function follow(options: BlocksOptions, output: Output): Promise<void> {
  using client = await connectTo(options)
  const { from } = options
  const start = from === undefined ? {} : { startBlock: BigInt(count('--from', from)) }
  const events = await client.gateway.getNetwork(client.channel).getBlockEvents(start)
  void signalled().then(() => events.close())
  try {
    for await (const message of events) tell(Block.decode(message.serializeBinary()), options, output)
  } catch (error) {
    if (!isClosed(error)) throw error
  }
}

async function show(given: string, options: BlocksOptions, output: Output): Promise<void> {
  const number = count('<number>', given)
  using client = await connectTo(options)
  const height = await heightOf(client)
  if (number >= height)
    throw new CommandError('COMMAND_REFUSED', `block ${number} is not there yet: the chain has ${height}`, { number, height })
  for await (const block of blocksOf(client, number, number + 1)) {
    const decoded = describe(block)
    if (options.json === true) output.json(decoded)
    else output.print(`${JSON.stringify(decoded, undefined, 2)}\n`)
  }
}

/** Committed blocks of the channel at the peer. */
async function heightOf({ gateway, channel }: NetworkClient): Promise<number> {
  const info = await gateway.getNetwork(channel).getContract('qscc').evaluateTransaction('GetChainInfo', channel)
  return Number(BlockchainInfo.decode(info).height)
}

/** Blocks that are there, from a number up to one that is not wanted any more. */
async function* blocksOf({ gateway, channel }: NetworkClient, from: number, end: number): AsyncGenerator<Block, void, undefined> {
  if (from >= end) return
  const events = await gateway.getNetwork(channel).getBlockEvents({ startBlock: BigInt(from) })
  try {
    let next = from
    for await (const message of events) {
      yield Block.decode(message.serializeBinary())
      if (++next >= end) return
    }
  } finally {
    events.close()
  }
}

function tell(block: Block, { json }: BlocksOptions, output: Output): void {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  const valid = flags.filter((flag) => flag === 0).length
  const hash = hex(block.hash())
  if (json === true) output.json({ number: block.number, hash, transactions: block.data.length, valid })
  else
    output.print(`${String(block.number).padStart(8)}  ${hash.slice(0, 16)}  ${block.data.length} transactions, ${valid} valid\n`)
}

/** A block as a person reads it: nothing is left out but signatures and payloads. */
function describe(block: Block): object {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
  const { previousHash, dataHash } = block.header
  return {
    number: block.number,
    hash: hex(block.hash()),
    previousHash: hex(previousHash),
    dataHash: hex(dataHash),
    commitHash: hex(block.metadataAt(BlockMetadataIndex.COMMIT_HASH)),
    lastConfig: Number(OrdererBlockMetadata.decode(value).lastConfig?.index ?? 0),
    signedBy: signatures.map(({ signatureHeader }) => mspOf(SignatureHeader.decode(signatureHeader).creator)),
    transactions: block.data.map((_, i) => transaction(block, i, flags[i] ?? -1)),
  }
}

function transaction(block: Block, index: number, flag: number): object {
  const status = validationCodeName(flag)
  try {
    const view = block.envelope(index)
    const base = { status, txId: view.txId, type: typeName(view.type), creator: mspOf(view.creator) }
    if (view.type !== HeaderType.ENDORSER_TRANSACTION) return base
    const actions = view.transaction.actions.map((action) => ({
      chaincode: action.chaincodeAction.chaincodeId?.name ?? '',
      endorsedBy: action.endorsements.map(({ endorser }) => mspOf(endorser)),
      writes: action.rwset().namespaces.flatMap(({ namespace, kv }) =>
        kv.writes.map(({ key, value, isDelete }) => ({
          namespace,
          key,
          value: isDelete ? null : Buffer.from(value).toString(),
        })),
      ),
    }))
    return { ...base, actions }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { status, error: error.message }
  }
}

function typeName(type: number): string {
  return Object.entries(HeaderType).find(([, value]) => value === type)?.[0] ?? String(type)
}

function mspOf(identity: Uint8Array): string {
  return SerializedIdentity.decode(identity).mspid
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function count(what: string, given: string): number {
  if (/^[0-9]{1,15}$/.test(given)) return Number(given)
  throw new CommandError('COMMAND_BAD_ARGUMENT', `${what} ${given}: a number from 0 on`)
}

/** We closed the stream ourselves. */
function isClosed(error: unknown): boolean {
  const CANCELLED = 1
  return (error as { code?: unknown } | null)?.code === CANCELLED
}
