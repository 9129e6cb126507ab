import type { RemoteNode } from '../../ports/transport.ts'
import { TransportError } from '../environment/transport-errors.ts'

export type MessageHandler = (from: RemoteNode, message: Uint8Array) => void
export type RequestHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>
export type StreamHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array>

/** What a node offers to others, by service and channel. */
export class Services {
  readonly messages = new Map<string, MessageHandler>()
  readonly requests = new Map<string, RequestHandler>()
  readonly streams = new Map<string, StreamHandler>()
  readonly #self: string

  constructor(self: string) {
    this.#self = self
  }

  /** @throws TransportError TRANSPORT_BAD_HANDLER */
  register<H>(handlers: Map<string, H>, service: string, channel: string, handler: H): void {
    const key = serviceKey(service, channel)
    if (handlers.has(key)) {
      const message = `${this.#self} has a handler for ${service} of ${channel} already`
      throw new TransportError('TRANSPORT_BAD_HANDLER', message, { service, channel })
    }
    handlers.set(key, handler)
  }

  withdraw(service: string, channel: string): void {
    const key = serviceKey(service, channel)
    this.messages.delete(key)
    this.requests.delete(key)
    this.streams.delete(key)
  }
}

export function serviceKey(service: string, channel: string): string {
  return `${service}\0${channel}`
}
