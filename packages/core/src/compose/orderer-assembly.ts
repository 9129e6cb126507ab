import type { ChannelConfig } from '../channel/config/channel-config.ts'
import { OrderingHost } from '../flow/order/ordering-host.ts'
import { inject, injectable } from '../injection.ts'
import { OrdererNode } from '../node/orderer-node.ts'
import type { BlockStore } from '../ports/block-store.ts'
import type { Environment } from '../ports/environment.ts'
import type { IdentityProvider, Signer } from '../ports/identity.ts'
import type { Consenter } from '../ports/ordering-service.ts'
import { Tokens } from '../ports/tokens.ts'

/** Puts an ordering node together from the parts of its container. */
@injectable()
export class OrdererAssembly {
  private readonly name: string
  private readonly signer: Signer
  private readonly consenter: Consenter

  constructor(
    @inject(Tokens.NodeName) name: string,
    @inject(Tokens.Signer) signer: Signer,
    @inject(Tokens.Consenter) consenter: Consenter,
  ) {
    this.name = name
    this.signer = signer
    this.consenter = consenter
  }

  build(): OrdererNode {
    return new OrdererNode(this.name, this.signer.mspId, this.consenter)
  }
}

/** Puts one channel of an ordering node together from the parts of its container. */
@injectable()
export class OrdererChannelAssembly {
  private readonly channel: string
  private readonly store: BlockStore
  private readonly consenter: Consenter
  private readonly provider: IdentityProvider
  private readonly signer: Signer
  private readonly environment: Environment

  constructor(
    @inject(Tokens.ChannelName) channel: string,
    @inject(Tokens.BlockStore) store: BlockStore,
    @inject(Tokens.Consenter) consenter: Consenter,
    @inject(Tokens.IdentityProvider) provider: IdentityProvider,
    @inject(Tokens.Signer) signer: Signer,
    @inject(Tokens.Environment) environment: Environment,
  ) {
    this.channel = channel
    this.store = store
    this.consenter = consenter
    this.provider = provider
    this.signer = signer
    this.environment = environment
  }

  /**
   * @param members names of the channel's orderers
   * @param identityOf SerializedIdentity of an orderer, where it is known
   * @param onConfig called when another configuration came into force
   */
  open(
    members: () => readonly string[],
    identityOf: (member: string) => Uint8Array | undefined,
    onConfig: (config: ChannelConfig) => void,
  ): Promise<OrderingHost> {
    const { channel, store, consenter, provider, signer, environment } = this
    return OrderingHost.open({ channel, store, consenter, provider, signer, environment, members, identityOf, onConfig })
  }
}
