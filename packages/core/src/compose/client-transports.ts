import type { Transport } from '../ports/transport.ts'
import { NetworkError } from './errors.ts'
import type { Level } from './level.ts'
import type { UserIdentity } from './organization-handle.ts'
import type { TcpWire, WireEnvironment } from './tcp-wire.ts'

/** Connections of a process's clients to nodes elsewhere: each client identity has its own, since the connection proves who asks. */
export class ClientTransports {
  private readonly wire: TcpWire | undefined
  private readonly level: Level
  private readonly environment: WireEnvironment
  private readonly made = new Map<string, Promise<Transport>>()

  constructor(wire: TcpWire | undefined, level: Level, environment: WireEnvironment) {
    this.wire = wire
    this.level = level
    this.environment = environment
  }

  /** @throws NetworkError NETWORK_NOT_HERE when the network runs in one process, or the identity's key is elsewhere */
  of(who: UserIdentity): Promise<Transport> {
    const { wire } = this
    if (wire === undefined)
      throw new NetworkError('NETWORK_NOT_HERE', "the network has no addresses: say 'nodes' in its configuration", {})
    if (who.privateKey === '' || who.privateKey === undefined)
      throw new NetworkError('NETWORK_NOT_HERE', `the key of ${who.name} is not here, and without it nobody connects`, {
        name: who.name,
      })
    let transport = this.made.get(who.certificate)
    if (transport === undefined) {
      transport = this.start(wire, who)
      this.made.set(who.certificate, transport)
    }
    return transport
  }

  private async start(wire: TcpWire, who: UserIdentity): Promise<Transport> {
    const transport = wire.client({ ...who, role: 'client' }, this.environment)
    this.level.own(`transport of ${who.name}`, () => transport.stop())
    await transport.start()
    return transport
  }
}
