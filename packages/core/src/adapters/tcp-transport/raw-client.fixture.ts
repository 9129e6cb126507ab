import { once } from 'node:events'
import tls from 'node:tls'
import {
  ALPN,
  encodeFrame,
  encodeHello,
  encodeRoute,
  type Frame,
  FrameReader,
  FrameType,
  type Hello,
  MAX_FRAME,
  WIRE_VERSION,
} from './frame.ts'
import type { Endpoint } from './listener.ts'

/** A client that says what a test wants it to say, right or wrong. */
export class RawClient {
  readonly socket: tls.TLSSocket
  readonly frames: Frame[] = []
  readonly #reader = new FrameReader()
  #wake: () => void = () => {}
  closed = false

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket
    this.#reader.limit = MAX_FRAME
    socket.on('data', (data: Buffer) => {
      this.#reader.push(data, (frame) => {
        this.frames.push({ ...frame, body: Buffer.from(frame.body) })
        return true
      })
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static async connect(
    { host, port }: Endpoint,
    who: { certificates?: string; privateKey?: string; alpn?: boolean },
    options: { session?: Buffer; onSession?: (session: Buffer) => void } = {},
  ): Promise<RawClient> {
    const { certificates, privateKey, alpn = true } = who
    const socket = tls.connect({
      host,
      port,
      servername: '',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ...(certificates === undefined ? {} : { cert: certificates }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
      ...(alpn ? { ALPNProtocols: [ALPN] } : {}),
      ...(options.session === undefined ? {} : { session: options.session }),
    })
    if (options.onSession !== undefined) socket.on('session', options.onSession)
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  hello(to: string, more: Partial<Hello> = {}): void {
    this.socket.write(
      encodeHello({ version: WIRE_VERSION, to, lane: 'messages', maxMessageBytes: 1 << 20, streamWindow: 1 << 20, ...more }),
    )
  }

  send(type: number, flags: number, id: number, body?: Uint8Array): void {
    this.socket.write(encodeFrame(type, flags, id, body))
  }

  /** Names route 0. */
  route(service: string, channel: string): void {
    this.send(FrameType.ROUTE, 0, 0, encodeRoute(service, channel))
  }

  /** The first frame of a type; undefined when the connection ends before it comes. */
  async frame(type: number, matches: (frame: Frame) => boolean = () => true): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && matches(frame))
      if (found !== undefined) return found
      if (this.closed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The other side greets; false when it ends the connection instead. */
  async greeted(): Promise<boolean> {
    return (await this.frame(FrameType.HELLO)) !== undefined
  }

  /** Why the other side ends the connection. */
  async farewell(): Promise<string | undefined> {
    return (await this.frame(FrameType.BYE))?.body.toString()
  }

  /** Resolves when the other side has ended the connection. */
  async end(): Promise<void> {
    while (!this.closed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
  }
}
