import type { OrderingHost } from '../../flow/order/ordering-host.ts'
import type { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import type { Ordered } from '../../ports/ordering-service.ts'
import { NodeError } from '../errors.ts'
import type { OrdererNode } from '../orderer-node.ts'

/** What an orderer offers to clients outside this process, without any wire. */
export class OrdererServices {
  readonly name: string
  readonly mspId: string
  private readonly node: () => OrdererNode | undefined

  /** @internal */
  constructor(name: string, mspId: string, node: () => OrdererNode | undefined) {
    this.name = name
    this.mspId = mspId
    this.node = node
  }

  /** Channels that the orderer serves. */
  get channels(): readonly string[] {
    return this.node()?.channelNames ?? []
  }

  /**
   * Resolves when the envelope stands in a durable block.
   * @throws OrderError, NodeError NODE_STOPPED, NODE_UNKNOWN_CHANNEL
   */
  async broadcast(channel: string, envelope: EnvelopeView, signal?: AbortSignal): Promise<Ordered> {
    return this.host(channel).broadcast(envelope, signal)
  }

  /**
   * Blocks as a signed DELIVER_SEEK_INFO envelope asks, for as long as who signed may read them.
   * @throws OrderError (at the first read), NodeError NODE_STOPPED, NODE_UNKNOWN_CHANNEL
   */
  deliver(channel: string, envelope: Uint8Array, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    return this.host(channel).deliverTo(envelope, signal)
  }

  private host(channel: string): OrderingHost {
    const node = this.node()
    if (node === undefined) throw new NodeError('NODE_STOPPED', `orderer ${this.name} is not running`, { node: this.name })
    const found = node.channel(channel)
    if (found !== undefined) return found
    const name = channel.slice(0, 100)
    const message = `orderer ${this.name} does not serve channel '${name}'`
    throw new NodeError('NODE_UNKNOWN_CHANNEL', message, { node: this.name, channel: name })
  }
}
