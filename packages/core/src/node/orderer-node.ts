import type { OrderingHost } from '../flow/order/ordering-host.ts'
import type { EnvelopeView } from '../model/envelope-view.ts'
import type { DeliverEndpoint } from '../ports/dissemination.ts'
import type { Consenter, Ordered } from '../ports/ordering-service.ts'
import type { BroadcastEndpoint } from './directory.ts'
import { NodeError } from './errors.ts'

/** An ordering node: one consenter, one host for each channel that it orders. */
export class OrdererNode {
  readonly name: string
  readonly mspId: string
  private readonly consenter: Consenter
  private readonly channels = new Map<string, OrderingHost>()
  private readonly endpoints = new Map<string, BroadcastEndpoint>()
  private running = false

  constructor(name: string, mspId: string, consenter: Consenter) {
    this.name = name
    this.mspId = mspId
    this.consenter = consenter
  }

  get alive(): boolean {
    return this.running
  }

  /** Starts consensus; channels are joined afterwards. */
  async start(): Promise<void> {
    await this.consenter.start()
    this.running = true
  }

  /** Serves a channel. Who opened the host's block store closes it, after `stop`. */
  async join(host: OrderingHost): Promise<void> {
    this.channels.set(host.channel, host)
    await host.start()
  }

  async stop(): Promise<void> {
    this.running = false
    await Promise.all([...this.channels.values()].map((host) => host.stop()))
    this.channels.clear()
    await this.consenter.stop()
  }

  channel(name: string): OrderingHost | undefined {
    return this.channels.get(name)
  }

  get channelNames(): readonly string[] {
    return [...this.channels.keys()]
  }

  /** Where clients of this process send envelopes of a channel. */
  broadcastEndpoint(channel: string): BroadcastEndpoint {
    let endpoint = this.endpoints.get(channel)
    if (endpoint === undefined) {
      endpoint = this.newEndpoint(channel)
      this.endpoints.set(channel, endpoint)
    }
    return endpoint
  }

  private newEndpoint(channel: string): BroadcastEndpoint {
    const node = this
    return {
      node: node.name,
      mspId: node.mspId,
      get alive() {
        return node.running
      },
      broadcast: (envelope: EnvelopeView, signal?: AbortSignal): Promise<Ordered> => {
        const host = node.channels.get(channel)
        if (host === undefined) return Promise.reject(node.notServing(channel))
        return host.broadcast(envelope, signal)
      },
    }
  }

  /** Where peers of this process get blocks of a channel. */
  deliverEndpoint(channel: string): DeliverEndpoint {
    return {
      name: this.name,
      deliver: (from, signal) => {
        const host = this.channels.get(channel)
        if (host === undefined) throw this.notServing(channel)
        return host.deliver(from, signal)
      },
    }
  }

  private notServing(channel: string): Error {
    if (!this.running) return new NodeError('NODE_STOPPED', `orderer ${this.name} is not running`, { node: this.name })
    return new NodeError('NODE_UNKNOWN_CHANNEL', `orderer ${this.name} does not serve channel ${channel}`, {
      node: this.name,
      channel,
    })
  }
}
