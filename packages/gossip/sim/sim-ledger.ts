import { Block, sha256 } from '@heddle/core/model'
import { type DeliverEndpoint, HeddleError, type NodeDirectory } from '@heddle/core/plugin'
import type { VirtualTime } from './virtual-time.ts'

const ORDERER_SECRET = Buffer.from('orderer secret')

/** Keyed hashes in the place of signatures: for simulation only, where what is tried is everything around them. */
export function keyedHash(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([secret, message]))
}

export function isSigned(block: Block): boolean {
  return Buffer.compare(block.metadataAt(0), keyedHash(ORDERER_SECRET, block.headerBytes())) === 0
}

/** An ordering service: makes a chain, and counts who takes it. */
export class SimOrderer implements DeliverEndpoint {
  readonly name = 'orderer'
  readonly chain: Block[] = []
  readonly madeAt: number[] = []
  readers = 0
  delivered = 0
  down = false
  private readonly time: VirtualTime
  private waiting: (() => void)[] = []

  constructor(time: VirtualTime) {
    this.time = time
    this.order(new Uint8Array(200))
  }

  order(data: Uint8Array): void {
    const tip = this.chain.at(-1)
    const block = Block.create(this.chain.length, tip?.hash() ?? new Uint8Array(0), [data])
    this.chain.push(block.withMetadata({ 0: keyedHash(ORDERER_SECRET, block.headerBytes()) }))
    this.madeAt.push(this.time.now)
    const { waiting } = this
    this.waiting = []
    for (const wake of waiting) wake()
  }

  async *deliver(from: number, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    await this.time.wait(10)
    if (this.down) throw new Error('the orderer is down')
    this.readers++
    try {
      for (let number = from; !signal.aborted; number++) {
        while (number >= this.chain.length && !signal.aborted && !this.down)
          await new Promise<void>((resolve) => {
            this.waiting.push(resolve)
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
        if (signal.aborted) return
        if (this.down) throw new Error('the orderer is down')
        await this.time.wait(5)
        this.delivered++
        yield this.chain[number]!
      }
    } finally {
      this.readers--
    }
  }

  /** Ends all readers; new ones are refused. */
  stop(): void {
    this.down = true
    const { waiting } = this
    this.waiting = []
    for (const wake of waiting) wake()
  }
}

/** Nobody finds anybody but by bootstrap addresses and what peers tell each other. */
export const NO_DIRECTORY: NodeDirectory = {
  publish: () => {},
  withdraw: () => {},
  entries: () => [],
  onChange: () => () => {},
}

/** An identity of the simulation: `ORG/NAME`. */
export function identityOf(mspId: string, node: string): Uint8Array {
  return Buffer.from(`${mspId}/${node}`)
}

/** Who is a member: everybody of the organisations, but those who were revoked. */
export class SimMembers {
  readonly revoked = new Set<string>()
  private readonly listeners = new Set<() => void>()

  revoke(mspId: string, node: string): void {
    this.revoked.add(`${mspId}/${node}`)
    for (const listener of [...this.listeners]) listener()
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  member(identity: Uint8Array): { mspId: string; id: string; expiresAt: number } {
    const id = Buffer.from(identity).toString()
    const [mspId = '', node] = id.split('/')
    if (!/^Org\d+$/.test(mspId) || node === undefined || this.revoked.has(id)) throw new NotAMember(id)
    return { mspId, id, expiresAt: Number.MAX_SAFE_INTEGER }
  }
}

class NotAMember extends HeddleError {
  constructor(id: string) {
    super('NODE_NOT_A_MEMBER', 'fix-input', `${id} is no member`)
  }
}
