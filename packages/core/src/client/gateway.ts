import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { ChannelClient } from './channel-client.ts'
import { type Commit, restoreCommit } from './commit.ts'
import type { GatewayConnection } from './connection.ts'
import { GatewayContext } from './context.ts'
import type { Contract } from './contract.ts'
import { GatewayError } from './errors.ts'
import { type ClientIdentity, checkGateway, DEFAULT_TIMEOUTS, type GatewayOptions } from './options.ts'
import { type Proposal, restoreProposal } from './proposal.ts'
import { restoreTransaction, type Transaction } from './transaction.ts'

/**
 * A client's door to the network, for one identity: channel, contract, transaction. The steps are types, proposal → transaction →
 * commit, so that they cannot be called out of order (the shape of hyperledger/fabric-gateway).
 */
export class Gateway {
  private readonly context: GatewayContext
  private readonly defaultChannel: string | undefined
  private readonly channels = new Map<string, ChannelClient>()

  /** @internal Use `connect` or `network.gateway`. */
  constructor(context: GatewayContext, defaultChannel: string | undefined) {
    this.context = context
    this.defaultChannel = defaultChannel
  }

  /** On whose behalf this gateway acts. */
  get identity(): ClientIdentity {
    return this.context.identity
  }

  /** @throws GatewayError GATEWAY_UNKNOWN_CHANNEL */
  channel(name: string): ChannelClient {
    let client = this.channels.get(name)
    if (client === undefined) {
      const known = this.context.connection.channels
      if (!known.includes(name))
        throw new GatewayError('GATEWAY_UNKNOWN_CHANNEL', `there is no channel '${name}'; there are ${known.join(', ')}`, {
          channels: known,
        })
      client = new ChannelClient(this.context, name)
      this.channels.set(name, client)
    }
    return client
  }

  /** The name that Fabric's clients know for {@link Gateway.channel}. */
  network(name: string): ChannelClient {
    return this.channel(name)
  }

  /** A chaincode of the default channel: that of the options, or the only one. */
  contract(chaincode: string, contractName?: string): Contract {
    const known = this.context.connection.channels
    const name = this.defaultChannel ?? (known.length === 1 ? known[0] : undefined)
    if (name === undefined)
      throw new GatewayError(
        'GATEWAY_UNKNOWN_CHANNEL',
        `say which channel: gateway.channel(NAME).contract('${chaincode}'); there are ${known.join(', ')}`,
        { channels: known },
      )
    return this.channel(name).contract(chaincode, contractName)
  }

  /** A proposal from its bytes and a signature made elsewhere. */
  newSignedProposal(bytes: Uint8Array, signature: Uint8Array): Proposal {
    return restoreProposal(this.context, bytes, signature)
  }

  newProposal(bytes: Uint8Array): Proposal {
    return restoreProposal(this.context, bytes, undefined)
  }

  /** A transaction from its bytes and a signature made elsewhere. */
  newSignedTransaction(bytes: Uint8Array, signature: Uint8Array): Transaction {
    return restoreTransaction(this.context, bytes, signature)
  }

  newTransaction(bytes: Uint8Array): Transaction {
    return restoreTransaction(this.context, bytes, undefined)
  }

  newCommit(bytes: Uint8Array): Commit {
    return restoreCommit(this.context, bytes)
  }

  /** Ends this gateway's event streams; further calls throw GATEWAY_CLOSED. */
  close(): void {
    this.context.closed.abort()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * A gateway over a connection. `clock` and `random` are those of the network in process, of the system elsewhere.
 * @throws GatewayError GATEWAY_BAD_ARGUMENT
 */
export function connect(
  connection: GatewayConnection,
  identity: ClientIdentity,
  options: GatewayOptions & { readonly clock: Clock; readonly random: Random },
): Gateway {
  checkGateway(identity, options)
  const context = new GatewayContext(
    connection,
    identity,
    { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    options.clock,
    options.random,
  )
  return new Gateway(context, options.channel)
}
