import type { RemoteNode } from '../../ports/transport.ts'

/** Whom a certificate belongs to, as the network knows it now. */
export interface Admitted extends RemoteNode {
  readonly mspId: string
  /** A node of the network, or else a client: its name then holds a slash, which no node's does. */
  readonly isNode: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** DER: what is judged again when the membership changes. */
  readonly certificate: Uint8Array
}

/**
 * Decides who may connect. There is no web PKI here: a certificate counts when the network's membership says so, for as long as it does.
 */
export interface Admission {
  /**
   * Judges the certificate (DER) whose key the other side has proved to hold.
   * @throws TransportError TRANSPORT_PEER_REFUSED
   */
  judge(certificate: Uint8Array): Admitted
  /** Whether they are a member of a channel now. True of a channel that this node does not serve. */
  admits(peer: Admitted, channel: string): boolean
  /** Calls back when a verdict may have changed; gives a function that ends that. */
  onChange(listener: () => void): () => void
}

/** A node's key and certificate, as TLS presents them. */
export interface Credentials {
  /** PEM: the certificate, then those of the authorities between it and the root, if any. */
  readonly certificates: string
  /** PKCS#8 PEM. */
  readonly privateKey: string
}
