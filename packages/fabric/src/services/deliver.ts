import { HeddleError, type OrdererServices, type PeerServices } from '@heddle/core'
import {
  type Block,
  BlockMetadataIndex,
  DecodeError,
  DeliverResponse,
  EnvelopeView,
  Status as FabricStatus,
  FilteredBlock,
  HeaderType,
  PeerDeliverResponse,
  sha256,
} from '@heddle/core/model'
import type { Method, Methods, StreamCall } from '../grpc/method.ts'
import { GrpcStatus, Status } from '../grpc/status.ts'

/** Requests at a time (Fabric: peer.limits.concurrency.deliverService). */
const CONCURRENCY = 2500
/** Seek requests that may wait on one stream while one is served. */
const WAITING_SEEKS = 16
/** How far the clock of a client may be off, in milliseconds (Fabric: peer.authentication.timewindow). */
const TIME_WINDOW = 15 * 60 * 1000

export interface DeliverOptions {
  /** Wall clock of the node, milliseconds since 1970. */
  readonly now: () => number
  /** With mutual TLS a seek names the hash of the client's TLS certificate, so that nobody can play it again on another connection. */
  readonly bindTls: boolean
}

type Open = (channel: string, envelope: Uint8Array, signal: AbortSignal) => AsyncGenerator<Block, void, undefined>

/** protos.Deliver of a peer: blocks, and blocks without what only members of a transaction need. */
export function peerDeliverService(peer: PeerServices, options: DeliverOptions): Methods {
  const status = (code: number): Uint8Array => PeerDeliverResponse.encode({ status: code })
  const deliver = (resource: 'event/Block' | 'event/FilteredBlock', encode: (block: Block) => Uint8Array): Method =>
    method((channel, envelope, signal) => peer.deliver(resource, channel, envelope, signal), encode, status, options)
  return {
    '/protos.Deliver/Deliver': deliver('event/Block', blockResponse),
    '/protos.Deliver/DeliverFiltered': deliver('event/FilteredBlock', filteredResponse),
    '/protos.Deliver/DeliverWithPrivateData': {
      kind: 'stream',
      open: () => {
        throw new GrpcStatus(Status.UNIMPLEMENTED, 'unsupported: blocks with private data are not delivered')
      },
    },
  }
}

/** The Deliver half of orderer.AtomicBroadcast. */
export function ordererDeliverService(orderer: OrdererServices, options: DeliverOptions): Methods {
  const status = (code: number): Uint8Array => DeliverResponse.encode({ status: code })
  const open: Open = (channel, envelope, signal) => orderer.deliver(channel, envelope, signal)
  return { '/orderer.AtomicBroadcast/Deliver': method(open, blockResponse, status, options) }
}

function method(
  open: Open,
  encode: (block: Block) => Uint8Array,
  status: (code: number) => Uint8Array,
  options: DeliverOptions,
): Method {
  return {
    kind: 'stream',
    concurrency: CONCURRENCY,
    open: (call) => new DeliverStream(call, { open, encode, status, options }),
  }
}

/** One stream: seeks one after the other, each ended by a status; the first that fails ends the stream, as in Fabric. */
class DeliverStream {
  private readonly call: StreamCall
  private readonly kind: {
    readonly open: Open
    readonly encode: (block: Block) => Uint8Array
    readonly status: (code: number) => Uint8Array
    readonly options: DeliverOptions
  }
  private readonly seeks: Uint8Array[] = []
  private serving = false
  private closed = false

  constructor(call: StreamCall, kind: DeliverStream['kind']) {
    this.call = call
    this.kind = kind
  }

  message(envelope: Uint8Array): void {
    this.seeks.push(envelope)
    if (this.seeks.length >= WAITING_SEEKS) this.call.pause()
    if (!this.serving) void this.serve()
  }

  halfClosed(): void {
    this.closed = true
    if (!this.serving) this.call.end()
  }

  private async serve(): Promise<void> {
    const { call, kind } = this
    this.serving = true
    try {
      for (let seek = this.seeks.shift(); seek !== undefined && !call.signal.aborted; seek = this.seeks.shift()) {
        call.resume()
        const code = await this.seek(seek)
        call.send(kind.status(code))
        if (code !== FabricStatus.SUCCESS) {
          call.end()
          return
        }
      }
      this.serving = false
      if (this.closed) call.end()
    } catch (error) {
      call.end(error)
    }
  }

  /** @returns the status that ends the seek */
  private async seek(envelope: Uint8Array): Promise<number> {
    const { call, kind } = this
    const { signal } = call
    let channel: string
    try {
      channel = this.channelOf(envelope)
    } catch (error) {
      if (error instanceof DecodeError || error instanceof BadSeek) return FabricStatus.BAD_REQUEST
      throw error
    }
    try {
      for await (const block of kind.open(channel, envelope, signal)) {
        if (!call.send(kind.encode(block))) await call.drained()
        if (signal.aborted) break
      }
      return FabricStatus.SUCCESS
    } catch (error) {
      if (error instanceof HeddleError) return deliverStatus(error)
      throw error
    }
  }

  /** What Fabric checks of a seek before it looks for the channel (common/deliver). */
  private channelOf(envelope: Uint8Array): string {
    const { bindTls, now } = this.kind.options
    const view = new EnvelopeView(envelope)
    const { channelId, timestamp, type } = view.channelHeader
    if (type !== HeaderType.DELIVER_SEEK_INFO || channelId === '') throw new BadSeek()
    const at = timestamp === undefined ? Number.NaN : Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6
    if (!(Math.abs(now() - at) <= TIME_WINDOW)) throw new BadSeek()
    if (bindTls) {
      const { tlsCertHash } = view.channelHeader
      const { clientCertificate } = this.call
      if (clientCertificate === undefined || Buffer.compare(sha256(clientCertificate), tlsCertHash) !== 0) throw new BadSeek()
    }
    return channelId
  }
}

class BadSeek extends Error {}

function deliverStatus(error: HeddleError): number {
  switch (error.code) {
    case 'ORDER_FORBIDDEN':
    case 'ORDER_IDENTITY_EXPIRED':
      return FabricStatus.FORBIDDEN
    case 'ORDER_BLOCK_NOT_FOUND':
    case 'NODE_UNKNOWN_CHANNEL':
      return FabricStatus.NOT_FOUND
    default:
      return error.duty === 'fix-input' ? FabricStatus.BAD_REQUEST : FabricStatus.SERVICE_UNAVAILABLE
  }
}

/** Encoded once for all readers of a block in this process: most of what a peer sends is the same for everyone. */
const encoded = new WeakMap<Block, Uint8Array>()
const filtered = new WeakMap<Block, Uint8Array>()

function blockResponse(block: Block): Uint8Array {
  let known = encoded.get(block)
  if (known === undefined) {
    known = blockField(block.encode())
    encoded.set(block, known)
  }
  return known
}

/** Both DeliverResponse messages hold the block in field 2: tag, length, bytes, and no second encoding of the block. */
function blockField(block: Uint8Array): Uint8Array {
  const head: number[] = [0x12]
  let length = block.length
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80)
  head.push(length)
  const field = new Uint8Array(head.length + block.length)
  field.set(head)
  field.set(block, head.length)
  return field
}

function filteredResponse(block: Block): Uint8Array {
  let known = filtered.get(block)
  if (known === undefined) {
    known = PeerDeliverResponse.encode({ filteredBlock: filter(block) })
    filtered.set(block, known)
  }
  return known
}

/** Fabric: core/peer/deliverevents.go. Chaincode events come without their payload. */
export function filter(block: Block): FilteredBlock {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  let channelId = ''
  const filteredTransactions = block.data.flatMap((_, i) => {
    const view = block.envelope(i)
    const txValidationCode = flags[i] ?? 0
    try {
      const { type, txId: txid } = view
      channelId = view.channelId
      if (type !== HeaderType.ENDORSER_TRANSACTION) return { txid, type, txValidationCode, transactionActions: undefined }
      return { txid, type, txValidationCode, transactionActions: { chaincodeActions: eventsOf(view) } }
    } catch (error) {
      // A block may hold what does not decode: it was flagged, changed nothing, and has no transaction id that a client could know.
      if (!(error instanceof DecodeError)) throw error
      return []
    }
  })
  return { channelId, number: block.number, filteredTransactions }
}

function eventsOf(view: EnvelopeView) {
  return view.transaction.actions
    .filter((action) => action.events.length > 0)
    .map(({ event: { chaincodeId, txId, eventName } }) => ({
      chaincodeEvent: { chaincodeId, txId, eventName, payload: NOTHING },
    }))
}

const NOTHING = new Uint8Array(0)
