import type { OrderingHost } from '../../flow/order/ordering-host.ts'
import { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { SeekBehavior, SeekInfo } from '../../model/messages/orderer.ts'
import type { Clock } from '../../ports/clock.ts'
import type { DeliverEndpoint } from '../../ports/dissemination.ts'
import type { Ordered } from '../../ports/ordering-service.ts'
import type { Transport } from '../../ports/transport.ts'
import type { BroadcastEndpoint } from '../directory.ts'
import { Reachability } from './reachability.ts'

const BROADCAST = 'broadcast'
const DELIVER = 'deliver'

/**
 * Takes envelopes for a channel from elsewhere; answers when they are durably ordered. Who may write says the envelope's own signature,
 * as for everybody. Blocks (`deliver`) the host serves itself.
 */
export function serveBroadcast(transport: Transport, host: OrderingHost): void {
  transport.onRequest(BROADCAST, host.channel, async (_from, envelope) => {
    const { blockNumber } = await host.broadcast(envelope)
    const answer = Buffer.allocUnsafe(8)
    answer.writeBigUInt64BE(BigInt(blockNumber))
    return answer
  })
}

export function withdrawBroadcast(transport: Transport, channel: string): void {
  transport.withdraw(BROADCAST, channel)
}

/** An orderer in another process. */
export interface RemoteOrdererParts {
  readonly node: string
  readonly mspId: string
  readonly channel: string
  /** The transport of whoever asks, as long as it runs. */
  readonly via: () => Transport
  readonly clock: Clock
}

/** Where envelopes go and blocks come from when the orderer is elsewhere. */
export class RemoteOrderer implements BroadcastEndpoint, DeliverEndpoint {
  readonly node: string
  readonly mspId: string
  private readonly parts: RemoteOrdererParts
  private readonly reachability: Reachability

  constructor(parts: RemoteOrdererParts) {
    this.parts = parts
    this.node = parts.node
    this.mspId = parts.mspId
    this.reachability = new Reachability(parts.clock)
  }

  get name(): string {
    return this.node
  }

  get alive(): boolean {
    return this.reachability.alive
  }

  async broadcast(envelope: EnvelopeView, signal?: AbortSignal): Promise<Ordered> {
    const { node, channel, via } = this.parts
    const request = via().request({ to: node, service: BROADCAST, channel }, envelope.bytes, signal)
    const answer = await this.reachability.of(request)
    return { blockNumber: Number(Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).readBigUInt64BE()) }
  }

  async *deliver(from: number, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    const { node, channel, via } = this.parts
    const seek = SeekInfo.encode({
      start: { specified: { number: from } },
      stop: { specified: { number: Number.MAX_SAFE_INTEGER } },
      behavior: SeekBehavior.BLOCK_UNTIL_READY,
    })
    for await (const bytes of via().stream({ to: node, service: DELIVER, channel }, seek, signal)) yield Block.decode(bytes)
  }
}
