import { Block, validationCodeName } from '@heddle/core'
import {
  BlockMetadataIndex,
  DecodeError,
  HeaderType,
  Metadata,
  OrdererBlockMetadata,
  SerializedIdentity,
  SignatureHeader,
} from '@heddle/core/model'
import type { Command } from 'commander'
import { type ClientOptions, connectTo } from '../client.ts'
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

/** How long a list waits for the next block before it takes the chain to end there, in milliseconds. */
const END_OF_CHAIN = 500

async function list(options: BlocksOptions, output: Output): Promise<void> {
  const limit = count('--limit', options.limit ?? '20')
  using client = await connectTo(options)
  const events = await client.gateway
    .getNetwork(client.channel)
    .getBlockEvents({ startBlock: BigInt(count('--from', options.from ?? '0')) })
  let left = limit
  let timer = setTimeout(() => events.close(), END_OF_CHAIN * 10)
  try {
    for await (const message of events) {
      clearTimeout(timer)
      tell(Block.decode(message.serializeBinary()), options, output)
      if (--left <= 0) break
      timer = setTimeout(() => events.close(), END_OF_CHAIN)
    }
  } catch (error) {
    if (!isClosed(error)) throw error
  } finally {
    clearTimeout(timer)
    events.close()
  }
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

async function show(number: string, options: BlocksOptions, output: Output): Promise<void> {
  const startBlock = BigInt(count('<number>', number))
  using client = await connectTo(options)
  const events = await client.gateway.getNetwork(client.channel).getBlockEvents({ startBlock })
  let absent = false
  const timer = setTimeout(() => {
    absent = true
    events.close()
  }, END_OF_CHAIN * 10)
  try {
    for await (const message of events) {
      const decoded = describe(Block.decode(message.serializeBinary()))
      if (options.json === true) output.json(decoded)
      else output.print(`${JSON.stringify(decoded, undefined, 2)}\n`)
      return
    }
  } catch (error) {
    if (!absent) throw error
  } finally {
    clearTimeout(timer)
    events.close()
  }
  throw new CommandError('COMMAND_REFUSED', `block ${number} is not there yet`, { number: Number(number) })
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
