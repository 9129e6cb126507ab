import { type ClientHttp2Session, connect, constants } from 'node:http2'

/** A server's answer that is no success. */
export class GrpcFailure extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(`gRPC status ${status}: ${message}`)
    this.status = status
  }
}

/** Unary gRPC calls over one HTTP/2 connection, and nothing else: what a load generator needs, with as little work as possible. */
export class GrpcClient {
  readonly #session: ClientHttp2Session

  private constructor(session: ClientHttp2Session) {
    this.#session = session
  }

  static connect(url: string, tls: { readonly ca: string; readonly cert: string; readonly key: string }): Promise<GrpcClient> {
    return new Promise((resolve, reject) => {
      const session = connect(url, { ...tls, settings: { initialWindowSize: 1 << 20, enablePush: false } })
      session.once('error', reject)
      session.once('connect', () => {
        session.off('error', reject)
        // A call that is under way reports it.
        session.on('error', () => {})
        session.setLocalWindowSize(64 << 20)
        resolve(new GrpcClient(session))
      })
    })
  }

  /** The bytes of the answer's message. Rejects with GrpcFailure, or the error of the connection. */
  call(path: string, message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      })
      const frame = Buffer.allocUnsafe(5 + message.length)
      frame[0] = 0
      frame.writeUInt32BE(message.length, 1)
      frame.set(message, 5)
      stream.end(frame)
      const chunks: Buffer[] = []
      let status: { code: number; message: string } | undefined
      const take = (headers: Record<string, unknown>): void => {
        const code = headers['grpc-status']
        if (code !== undefined) status = { code: Number(code), message: String(headers['grpc-message'] ?? '') }
      }
      stream.on('response', take)
      stream.on('trailers', take)
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', reject)
      stream.on('close', () => {
        if (status === undefined) return reject(new GrpcFailure(14, 'the stream ended without a status'))
        if (status.code !== 0) return reject(new GrpcFailure(status.code, status.message))
        resolve(Buffer.concat(chunks).subarray(5))
      })
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#session.close(() => resolve())
    })
  }
}
