/** Bounds on connections. */
export interface ConnectionLimits {
  /** Connections in all. */
  readonly most: number
  /** Connections whose peer has not proved its membership. */
  readonly unproven: number
  /** Connections that are being encrypted. */
  readonly handshakes: number
  /** New connections a second from one host. */
  readonly perSecond: number
  /** Milliseconds that encryption, and afterwards the proof, may take. */
  readonly handshakeTimeout: number
  /** Streams of one connection. */
  readonly streams: number
}
