import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import { TransportError } from '../environment/transport-errors.ts'
import type { Admission, Admitted } from './admission.ts'
import {
  ALPN,
  decodeHello,
  encodeFrame,
  encodeHello,
  FrameError,
  FrameReader,
  FrameType,
  type Hello,
  type Lane,
  WIRE_VERSION,
} from './frame.ts'
import { LINGER, type TcpLimits } from './limits.ts'
import type { Link } from './link.ts'

export interface GreetingParts {
  readonly socket: TLSSocket
  readonly self: string
  readonly admission: Admission
  readonly clock: Clock
  readonly limits: TcpLimits
  /** Whom this side wanted to reach, and what for; undefined at the side that was called. */
  readonly dialled: { readonly name: string; readonly lane: Lane } | undefined
  /** Largest transfer that this side takes of the other. */
  readonly maxBytes: (peer: Admitted) => number
  /** Both sides know each other. Undefined: there is no room, say why. */
  readonly admitted: (peer: Admitted, hello: Hello, frames: FrameReader) => Link | string
  /** Nothing came of it. */
  readonly failed: (error: TransportError) => void
}

/**
 * The first words on a connection whose TLS handshake is over. Who the other side is gets decided before anything that it sent is looked
 * at: from the certificate whose key TLS 1.3 has proved it to hold, and from nothing else.
 */
export function greet(parts: GreetingParts): void {
  const { socket, self, admission, clock, limits, dialled } = parts
  const frames = new FrameReader()
  let link = undefined as Link | undefined
  let ended = false

  const end = (error: TransportError, farewell?: string): void => {
    if (ended) return
    ended = true
    timer.cancel()
    // An orderly end, so that the reason arrives; then no patience.
    if (farewell !== undefined && socket.writable) {
      socket.write(encodeFrame(FrameType.BYE, 0, 0, Buffer.from(farewell)))
      socket.end()
      socket.resume()
      clock.setTimer(LINGER, () => socket.destroy())
    } else socket.destroy()
    parts.failed(error)
  }

  const timer = clock.setTimer(limits.handshakeTimeout, () => {
    end(new TransportError('TRANSPORT_UNREACHABLE', 'the other side did not greet in time', { reason: 'SILENT' }))
  })

  let peer: Admitted
  try {
    peer = inspect(socket, admission, dialled?.name)
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    socket.on('error', () => socket.destroy())
    end(error as TransportError, farewellOf(error.data.reason))
    return
  }

  const hello = (to: string, lane: Lane): Buffer =>
    encodeHello({ version: WIRE_VERSION, to, lane, maxMessageBytes: parts.maxBytes(peer), streamWindow: limits.streamWindow })

  const greeted = (theirs: Hello): void => {
    try {
      // They may have been thrown out since.
      const now = admission.judge(peer.certificate)
      if (now.name !== peer.name) throw refusal('WRONG_NAME', `${peer.name} is now ${now.name}`, peer.name)
      peer = now
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      end(error as TransportError, farewellOf(error.data.reason))
      return
    }
    if (theirs.to !== self) {
      const message = `${peer.name} wanted to reach ${theirs.to.slice(0, 100)}, this is ${self}`
      end(new TransportError('TRANSPORT_PEER_REFUSED', message, { reason: 'WRONG_NAME', node: peer.name }), 'WRONG_NAME')
      return
    }
    const made = parts.admitted(peer, theirs, frames)
    if (typeof made === 'string') {
      const message = `${self} takes no more connections of ${peer.name}`
      end(new TransportError('TRANSPORT_PEER_REFUSED', message, { reason: made, node: peer.name }), made)
      return
    }
    timer.cancel()
    if (dialled === undefined) socket.write(hello(peer.name, theirs.lane))
    link = made
  }

  socket.on('data', (data: Buffer) => {
    if (link !== undefined) {
      link.received(data)
      return
    }
    if (ended) return
    try {
      frames.push(data, ({ type, body }) => {
        if (type === FrameType.BYE) end(refusedBy(parts, peer, body))
        else if (type === FrameType.HELLO) greeted(decodeHello(body))
        else throw new FrameError(`a frame of type ${type} before the greeting`)
        return false
      })
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      end(new TransportError('TRANSPORT_PROTOCOL', `${peer.name}: ${error.message}`, { node: peer.name }), 'PROTOCOL')
      return
    }
    ;(link as Link | undefined)?.begin()
  })
  socket.on('drain', () => link?.drained())
  socket.on('error', (error) => closed(error))
  socket.on('close', () => closed(undefined))

  const closed = (cause: Error | undefined): void => {
    const { name } = peer
    const message = `the connection between ${self} and ${name} ended${cause === undefined ? '' : `: ${cause.message}`}`
    if (link !== undefined) {
      link.close(new TransportError('TRANSPORT_CLOSED', message, { from: self, to: name }, { cause }))
      socket.destroy()
    } else end(new TransportError('TRANSPORT_UNREACHABLE', message, { from: self, to: name }, { cause }))
  }

  if (dialled !== undefined) socket.write(hello(dialled.name, dialled.lane))
}

/** Who is at the other end. @throws TransportError TRANSPORT_PEER_REFUSED */
export function inspect(socket: TLSSocket, admission: Admission, wanted: string | undefined): Admitted {
  const refuse = (reason: string, message: string): TransportError => refusal(reason, message, wanted)
  const version = socket.getProtocol()
  if (version !== 'TLSv1.3') throw refuse('WRONG_TLS', `TLS 1.3 is wanted, this is ${version}`)
  // A session that is taken up again would prove nothing anew.
  if (socket.isSessionReused()) throw refuse('SESSION_REUSED', 'a TLS session was taken up again')
  if (socket.alpnProtocol !== ALPN) throw refuse('WRONG_PROTOCOL', `the other side does not speak ${ALPN}`)
  // Once: Node gives a client the certificate only the first time.
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw refuse('NO_CERTIFICATE', 'the other side shows no certificate')
  const peer = admission.judge(new Uint8Array(certificate.raw))
  if (wanted !== undefined && !(peer.isNode && peer.name === wanted))
    throw refuse('WRONG_NAME', `${wanted} was called, ${peer.name} answers`)
  return peer
}

function refusal(reason: string, message: string, node: string | undefined): TransportError {
  return new TransportError('TRANSPORT_PEER_REFUSED', message, { reason, ...(node === undefined ? {} : { node }) })
}

/** What a stranger is told: a reason, no names. */
function farewellOf(reason: unknown): string {
  return typeof reason === 'string' ? reason : 'REFUSED'
}

function refusedBy({ dialled }: GreetingParts, { name }: Admitted, body: Buffer): TransportError {
  const reason = body.toString('latin1', 0, 64).replace(/[^A-Z0-9_]/g, '?')
  const who = dialled?.name ?? name
  if (reason === 'BUSY') return new TransportError('TRANSPORT_BUSY', `${who} takes no more connections`, { node: who, reason })
  if (reason === 'STOPPING') return new TransportError('TRANSPORT_UNREACHABLE', `${who} is stopping`, { node: who, reason })
  return new TransportError('TRANSPORT_REFUSED', `${who} does not take this node: ${reason}`, { node: who, reason })
}
