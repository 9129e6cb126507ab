/** What a handler may know of a call, and how it answers. */
export interface Call {
  /** Aborted when the client cancels, its deadline passes, its connection breaks, or the server stops. */
  readonly signal: AbortSignal
  /** DER of the certificate that the client proved; undefined without mutual TLS. */
  readonly clientCertificate: Uint8Array | undefined
  /** Address of the client, for logs and limits. */
  readonly remoteAddress: string
}

/** One request, one answer. Throws GrpcStatus to end with a status. */
export interface UnaryMethod {
  readonly kind: 'unary'
  /** Calls at a time over all connections; what comes on top is told RESOURCE_EXHAUSTED. Default: no limit but those of the server. */
  readonly concurrency?: number
  handle(request: Uint8Array, call: Call): Promise<Uint8Array>
}

/** One side of a stream, as its handler sees it. */
export interface StreamCall extends Call {
  /** Sends a message; false when the client reads slower than it is sent to: wait for `drained`. */
  send(message: Uint8Array): boolean
  /** Resolves when the client has taken what was sent, or the call has ended. */
  drained(): Promise<void>
  /** Takes no more messages from the client until `resume`: the client's window closes. */
  pause(): void
  resume(): void
  /** Ends the call with status OK, or with the status of an error. */
  end(error?: unknown): void
}

/** What a handler does with the messages of a stream. */
export interface StreamReceiver {
  /** A message of the client. What it throws ends the call. */
  message(message: Uint8Array): void
  /** The client sends no more; it may still read. */
  halfClosed(): void
}

/** Messages in both directions, in the handler's own order. */
export interface StreamMethod {
  readonly kind: 'stream'
  readonly concurrency?: number
  open(call: StreamCall): StreamReceiver
}

/** A method of a gRPC service. */
export type Method = UnaryMethod | StreamMethod

/** Methods by path, `/package.Service/Method`. */
export type Methods = Readonly<Record<string, Method>>
