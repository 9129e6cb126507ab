import { implicitCollectionOwner } from '../../model/namespace.ts'
import type { Height, Namespace, StateReader, StateWrite } from '../../ports/state-db.ts'
import { readDefinition } from '../lifecycle/definitions.ts'
import type { UpdateBatch } from '../validate/update-batch.ts'

/** State namespace of the schedule; U+0000 keeps it apart from chaincodes, commit hash and content hash. */
export const EXPIRY_NAMESPACE = '\u0000expiry'

const SCHEDULED = Uint8Array.of(1)
/** Entries fetched from the schedule at a time. */
const PAGE = 100

/**
 * Private data that lives for a number of blocks only: its hashes leave the state with the block that comes that many blocks (and one)
 * after the one that wrote them, unless they were written again. Peers have to agree on it, because a read of an expired key is a read
 * of an absent one; the deletion is not part of the commit hash.
 *
 * The schedule stands in the state, so that it is always as old as the state is.
 *
 * Fabric: core/ledger/kvledger/txmgmt/pvtstatepurgemgmt, core/ledger/pvtdatapolicy/btlpolicy.go.
 */
export class PrivateExpiry {
  private readonly state: StateReader
  /** Blocks to live by hashed namespace, 0 for ever. A collection cannot change it. */
  private readonly lifetimes = new Map<Namespace, number>()
  /** The block with which the next entries expire; undefined when the schedule is empty. */
  private next: number | undefined

  constructor(state: StateReader) {
    this.state = state
  }

  /** Looks into the schedule of a state that was used before. */
  async open(): Promise<void> {
    const [first] = await this.scheduled('', '', 1)
    this.next = first?.expires
  }

  /**
   * What a block's commit writes beyond its updates: entries of the schedule, and the deletion of what expires with it. Undefined, at
   * once, for the usual block, which has to do with neither.
   */
  writes(block: number, updates: UpdateBatch): Promise<StateWrite[]> | undefined {
    const hashed = updates.hashedNamespaces()
    const due = this.next !== undefined && this.next <= block
    return hashed.length > 0 || due ? this.collect(block, updates, hashed) : undefined
  }

  private async collect(block: number, updates: UpdateBatch, hashed: readonly Namespace[]): Promise<StateWrite[]> {
    const writes: StateWrite[] = []
    const version: Height = { blockNumber: block, txNumber: 0 }
    for (const namespace of hashed) {
      const lifetime = await this.lifetime(namespace)
      if (lifetime === 0) continue
      const expires = block + lifetime + 1
      for (const key of updates.sortedKeys(namespace)) {
        if (updates.get(namespace, key)!.value === undefined) continue
        const metadata = undefined
        writes.push({
          namespace: EXPIRY_NAMESPACE,
          key: entryKey(expires, block, namespace, key),
          value: SCHEDULED,
          metadata,
          version,
        })
        this.next = Math.min(this.next ?? expires, expires)
      }
    }
    if (this.next !== undefined && this.next <= block) await this.expire(block, updates, version, writes)
    return writes
  }

  private async expire(block: number, updates: UpdateBatch, version: Height, writes: StateWrite[]): Promise<void> {
    const due = await this.scheduled('', hex(block + 1), Number.POSITIVE_INFINITY)
    for (const { entry, written, namespace, key } of due) {
      writes.push({ namespace: EXPIRY_NAMESPACE, key: entry, value: undefined, metadata: undefined, version })
      const current = await this.state.get(namespace, key)
      if (current?.version.blockNumber !== written || updates.has(namespace, key)) continue
      writes.push({ namespace, key, value: undefined, metadata: undefined, version })
    }
    const [following] = await this.scheduled(hex(block + 1), '', 1)
    const added = writes.flatMap(({ key, value }) => (value === SCHEDULED ? parse(key).expires : []))
    const candidates = following === undefined ? added : [...added, following.expires]
    this.next = candidates.length === 0 ? undefined : candidates.reduce((a, b) => Math.min(a, b))
  }

  private async scheduled(start: string, end: string, limit: number): Promise<Entry[]> {
    const entries: Entry[] = []
    const iterator = this.state.range(EXPIRY_NAMESPACE, start, end)
    try {
      while (entries.length < limit) {
        const page = await iterator.next(Math.min(PAGE, limit - entries.length))
        if (page.length === 0) break
        for (const { key } of page) entries.push(parse(key))
      }
    } finally {
      await iterator.close()
    }
    return entries
  }

  private async lifetime(namespace: Namespace): Promise<number> {
    const known = this.lifetimes.get(namespace)
    if (known !== undefined) return known
    const [chaincode, collection] = namespace.split('\u0000') as [string, string]
    let lifetime = 0
    if (implicitCollectionOwner(collection) === undefined) {
      const definition = await readDefinition(this.state, chaincode)
      const blocks = definition?.collections.find(({ name }) => name === collection)?.blockToLive
      // A number beyond 2^53 is for ever.
      lifetime = typeof blocks === 'number' ? blocks : 0
    }
    this.lifetimes.set(namespace, lifetime)
    return lifetime
  }
}

interface Entry {
  readonly entry: string
  readonly expires: number
  /** Block that wrote the value. */
  readonly written: number
  readonly namespace: Namespace
  readonly key: string
}

function entryKey(expires: number, written: number, namespace: Namespace, key: string): string {
  return `${hex(expires)}/${hex(written)}/${namespace}\u0000${key}`
}

function parse(entry: string): Entry {
  const rest = entry.slice(34)
  const end = rest.lastIndexOf('\u0000')
  const expires = Number.parseInt(entry.slice(0, 16), 16)
  const written = Number.parseInt(entry.slice(17, 33), 16)
  return { entry, expires, written, namespace: rest.slice(0, end), key: rest.slice(end + 1) }
}

/** Fixed width, so that the order of keys is that of numbers. */
function hex(value: number): string {
  return value.toString(16).padStart(16, '0')
}
