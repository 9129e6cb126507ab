import { createPrivateKey } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { loadConfigFile } from '@heddle/core'
import { connect, type Gateway, hash, signers } from '@hyperledger/fabric-gateway'
import { CommandError } from './errors.ts'

/** Who acts, through which peer, on which channel. */
export interface ClientOptions {
  readonly config: string
  readonly organization?: string
  readonly as?: string
  readonly peer?: string
  readonly channel?: string
}

/** A connection to a running network, as one of its users. */
export interface NetworkClient extends Disposable {
  readonly gateway: Gateway
  readonly channel: string
}

/**
 * Connects to a peer of a running network over gRPC, with what lies in the network's folder.
 *
 * @throws CommandError COMMAND_BAD_ARGUMENT, COMMAND_NO_SERVICE, COMMAND_NO_IDENTITY
 */
export async function connectTo(options: ClientOptions): Promise<NetworkClient> {
  const config = await loadConfigFile(options.config)
  const organization = chosen('organization', options.organization, config.organizations, ({ name }) => name)
  const channel = chosen('channel', options.channel, config.channels, ({ name }) => name).name
  const { folder } = config
  const peer = options.peer ?? organization.peers.find((name) => config.services.some((each) => each.name === name))
  const address = config.services.find(({ name }) => name === peer)?.address
  if (folder === undefined || peer === undefined || address === undefined)
    throw new CommandError(
      'COMMAND_NO_SERVICE',
      `no peer of ${organization.name} serves clients: give one an address under 'services', and the network a folder under 'storage'`,
      { organization: organization.name },
    )
  const place = join(folder, 'organizations', 'peerOrganizations', organization.name.toLowerCase())
  const user = options.as ?? organization.clients[0] ?? 'admin'
  const msp = join(place, 'users', `${user.charAt(0).toUpperCase()}${user.slice(1)}@${organization.name.toLowerCase()}`, 'msp')
  const [certificate, key, authority] = await Promise.all([
    only(join(msp, 'signcerts'), user),
    only(join(msp, 'keystore'), user),
    readFile(join(place, 'peers', peer, 'tls', 'ca.crt')).catch((cause: unknown) => {
      throw new CommandError('COMMAND_NO_SERVICE', `${peer} has never served clients: start it first`, { peer }, { cause })
    }),
  ])
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host
  const client = new grpc.Client(`${host}:${address.port}`, grpc.credentials.createSsl(authority), {
    'grpc.ssl_target_name_override': peer,
    'grpc.max_receive_message_length': -1,
    'grpc.enable_channelz': 0,
  })
  const gateway = connect({
    client,
    identity: { mspId: organization.mspId, credentials: certificate },
    signer: signers.newPrivateKeySigner(createPrivateKey(key)),
    hash: hash.sha256,
  })
  return {
    gateway,
    channel,
    [Symbol.dispose]: () => {
      gateway.close()
      client.close()
    },
  }
}

function chosen<T>(what: string, wanted: string | undefined, all: readonly T[], nameOf: (each: T) => string): T {
  const found = wanted === undefined ? all[0] : all.find((each) => nameOf(each) === wanted)
  if (found !== undefined) return found
  throw new CommandError('COMMAND_BAD_ARGUMENT', `--${what} ${wanted ?? ''}: there are ${all.map(nameOf).join(', ')}`, {
    [what]: wanted,
  })
}

async function only(folder: string, user: string): Promise<Buffer> {
  const [file] = await readdir(folder).catch((cause: unknown): string[] => {
    throw new CommandError('COMMAND_NO_IDENTITY', `${folder} is not there: there is no user ${user}`, { folder, user }, { cause })
  })
  return readFile(join(folder, file!))
}
