import type { Lifecycle } from './lifecycle.ts'

/** Who is at the other end, as the transport authenticated it (mutual TLS on MSP certificates; in process, the node itself). */
export interface RemoteNode {
  /** Name of the node in the network. */
  readonly name: string
  /** SerializedIdentity bytes that the connection proved. */
  readonly identity: Uint8Array
}

/** An address of one service of one channel on another node. */
export interface Route {
  readonly to: string
  readonly service: string
  readonly channel: string
}

/**
 * The authenticated listener of a node and its connections to others, multiplexed by service and channel.
 * Ordering traffic, deliver and catch-up share it. In process the same interface is a function call.
 *
 * Messages are bounded (`maxMessageBytes`), queues too: `send` drops the oldest when a peer is slow and reports it in metrics.
 */
export interface Transport extends Lifecycle {
  readonly self: string
  /** One-way, unordered across reconnects, may be lost. */
  send(route: Route, message: Uint8Array): void
  onMessage(service: string, channel: string, handler: (from: RemoteNode, message: Uint8Array) => void): void
  /** One request, one answer. Rejects with TransportError; an error of the handler arrives with its code. */
  request(route: Route, message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
  /** The signal of a handler that takes one aborts when nobody waits for the answer any more. */
  onRequest(
    service: string,
    channel: string,
    handler: (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
  ): void
  /** One request, many answers, with back-pressure. */
  stream(route: Route, message: Uint8Array, signal?: AbortSignal): AsyncIterable<Uint8Array>
  onStream(
    service: string,
    channel: string,
    handler: (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array>,
  ): void
  /** Withdraws every handler of a service of a channel. */
  withdraw(service: string, channel: string): void
}
