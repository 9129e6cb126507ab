import type { Gateway } from '../client/gateway.ts'
import type { ClientIdentity, GatewayOptions } from '../client/options.ts'
import type { NetworkConfig } from '../config/definition.ts'
import { suggestion } from '../config/nearest.ts'
import { NetworkError } from './errors.ts'
import type { NetworkCore } from './network-core.ts'

/** A running network: its organisations, nodes and channels, and gateways into it. Ends with `stop` or `await using`. */
export class Network {
  private readonly core: NetworkCore
  private stopping: Promise<void> | undefined

  /** @internal Use `createNetwork`. */
  constructor(core: NetworkCore) {
    this.core = core
  }

  get name(): string {
    return this.core.config.name
  }

  /** As it was resolved: every default filled in. */
  get config(): NetworkConfig {
    return this.core.config
  }

  /**
   * A gateway for an organisation's client (the first that the configuration names, or the one named by `as`), or for an identity of
   * one's own.
   *
   * @throws NetworkError NETWORK_UNKNOWN_NAME
   */
  gateway(who: string | ClientIdentity, options: GatewayOptions & { readonly as?: string } = {}): Gateway {
    const { as, ...rest } = options
    return this.core.gateway(typeof who === 'string' ? this.identity(who, as) : who, rest)
  }

  /** Someone of an organisation, with the key to sign. */
  identity(organization: string, name?: string): ClientIdentity {
    const { core } = this
    const config = core.config.organizations.find((each) => each.name === organization)
    const identities = core.organizations.get(organization)
    if (identities === undefined) throw unknown('organisation', organization, [...core.organizations.keys()])
    const wanted = name ?? config?.clients[0] ?? 'admin'
    const member = identities.find(wanted)
    if (member === undefined)
      throw unknown(
        `identity of ${organization}`,
        wanted,
        identities.all.map((each) => each.name),
      )
    return core.clientIdentity(member)
  }

  /** Ends everything in the reverse order of the start. Safe to call twice. */
  stop(): Promise<void> {
    this.stopping ??= this.core.stop()
    return this.stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function unknown(what: string, name: string, names: readonly string[]): NetworkError {
  return new NetworkError('NETWORK_UNKNOWN_NAME', `there is no ${what} '${name}'${suggestion(name, names)}`, { name, names })
}
