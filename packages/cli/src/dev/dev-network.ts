import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import solo from '@heddle/consensus-solo'
import { createNetwork, type Network } from '@heddle/core'
import { type FabricServices, type ServerTls, ServiceError, serveFabric, TlsFolder } from '@heddle/fabric'
import { CommandError } from '../errors.ts'

export interface DevNetworkOptions {
  /** Where identities, and ledgers that are kept, lie. */
  readonly folder: string
  /** Ledgers outlive the command. */
  readonly keep: boolean
  readonly channel: string
  /** How many organisations with a peer each. */
  readonly organizations: number
  /** Ports of Fabric's test network, or any free ones. */
  readonly anyPorts: boolean
}

/** One node of the network, as a client has to know it. */
export interface DevEndpoint {
  readonly node: string
  readonly role: 'peer' | 'orderer'
  readonly mspId: string
  readonly address: string
  /** PEM file of the authority that its TLS certificate is of. */
  readonly tlsAuthority: string
}

export interface DevNetwork extends AsyncDisposable {
  readonly network: Network
  readonly endpoints: readonly DevEndpoint[]
  /** The folder that Fabric's samples call `organizations`. */
  readonly identities: string
}

const HOST = '127.0.0.1'
const ORDERER_ORGANIZATION = 'example.com'
const ORDERER = 'orderer.example.com'
/** The user whom Fabric's samples act as. */
const USER = 'User1'

const domainOf = (number: number): string => `org${number}.example.com`
/** 7051, 9051, 11051, ... as Fabric's test network counts. */
const portOf = (number: number): number => 5051 + 2000 * number

/**
 * A network with the names, ports, folders and identities of Fabric's test network, so that clients written against that one find
 * everything where they look for it.
 *
 * @throws CommandError COMMAND_PORT_TAKEN
 */
export async function startDevNetwork(options: DevNetworkOptions): Promise<DevNetwork> {
  const { folder, keep, channel, anyPorts } = options
  const numbers = Array.from({ length: options.organizations }, (_, i) => i + 1)
  // Identities of a network whose ledgers are gone would only mislead.
  if (!keep) await rm(folder, { recursive: true, force: true })
  const network = await createNetwork({
    name: 'dev',
    base: import.meta.url,
    organizations: numbers.map((number) => ({ name: domainOf(number), mspId: `Org${number}MSP`, clients: [USER] })),
    orderers: { organization: ORDERER_ORGANIZATION, mspId: 'OrdererMSP', nodes: ['orderer'] },
    ordering: { use: solo },
    channels: { [channel]: {} },
    chaincodeRuntime: 'worker',
    storage: { folder },
    ...(keep ? {} : { stateDb: 'memory' }),
    log: { level: 'error' },
  })
  let services: FabricServices | undefined
  const stop = async (): Promise<void> => {
    await services?.stop()
    await network.stop()
  }
  try {
    const certificates = await nodeCertificates(folder, numbers)
    const ports = new Map(numbers.map((number) => [`peer0.${domainOf(number)}`, portOf(number)])).set(ORDERER, 7050)
    services = await serveFabric(network, {
      endpoint: (node) => ({ host: HOST, port: anyPorts ? 0 : (ports.get(node) ?? 0), tls: certificates.get(node)! }),
    })
    const identities = join(folder, 'organizations')
    const endpoints = [...ports.keys()].map((node): DevEndpoint => {
      const role = node === ORDERER ? 'orderer' : 'peer'
      const organization = node.replace(/^[^.]+\./, '')
      return {
        node,
        role,
        mspId: role === 'orderer' ? 'OrdererMSP' : network.peer(node).mspId,
        address: services!.address(node)!,
        tlsAuthority: join(identities, `${role}Organizations`, organization, `${role}s`, node, 'tls', 'ca.crt'),
      }
    })
    return { network, endpoints, identities, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    if (error instanceof ServiceError && error.data.reason === 'EADDRINUSE')
      throw new CommandError(
        'COMMAND_PORT_TAKEN',
        `${error.message}. Is another network running here? --any-ports takes free ones`,
        error.data,
        { cause: error },
      )
    throw error
  }
}

async function nodeCertificates(folder: string, numbers: readonly number[]): Promise<ReadonlyMap<string, ServerTls>> {
  const certificates = new Map<string, ServerTls>()
  const issue = async (role: 'peer' | 'orderer', organization: string, node: string): Promise<void> => {
    const tls = await TlsFolder.open(folder, role, organization)
    certificates.set(node, await tls.certificateOf(node, [node, 'localhost', HOST]))
  }
  for (const number of numbers) await issue('peer', domainOf(number), `peer0.${domainOf(number)}`)
  await issue('orderer', ORDERER_ORGANIZATION, ORDERER)
  return certificates
}
