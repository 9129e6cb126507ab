import { validationCodeName } from '@heddle/core'
import { GatewayError, type Proposal, type ProposalOptions } from '@hyperledger/fabric-gateway'
import type { Command } from 'commander'
import { type ClientOptions, connectTo } from '../client.ts'
import { CommandError } from '../errors.ts'
import type { Output } from '../output.ts'

interface TransactOptions extends ClientOptions {
  readonly endorser?: readonly string[]
  readonly transient?: readonly string[]
  readonly json?: true
}

/** `heddle submit` and `heddle query`. */
export function transactCommands(program: Command, output: Output): void {
  withClient(program.command('submit'))
    .description('a transaction, until it is committed')
    .argument('<chaincode>', 'its name on the channel')
    .argument('<function>', 'function of the chaincode')
    .argument('[arguments...]', 'strings; what begins with a dash goes behind --')
    .option('--endorser <msp...>', 'organisations whose peers must endorse (default: enough for the policy)')
    .option('--transient <key=value...>', 'data that stays out of the ledger')
    .option('--json', 'as one JSON object')
    .action((chaincode: string, name: string, args: string[], options: TransactOptions) =>
      reporting(() => submit(chaincode, name, args, options, output)),
    )
  withClient(program.command('query'))
    .description('a function of a chaincode, on one peer; nothing is written')
    .argument('<chaincode>', 'its name on the channel')
    .argument('<function>', 'function of the chaincode')
    .argument('[arguments...]', 'strings; what begins with a dash goes behind --')
    .option('--transient <key=value...>', 'data that stays out of the ledger')
    .option('--json', 'as one JSON object')
    .action((chaincode: string, name: string, args: string[], options: TransactOptions) =>
      reporting(() => query(chaincode, name, args, options, output)),
    )
}

/** Options of every command that talks to a running network. */
export function withClient(command: Command): Command {
  return command
    .option('-c, --config <file>', 'network.yaml or network.json', 'network.yaml')
    .option('--organization <name>', 'organisation that acts (default: the first)')
    .option('--as <user>', 'user of the organisation (default: its first client)')
    .option('--peer <name>', 'peer to talk to (default: the first of the organisation that serves clients)')
    .option('--channel <name>', 'channel (default: the first)')
}

async function submit(chaincode: string, name: string, args: string[], options: TransactOptions, output: Output): Promise<void> {
  using client = await connectTo(options)
  const proposal = proposalOf(client, chaincode, name, args, options)
  const commit = await (await proposal.endorse()).submit()
  const { successful, code, blockNumber, transactionId } = await commit.getStatus()
  const result = text(commit.getResult())
  const status = validationCodeName(code)
  if (options.json === true) output.json({ transactionId, blockNumber: Number(blockNumber), status, result })
  else output.print(`${result}${result === '' ? '' : '\n'}${transactionId} ${status} in block ${blockNumber}\n`)
  if (!successful)
    throw new CommandError(
      'COMMAND_REFUSED',
      `the transaction is in block ${blockNumber}, and is ${status}: it changed nothing`,
      {
        transactionId,
        status,
      },
    )
}

async function query(chaincode: string, name: string, args: string[], options: TransactOptions, output: Output): Promise<void> {
  using client = await connectTo(options)
  const result = text(await proposalOf(client, chaincode, name, args, options).evaluate())
  if (options.json === true) output.json({ result })
  else output.print(`${result}\n`)
}

function proposalOf(
  client: Awaited<ReturnType<typeof connectTo>>,
  chaincode: string,
  name: string,
  args: string[],
  { transient = [], endorser }: TransactOptions,
): Proposal {
  const options: ProposalOptions = { arguments: args }
  if (endorser !== undefined) options.endorsingOrganizations = [...endorser]
  if (transient.length > 0) options.transientData = Object.fromEntries(transient.map(pair))
  return client.gateway.getNetwork(client.channel).getContract(chaincode).newProposal(name, options)
}

function pair(given: string): readonly [string, string] {
  const at = given.indexOf('=')
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)]
  throw new CommandError('COMMAND_BAD_ARGUMENT', `--transient ${given}: key=value`)
}

const UNAVAILABLE = 14

/** Errors of the stock client, as errors of the command. */
export async function reporting(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const details = error.details.map(({ address, mspId, message }) => ({ address, mspId, message }))
    const said = details.map(({ address, message }) => `\n  ${address}: ${message}`).join('')
    const unreachable = error.code === UNAVAILABLE && details.length === 0
    throw new CommandError(
      unreachable ? 'COMMAND_UNREACHABLE' : 'COMMAND_REFUSED',
      `${error.message}${said}`,
      { status: error.code, details },
      { cause: error },
    )
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
