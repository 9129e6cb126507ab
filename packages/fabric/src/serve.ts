import type { Network, Orderer, Peer } from '@heddle/core'
import { type Logger, silentLogger } from '@heddle/core/plugin'
import type { ServerLimits } from './grpc/limits.ts'
import type { Methods } from './grpc/method.ts'
import { GrpcServer, type ServerTls } from './grpc/server.ts'
import { broadcastService } from './services/broadcast.ts'
import { ordererDeliverService, peerDeliverService } from './services/deliver.ts'
import { endorserService } from './services/endorser.ts'
import { gatewayService } from './services/gateway.ts'

/** Where one node serves Fabric's clients. */
export interface Endpoint {
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Default: any free port. */
  readonly port?: number
  /** Default: plain text, which is for tests on one machine. */
  readonly tls?: ServerTls
}

export interface ServeOptions {
  /** How a node is served; undefined: it is not. Default: every node of this process, on a free port of the loopback interface. */
  readonly endpoint?: (node: string, role: 'peer' | 'orderer') => Endpoint | undefined
  readonly limits?: Partial<ServerLimits>
  /** Wall clock of the nodes. Default: the system's. */
  readonly now?: () => number
  /** Default: silent. */
  readonly logger?: Logger
}

/** Fabric's services of the nodes of a network, until `stop`. */
export class FabricServices {
  private readonly servers: ReadonlyMap<string, { readonly host: string; readonly server: GrpcServer }>

  /** @internal */
  constructor(servers: FabricServices['servers']) {
    this.servers = servers
  }

  /** `host:port` of a node; undefined when it is not served. */
  address(node: string): string | undefined {
    const found = this.servers.get(node)
    return found === undefined ? undefined : `${found.host}:${found.server.port}`
  }

  /** New connections to a node get this certificate. @throws ServiceError SERVICE_BAD_CERTIFICATE */
  rotate(node: string, tls: ServerTls): void {
    this.servers.get(node)?.server.rotate(tls)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.servers.values()].map(({ server }) => server.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/**
 * Serves gateway.Gateway, protos.Endorser and protos.Deliver for each peer, and orderer.AtomicBroadcast for each orderer.
 *
 * @throws ServiceError when a node cannot listen: then none does
 */
export async function serveFabric(network: Network, options: ServeOptions = {}): Promise<FabricServices> {
  const { endpoint = anywhere, now = Date.now, logger = silentLogger, limits = {} } = options
  const servers = new Map<string, { host: string; server: GrpcServer }>()
  const services = new FabricServices(servers)
  const listen = async (node: string, role: 'peer' | 'orderer', methodsOf: (bindTls: boolean) => Methods): Promise<void> => {
    const found = endpoint(node, role)
    if (found === undefined) return
    const { host = '127.0.0.1', port = 0, tls } = found
    const methods = methodsOf(tls?.clientAuthorities !== undefined)
    const server = await GrpcServer.listen({ host, port, methods, limits, logger, ...(tls === undefined ? {} : { tls }) })
    servers.set(node, { host, server })
  }
  const addressOf = (node: string): string => services.address(node) ?? node
  try {
    for (const peer of network.peers) await listen(peer.name, 'peer', (bindTls) => peerMethods(peer, { now, bindTls }, addressOf))
    for (const orderer of network.orderers)
      await listen(orderer.name, 'orderer', (bindTls) => ordererMethods(orderer, { now, bindTls }))
  } catch (error) {
    await services.stop()
    throw error
  }
  return services
}

function anywhere(): Endpoint {
  return {}
}

function peerMethods(
  { services }: Peer,
  deliver: { readonly now: () => number; readonly bindTls: boolean },
  addressOf: (node: string) => string,
): Methods {
  return { ...gatewayService(services, { addressOf }), ...endorserService(services), ...peerDeliverService(services, deliver) }
}

function ordererMethods({ services }: Orderer, deliver: { readonly now: () => number; readonly bindTls: boolean }): Methods {
  return { ...broadcastService(services), ...ordererDeliverService(services, deliver) }
}
