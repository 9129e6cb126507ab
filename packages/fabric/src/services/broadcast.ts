import { HeddleError, type OrdererServices } from '@heddle/core'
import { BroadcastResponse, DecodeError, EnvelopeView, Status as FabricStatus } from '@heddle/core/model'
import type { Methods, StreamCall, StreamReceiver } from '../grpc/method.ts'

/** Envelopes, and their bytes, that one stream may have under way: what comes on top waits in the client's window. */
const IN_FLIGHT = 2000
const IN_FLIGHT_BYTES = 32 * 1024 * 1024
/** Streams at a time. */
const CONCURRENCY = 2500

/**
 * The Broadcast half of orderer.AtomicBroadcast: envelopes come one after the other without waiting for answers, and are answered in
 * their order. SUCCESS means more than in Fabric: the envelope stands in a durable block.
 */
export function broadcastService(orderer: OrdererServices): Methods {
  return {
    '/orderer.AtomicBroadcast/Broadcast': {
      kind: 'stream',
      concurrency: CONCURRENCY,
      open: (call) => new BroadcastStream(call, orderer),
    },
  }
}

interface Sent {
  readonly size: number
  answer: Uint8Array | undefined
}

class BroadcastStream implements StreamReceiver {
  private readonly call: StreamCall
  private readonly orderer: OrdererServices
  private readonly sent: Sent[] = []
  private bytes = 0
  private paused = false
  private unread = false
  private closed = false

  constructor(call: StreamCall, orderer: OrdererServices) {
    this.call = call
    this.orderer = orderer
  }

  message(envelope: Uint8Array): void {
    const entry: Sent = { size: envelope.length, answer: undefined }
    this.sent.push(entry)
    this.bytes += entry.size
    if (this.sent.length >= IN_FLIGHT || this.bytes >= IN_FLIGHT_BYTES) {
      this.paused = true
      this.call.pause()
    }
    this.order(envelope).then((answer) => {
      entry.answer = answer
      this.flush()
    })
  }

  halfClosed(): void {
    this.closed = true
    if (this.sent.length === 0) this.call.end()
  }

  private async order(bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const envelope = new EnvelopeView(bytes)
      await this.orderer.broadcast(envelope.channelId, envelope)
      return SUCCESS
    } catch (error) {
      return refusal(error)
    }
  }

  /** Answers what is known, up to the first that is not. */
  private flush(): void {
    const { sent, call } = this
    let answered = 0
    for (; answered < sent.length; answered++) {
      const { answer, size } = sent[answered]!
      if (answer === undefined) break
      this.bytes -= size
      if (!call.send(answer)) this.waitForReader()
    }
    if (answered > 0) sent.splice(0, answered)
    this.resume()
    if (this.closed && sent.length === 0) call.end()
  }

  /** Who sends and never reads would have its answers pile up here. */
  private waitForReader(): void {
    if (this.unread) return
    this.unread = true
    this.paused = true
    this.call.pause()
    void this.call.drained().then(() => {
      this.unread = false
      this.resume()
    })
  }

  private resume(): void {
    const { sent, call } = this
    if (this.unread) return
    if (this.paused && sent.length < IN_FLIGHT / 2 && this.bytes < IN_FLIGHT_BYTES / 2) {
      this.paused = false
      call.resume()
    }
  }
}

const SUCCESS = BroadcastResponse.encode({ status: FabricStatus.SUCCESS })

function refusal(error: unknown): Uint8Array {
  const info = error instanceof HeddleError ? `${error.code}: ${error.message}` : 'internal error'
  return BroadcastResponse.encode({ status: broadcastStatus(error), info })
}

/** Fabric: orderer/common/broadcast. A client goes to another orderer for 5xx, never for 4xx. */
function broadcastStatus(error: unknown): number {
  if (error instanceof DecodeError) return FabricStatus.BAD_REQUEST
  if (!(error instanceof HeddleError)) return FabricStatus.INTERNAL_SERVER_ERROR
  switch (error.code) {
    case 'ORDER_FORBIDDEN':
    case 'ORDER_IDENTITY_EXPIRED':
      return FabricStatus.FORBIDDEN
    case 'NODE_UNKNOWN_CHANNEL':
      return FabricStatus.NOT_FOUND
    case 'ORDER_TOO_LARGE':
      return FabricStatus.REQUEST_ENTITY_TOO_LARGE
    default:
      return error.duty === 'fix-input' ? FabricStatus.BAD_REQUEST : FabricStatus.SERVICE_UNAVAILABLE
  }
}
