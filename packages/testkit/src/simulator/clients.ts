import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '@heddle/core/model'
import { HeddleError, OrderError, type Signer } from '@heddle/core/plugin'
import { keyedHashSigner } from '../ordering-conformance/keyed-hash-identity.ts'
import type { Draw } from './draw.ts'
import { SMALL_LIMIT } from './plan.ts'
import type { SimNode } from './sim-node.ts'
import { CHANNEL } from './terms.ts'
import type { World } from './world.ts'

/** An envelope and what became of it. */
export interface EnvelopeRecord {
  readonly name: string
  readonly bytes: Uint8Array
  /** Payload and signature: what batch limits count. */
  readonly size: number
  /** Blocks that hold it, in the agreed chain; more than one when it was sent again. */
  readonly blocks: number[]
  state: 'waiting' | 'acknowledged' | 'gave up' | 'refused'
  attempts: number
  /** Some attempt has an unknown outcome. */
  unknown: boolean
  /** Block of the first acknowledgement. */
  acknowledgedIn: number | undefined
}

/** Milliseconds before clients try again: doubled each time, up to the last. */
const FIRST_PAUSE = 50
const LAST_PAUSE = 3_000

/**
 * The clients of a channel. Each sends its envelopes to any orderer and acts as the duty of an error says: `retry` and send it again,
 * anywhere, or leave it; `ask-status` and send the same bytes again. It remembers every acknowledgement.
 */
export class Clients {
  readonly records: EnvelopeRecord[] = []
  waiting = 0
  /** Envelopes that were acknowledged at least once. */
  acknowledged = 0
  readonly #world: World
  readonly #draw: Draw
  readonly #signers: readonly Signer[]
  readonly #bySignature = new Map<string, EnvelopeRecord>()
  #planned = 0

  constructor(world: World) {
    this.#world = world
    this.#draw = world.draw.fork('clients')
    this.#signers = Array.from({ length: world.plan.load.clients }, (_, i) =>
      keyedHashSigner('ClientMSP', 'client', `client${i}`),
    )
  }

  /** Plans all envelopes of the seed. */
  start(): void {
    const { plan, scheduler } = this.#world
    for (const at of arrivals(plan.load.shape, plan.envelopes, plan.duration, this.#draw.fork('arrivals'))) {
      this.#planned++
      scheduler.after(at, undefined, () => {
        this.#planned--
        this.send()
      })
    }
  }

  /** Every envelope was sent and has its answer. */
  get done(): boolean {
    return this.#planned === 0 && this.waiting === 0
  }

  find(bytes: Uint8Array): EnvelopeRecord | undefined {
    const record = this.#bySignature.get(signatureKey(bytes))
    return record !== undefined && Buffer.compare(record.bytes, bytes) === 0 ? record : undefined
  }

  /** Makes an envelope and sends it, first to `node`. */
  send(node?: SimNode): EnvelopeRecord {
    const { load } = this.#world.plan
    const draw = this.#draw
    const signer = draw.pick(this.#signers)
    const large = draw.chance(load.large)
    const name = `tx${this.records.length}`
    const content = large ? draw.int(SMALL_LIMIT, 3 * SMALL_LIMIT) : draw.int(0, load.size)
    const last = this.records.at(-1)
    const txId = last !== undefined && draw.chance(load.twins) ? last.name : name
    const record = makeRecord(name, txId, content, signer, draw)
    this.records.push(record)
    this.#bySignature.set(signatureKey(record.bytes), record)
    this.waiting++
    this.#attempt(record, node ?? draw.pick(this.#world.nodes))
    return record
  }

  #attempt(record: EnvelopeRecord, node: SimNode): void {
    const { scheduler, plan } = this.#world
    const { life, host } = node
    record.attempts++
    if (life === undefined || host === undefined || node.state !== 'up') {
      this.#later(record)
      return
    }
    let answered = false
    const abort = this.#draw.chance(plan.load.aborts) ? new AbortController() : undefined
    // In a turn of the node's own: a paused node takes it up later, a dead one never.
    scheduler.after(0.05, life, () => {
      host.broadcast(record.bytes, abort?.signal).then(
        ({ blockNumber }) => {
          if (!life.alive) return
          answered = true
          this.#acknowledge(record, node, blockNumber)
        },
        (error: unknown) => {
          if (!life.alive) return
          answered = true
          this.#refused(record, node, error)
        },
      )
    })
    scheduler.after(plan.load.patience * this.#draw.between(0.8, 1.2), undefined, () => {
      if (answered) return
      record.unknown = true
      abort?.abort()
      if (record.state === 'waiting') this.#again(record)
    })
  }

  #acknowledge(record: EnvelopeRecord, node: SimNode, blockNumber: number): void {
    const world = this.#world
    world.checker.acknowledged(node.name, record, blockNumber)
    world.trace.mix(blockNumber)
    world.trace.whisper(node.name, () => `acknowledged ${record.name} in block ${blockNumber}`)
    if (record.acknowledgedIn === undefined) {
      record.acknowledgedIn = blockNumber
      this.acknowledged++
      world.acknowledgedAt(node)
      if (this.#draw.chance(world.plan.load.repeats) && !world.healed) this.#later(record)
    }
    if (record.state !== 'waiting') return
    record.state = 'acknowledged'
    this.waiting--
  }

  #refused(record: EnvelopeRecord, node: SimNode, error: unknown): void {
    const world = this.#world
    if (!(error instanceof HeddleError)) {
      world.violate('typed errors', `${node.name} refused ${record.name} with ${String(error)}`)
      return
    }
    const { code } = error as OrderError
    world.trace.mixText(code)
    world.trace.whisper(node.name, () => `refused ${record.name}: ${code}`)
    world.count(`answers ${code}`)
    if (error.duty !== 'retry') record.unknown = true
    if (record.state !== 'waiting') return
    if (error.duty === 'fix-input') {
      if (record.size <= SMALL_LIMIT || code !== 'ORDER_TOO_LARGE')
        world.violate('duties', `${node.name} refused ${record.name}, which is good, with ${code}: ${error.message}`)
      this.#end(record, 'refused')
    } else if (error.duty === 'retry' && !record.unknown && this.#draw.chance(world.plan.load.givesUp)) {
      this.#end(record, 'gave up')
    } else this.#later(record)
  }

  #end(record: EnvelopeRecord, state: 'refused' | 'gave up'): void {
    record.state = state
    this.waiting--
  }

  #later(record: EnvelopeRecord): void {
    const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(record.attempts, 10), LAST_PAUSE) * this.#draw.between(0.5, 1.5)
    this.#world.scheduler.after(pause, undefined, () => this.#again(record))
  }

  #again(record: EnvelopeRecord): void {
    this.#attempt(record, this.#draw.pick(this.#world.nodes))
  }
}

function makeRecord(name: string, txId: string, content: number, signer: Signer, draw: Draw): EnvelopeRecord {
  const payload = Payload.encode({
    header: {
      channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId: CHANNEL, txId }),
      signatureHeader: SignatureHeader.encode({ creator: signer.identity, nonce: draw.bytes(24) }),
    },
    data: Buffer.from(`${name} `.padEnd(content, '.')),
  })
  const signature = signer.sign(payload) as Uint8Array
  const bytes = Envelope.encode({ payload, signature })
  const size = payload.length + signature.length
  return { name, bytes, size, blocks: [], state: 'waiting', attempts: 0, unknown: false, acknowledgedIn: undefined }
}

/** The signature stands last in the encoding of an envelope. */
function signatureKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + bytes.length - 24, 24).toString('latin1')
}

/** Moments at which envelopes are sent. */
function arrivals(shape: 'steady' | 'bursts' | 'waves', count: number, duration: number, draw: Draw): number[] {
  const end = duration * 0.99
  if (shape === 'steady') return Array.from({ length: count }, () => draw.between(0, end))
  const times: number[] = []
  if (shape === 'bursts') {
    while (times.length < count) {
      const at = draw.between(0, end)
      const width = draw.pick([0, 10, 1_000])
      for (let left = Math.min(draw.int(1, 60), count - times.length); left > 0; left--) times.push(at + draw.between(0, width))
    }
    return times
  }
  const period = draw.magnitude(5_000, 200_000)
  while (times.length < count) {
    const at = draw.between(0, end)
    if (draw.chance(0.5 + 0.5 * Math.sin((2 * Math.PI * at) / period))) times.push(at)
  }
  return times
}
