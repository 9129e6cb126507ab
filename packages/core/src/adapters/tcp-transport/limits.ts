/** Bounds of a TCP transport. Milliseconds and bytes. */
export interface TcpLimits {
  /** Largest message, request, answer or item of a stream between nodes. */
  readonly maxMessageBytes: number
  /** The same of someone who is no node: a client sends envelopes, not blocks. */
  readonly maxClientMessageBytes: number
  /** Bytes of messages that have begun to arrive from clients, all connections together. */
  readonly maxClientPartialBytes: number
  /** How long one message may take to arrive from a client, milliseconds: what it holds is shared with other clients. */
  readonly clientTransferTimeout: number
  /** One-way messages that wait for one receiver; then the oldest is dropped. */
  readonly maxQueue: number
  /** The same in bytes. Answers that wait beyond it stop the reading of requests. */
  readonly maxQueueBytes: number
  /** Requests and streams under way over one connection, in each direction. */
  readonly maxRequests: number
  /** The same of a client: each may cost the memory of its answer. */
  readonly maxClientRequests: number
  /** Bytes of a stream that may be under way before its reader has taken them. */
  readonly streamWindow: number
  /** From the first byte of a connection to both sides' greetings. */
  readonly handshakeTimeout: number
  /** Silence after which the other side is asked whether it lives, and then how long it has to answer. */
  readonly pingInterval: number
  readonly pingTimeout: number
  /** Pause after a failed attempt to connect; it doubles. */
  readonly firstBackoff: number
  readonly maxBackoff: number
  /** Connections that were admitted. */
  readonly maxConnections: number
  /** Connections that one client identity may hold. */
  readonly maxConnectionsPerClient: number
  /** Connections whose other side is not known yet: in all, and from one address. */
  readonly maxPending: number
  readonly maxPendingPerAddress: number
  /** Connections from one address that came to nothing in ten seconds; further ones are dropped unread. */
  readonly maxFailuresPerAddress: number
}

/** Defaults, each with its reason. */
export const TCP_LIMITS: TcpLimits = {
  // A block of Fabric's absolute limit many times over, as in process.
  maxMessageBytes: 128 << 20,
  // Three times the largest envelope of Fabric's defaults.
  maxClientMessageBytes: 32 << 20,
  maxClientPartialBytes: 256 << 20,
  // The largest at 1 MB/s.
  clientTransferTimeout: 30_000,
  maxQueue: 4096,
  // What a link of 1 Gbit/s carries in half a second: older consensus messages are worth nothing.
  maxQueueBytes: 64 << 20,
  maxRequests: 4096,
  maxClientRequests: 1024,
  // What a gigabit link carries in 30 ms: the pauses of a busy machine do not stop the stream.
  streamWindow: 4 << 20,
  // A handshake takes milliseconds; a machine under load a hundred times that.
  handshakeTimeout: 5000,
  pingInterval: 3000,
  pingTimeout: 5000,
  // A restarting process is back within a second or two: later attempts than this cost availability.
  firstBackoff: 50,
  maxBackoff: 2000,
  maxConnections: 2048,
  maxConnectionsPerClient: 64,
  maxPending: 256,
  maxPendingPerAddress: 64,
  maxFailuresPerAddress: 200,
}

/** How long the last words on a connection may take to arrive, milliseconds. */
export const LINGER = 1000
