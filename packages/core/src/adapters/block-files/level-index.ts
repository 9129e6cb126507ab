import type { TransactionLocation } from '../../ports/block-store.ts'
import { LevelStore, levelFailure } from '../level/level-store.ts'
import { type BlockIndex, type IndexEntry, NONE_KNOWN } from './block-index.ts'
import { hashKey, MemoryBlockIndex } from './memory-index.ts'
import type { BlockLocation } from './segment.ts'

const FORMAT = '1'
/** Values are text; the batch's own type does not know. */
const TEXT = { valueEncoding: 'utf8' } as const
/** Blocks that wait to be written before `add` asks the caller to slow down. */
const MAX_WAITING = 64
/** Transaction ids known to be absent, so that a block's ids are looked up once, not twice. */
const MAX_ABSENT = 16_384

/**
 * Index in LevelDB: its memory does not grow with the chain. Keys:
 *
 *   c             number of blocks
 *   n NUMBER      "segment offset length"
 *   h HASH        number
 *   t TXID        "block transaction code" of the first entry
 *
 * Writes run behind and are not synced: what a crash takes is read again from the block files. What is not written yet is found in
 * a small index in memory.
 */
export class LevelBlockIndex implements BlockIndex {
  readonly height: number
  readonly #level: LevelStore
  readonly #absent = new Set<string>()
  #waiting: IndexEntry[] = []
  #writing: IndexEntry[] = []
  #recent = new MemoryBlockIndex()
  #running: Promise<void> | undefined
  #failed: unknown

  private constructor(level: LevelStore, height: number) {
    this.#level = level
    this.height = height
  }

  /** Opens or creates the index; undefined when the folder holds something that is not usable and must be made anew. */
  static async open(path: string): Promise<LevelBlockIndex | undefined> {
    try {
      const store = await LevelStore.open(path, { format: FORMAT, cacheBytes: 4 << 20, writeBufferBytes: 2 << 20 })
      return new LevelBlockIndex(store, Number(store.getText('c') ?? 0))
    } catch (error) {
      const failure = levelFailure(error)
      if (failure.kind === 'locked' || failure.kind === 'failed') throw failure
      return undefined
    }
  }

  add(entry: IndexEntry): Promise<void> | undefined {
    if (this.#failed !== undefined) throw this.#failed
    this.#waiting.push(entry)
    this.#recent.add(entry)
    if (this.#running === undefined) {
      this.#running = this.#write()
      // A failure shows at the next call.
      this.#running.catch(() => {})
    }
    return this.#waiting.length > MAX_WAITING ? this.#running : undefined
  }

  block(number: number): BlockLocation | undefined {
    const recent = this.#recent.block(number)
    if (recent !== undefined) return recent
    const found = this.#level.getText(`n${number}`)?.split(' ')
    return found && { segment: Number(found[0]), offset: Number(found[1]), length: Number(found[2]) }
  }

  numberOf(hash: Uint8Array): number | undefined {
    const recent = this.#recent.numberOf(hash)
    if (recent !== undefined) return recent
    const found = this.#level.getText(`h${hashKey(hash)}`)
    return found === undefined ? undefined : Number(found)
  }

  transaction(txId: string): TransactionLocation | undefined {
    // What is stored came first.
    const found = this.#level.getText(`t${txId}`)?.split(' ')
    if (found === undefined) return this.#recent.transaction(txId)
    return { blockNumber: Number(found[0]), txNumber: Number(found[1]), code: Number(found[2]) }
  }

  known(txIds: readonly string[]): ReadonlySet<string> {
    const recent = this.#recent.known(txIds)
    let found: Set<string> | undefined = recent.size > 0 ? new Set(recent) : undefined
    for (const txId of txIds) {
      if (found?.has(txId) === true || !this.#isStored(txId)) continue
      found ??= new Set()
      found.add(txId)
    }
    return found ?? NONE_KNOWN
  }

  async close(): Promise<void> {
    await this.#running?.catch(() => {})
    await this.#level.close()
  }

  #isStored(txId: string): boolean {
    if (this.#absent.has(txId)) return false
    if (this.#level.getText(`t${txId}`) !== undefined) return true
    if (this.#absent.size >= MAX_ABSENT) this.#absent.clear()
    this.#absent.add(txId)
    return false
  }

  async #write(): Promise<void> {
    try {
      // The caller goes on first; what it adds in the same turn joins the batch.
      await undefined
      while (this.#waiting.length > 0) {
        this.#writing = this.#waiting
        this.#waiting = []
        const batch = this.#level.batch()
        const written = new Set<string>()
        for (const entry of this.#writing) {
          batch.put(`n${entry.number}`, `${entry.segment} ${entry.offset} ${entry.length}`, TEXT)
          batch.put(`h${hashKey(entry.hash)}`, `${entry.number}`, TEXT)
          for (const { txId, txNumber, code } of entry.transactions) {
            if (written.has(txId) || this.#isStored(txId)) continue
            written.add(txId)
            batch.put(`t${txId}`, `${entry.number} ${txNumber} ${code}`, TEXT)
          }
        }
        batch.put('c', `${this.#writing.at(-1)!.number + 1}`, TEXT)
        await this.#level.write(batch)
        for (const txId of written) this.#absent.delete(txId)
        this.#recent = new MemoryBlockIndex()
        for (const entry of this.#waiting) this.#recent.add(entry)
      }
    } catch (error) {
      this.#failed = error
      throw error
    } finally {
      this.#running = undefined
    }
  }
}
