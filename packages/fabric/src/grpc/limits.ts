/** What a server takes from clients, whoever they are. */
export interface ServerLimits {
  /** Bytes of the largest message. Default: 100 MiB, as Fabric's. */
  readonly messageBytes: number
  /** Connections at a time. */
  readonly connections: number
  /** Connections at a time from one address. */
  readonly connectionsPerAddress: number
  /** Calls at a time on one connection. */
  readonly streamsPerConnection: number
  /** Milliseconds that a TLS handshake may take. */
  readonly handshake: number
  /** Milliseconds after which a connection without a call is closed. */
  readonly idle: number
  /** Milliseconds that a unary request may take to come in whole. */
  readonly request: number
  /** Milliseconds that a stopping server waits for calls under way. */
  readonly grace: number
}

export const DEFAULT_LIMITS: ServerLimits = Object.freeze({
  messageBytes: 100 * 1024 * 1024,
  connections: 4096,
  connectionsPerAddress: 2048,
  streamsPerConnection: 2500,
  handshake: 10_000,
  idle: 2 * 3600 * 1000,
  request: 20_000,
  grace: 2000,
})
