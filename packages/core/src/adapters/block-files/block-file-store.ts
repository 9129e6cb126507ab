import { Block } from '../../model/block.ts'
import { BlockMetadataIndex } from '../../model/messages/common.ts'
import { ledgerTransactionId } from '../../model/transaction-id.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { BlockStore, TransactionLocation } from '../../ports/block-store.ts'
import type { Disk } from '../../ports/disk.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Random } from '../../ports/random.ts'
import { DiskError } from '../disk/errors.ts'
import type { LevelFailure } from '../level/level-store.ts'
import { BlockCache } from './block-cache.ts'
import { type BlockIndex, type IndexEntry, NONE_KNOWN } from './block-index.ts'
import { BlockStoreError } from './errors.ts'
import { encodeFrameHeader, FRAME_HEADER } from './frame.ts'
import type { LevelBlockIndex } from './level-index.ts'
import { MemoryBlockIndex } from './memory-index.ts'
import { decode, recover } from './recover.ts'
import { type BlockLocation, createSegment, openSegment, readFrame, type Segment } from './segment.ts'

export interface BlockFilesOptions {
  /** A file that has reached this many bytes is followed by a new one. Default 64 MiB: few files, and none that is slow to copy. */
  readonly segmentBytes?: number
  /** Recent blocks kept decoded, in serialized bytes. Default 8 MiB: what slow readers of the newest blocks ask for. */
  readonly cacheBytes?: number
  /** Whether transactions can be found by id. Default true; an orderer does without. */
  readonly transactions?: boolean
}

export interface BlockFilesPlace {
  readonly disk: Disk
  /** Folder for the block files; the index stands beside it, as `FOLDER-index`. */
  readonly folder: string
  readonly random: Random
  readonly logger: Logger
}

const DEFAULTS: Required<BlockFilesOptions> = { segmentBytes: 64 << 20, cacheBytes: 8 << 20, transactions: true }
/** Older files that stay open for reading. */
const MAX_OPEN_FILES = 16

/**
 * Blocks in append-only files.
 *
 * Appending is pipelined: a block may be appended while the sync of the one before it is under way, and calls that wait share a sync. A
 * block shows (`height`, `get`) when it is durable, not before.
 */
export class BlockFileStore implements BlockStore {
  readonly #place: BlockFilesPlace
  readonly #options: Required<BlockFilesOptions>
  readonly #index: BlockIndex
  readonly #cache: BlockCache
  readonly #older = new Map<number, Promise<Segment>>()
  #segment: Segment | undefined
  /** Set while a new file is begun; appends wait for it in turn. */
  #rolling: Promise<void> | undefined
  #height: number
  #lastHash: Uint8Array | undefined
  #next: number
  #tailHash: Uint8Array | undefined
  #failed: Error | undefined
  #closed = false

  private constructor(
    place: BlockFilesPlace,
    options: Required<BlockFilesOptions>,
    index: BlockIndex,
    cache: BlockCache,
    at: { height: number; lastHash: Uint8Array | undefined; last: Segment | undefined },
  ) {
    this.#place = place
    this.#options = options
    this.#index = index
    this.#cache = cache
    this.#segment = at.last
    this.#height = at.height
    this.#lastHash = at.lastHash
    this.#next = at.height
    this.#tailHash = at.lastHash
  }

  /** Opens or creates a store; repairs what a crash left. Throws BlockStoreError or DiskError. */
  static async open(place: BlockFilesPlace, given: BlockFilesOptions = {}): Promise<BlockFileStore> {
    const options = { ...DEFAULTS, ...given }
    const { disk, folder, logger } = place
    await disk.makeFolder(folder)
    const index = await openIndex(place)
    try {
      const cache = new BlockCache(options.cacheBytes)
      const at = await recover(disk, folder, index, logger, (block, scanned) =>
        index.add(entryOf(block, scanned, options.transactions)),
      )
      return new BlockFileStore(place, options, index, cache, at)
    } catch (error) {
      await index.close()
      throw error
    }
  }

  get height(): number {
    return this.#height
  }

  get lastHash(): Uint8Array | undefined {
    return this.#lastHash
  }

  append(block: Block): Promise<void> {
    return this.appendAll([block])
  }

  async appendAll(blocks: readonly Block[]): Promise<void> {
    this.#check()
    if (blocks.length === 0) return
    this.#accept(blocks)
    try {
      while (this.#rolling !== undefined) await this.#rolling
      let segment = this.#segment
      if (segment === undefined || segment.file.size >= this.#options.segmentBytes) {
        this.#rolling = this.#roll(blocks[0]!.number)
        await this.#rolling
        // Not earlier, in the roll itself: a call that came in between would overtake this one.
        this.#rolling = undefined
        segment = this.#segment!
      }
      const entries = await this.#write(segment, blocks)
      await segment.file.datasync()
      if (this.#failed !== undefined) throw this.#failed
      const last = blocks.at(-1)!
      this.#height = last.number + 1
      this.#lastHash = last.hash()
      let busy: Promise<void> | undefined
      for (let i = 0; i < blocks.length; i++) {
        this.#cache.add(blocks[i]!, entries[i]!.length)
        busy = this.#index.add(entries[i]!) ?? busy
      }
      if (busy !== undefined) await busy
    } catch (error) {
      this.#failed ??= new BlockStoreError(
        'LEDGER_WRITE_FAILED',
        `block ${blocks[0]!.number} could not be stored: ${(error as Error).message}`,
        { block: blocks[0]!.number },
        { cause: error },
      )
      throw this.#failed
    }
  }

  async get(number: number): Promise<Block | undefined> {
    if (this.#closed) throw closed()
    if (!Number.isSafeInteger(number) || number < 0 || number >= this.#height) return undefined
    const cached = this.#cache.get(number)
    if (cached !== undefined) return cached
    const location = this.#index.block(number)
    if (location === undefined)
      throw new BlockStoreError('LEDGER_BLOCK_CORRUPT', `block ${number} is not in the index`, { block: number })
    for (;;) {
      const segment = await this.#segmentOf(location)
      try {
        const content = await readFrame(segment, location, number)
        const block = decode(segment, { ...location, number, content })
        this.#cache.add(block, content.length)
        return block
      } catch (error) {
        // The file was put away between finding and reading it, for others that were read meanwhile.
        if (this.#closed || (error as { code?: string }).code !== 'DISK_CLOSED') throw error
      }
    }
  }

  async byHash(hash: Uint8Array): Promise<Block | undefined> {
    if (this.#closed) throw closed()
    const number = this.#index.numberOf(hash)
    return number === undefined ? undefined : this.get(number)
  }

  async transaction(txId: string): Promise<TransactionLocation | undefined> {
    if (this.#closed) throw closed()
    return this.#index.transaction(txId)
  }

  knownTransactions(txIds: readonly string[]): ReadonlySet<string> {
    if (this.#closed) throw closed()
    return txIds.length === 0 ? NONE_KNOWN : this.#index.known(txIds)
  }

  async *read(from: number, to = Number.POSITIVE_INFINITY): AsyncIterable<Block> {
    const end = Math.min(to, this.#height - 1)
    for (let number = from; number <= end; number++) {
      const block = await this.get(number)
      if (block === undefined) return
      yield block
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#rolling?.catch(() => {})
    for (const opening of this.#older.values()) await (await opening.catch(() => undefined))?.file.close()
    // Waits for syncs under way, so that what was appended is either durable or was refused.
    await this.#segment?.file.close()
    await this.#index.close()
  }

  /** Checks that the blocks continue the chain, and takes their numbers. */
  #accept(blocks: readonly Block[]): void {
    let next = this.#next
    let hash = this.#tailHash
    for (const block of blocks) {
      if (block.number !== next) {
        const data = { block: block.number, expected: next }
        throw new BlockStoreError('LEDGER_OUT_OF_ORDER', `block ${block.number} where block ${next} belongs`, data)
      }
      if (hash !== undefined && Buffer.compare(block.header.previousHash, hash) !== 0) {
        throw new BlockStoreError('LEDGER_OUT_OF_ORDER', `block ${next} does not follow the hash of block ${next - 1}`, {
          block: next,
        })
      }
      hash = block.hash()
      next++
    }
    this.#next = next
    this.#tailHash = hash
  }

  async #write(segment: Segment, blocks: readonly Block[]): Promise<IndexEntry[]> {
    const chunks: Uint8Array[] = []
    const lengths: number[] = []
    for (const block of blocks) {
      const content = block.encodedParts()
      chunks.push(encodeFrameHeader(content, block.number, this.#height, segment.salt), ...content)
      lengths.push(content[0].length + content[1].length)
    }
    // Not awaited where the disk answers at once: the next append must not come before this one's bytes.
    const appended = segment.file.append(chunks)
    let offset = typeof appended === 'number' ? appended : await appended
    return blocks.map((block, i) => {
      const length = lengths[i]!
      const entry = entryOf(block, { segment: segment.index, offset, length }, this.#options.transactions)
      offset += FRAME_HEADER + length
      return entry
    })
  }

  async #roll(first: number): Promise<void> {
    const full = this.#segment
    // Only the last file may have an end that is not durable: recovery counts on it.
    await full?.file.datasync()
    const { disk, folder, random } = this.#place
    this.#segment = await createSegment(disk, folder, full === undefined ? 0 : full.index + 1, first, random)
    if (full !== undefined) this.#keep(full.index, Promise.resolve(full))
  }

  #segmentOf(location: BlockLocation): Promise<Segment> | Segment {
    const current = this.#segment
    if (current?.index === location.segment) return current
    const open = this.#older.get(location.segment)
    if (open !== undefined) {
      this.#older.delete(location.segment)
      this.#older.set(location.segment, open)
      return open
    }
    const { disk, folder } = this.#place
    const opening = openSegment(disk, folder, location.segment).then((segment) => {
      if (segment === undefined)
        throw new BlockStoreError('LEDGER_BLOCK_CORRUPT', 'a block file lost its header', { ...location })
      return segment
    })
    opening.catch(() => this.#older.delete(location.segment))
    this.#keep(location.segment, opening)
    return opening
  }

  #keep(index: number, segment: Promise<Segment>): void {
    this.#older.set(index, segment)
    for (const [oldest, opened] of this.#older) {
      if (this.#older.size <= MAX_OPEN_FILES) break
      this.#older.delete(oldest)
      void opened.then(({ file }) => file.close()).catch(() => {})
    }
  }

  #check(): void {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#closed) throw closed()
  }
}

function closed(): BlockStoreError {
  return new BlockStoreError('LEDGER_CLOSED', 'the block store is closed')
}

async function openIndex({ disk, folder, logger }: BlockFilesPlace): Promise<BlockIndex> {
  const path = disk.realPath(`${folder}-index`)
  if (path === undefined) return new MemoryBlockIndex()
  // LevelDB's native code is loaded only where it is used.
  const { LevelBlockIndex: Level } = await import('./level-index.ts')
  let index: LevelBlockIndex | undefined
  try {
    index = await Level.open(path)
  } catch (error) {
    const { kind, message } = error as LevelFailure
    const options = { cause: error }
    if (kind === 'locked') throw new DiskError('DISK_LOCKED', `${path} is in use by another process`, { folder: path }, options)
    throw new DiskError('DISK_FAILED', `the block index ${path} cannot be opened: ${message}`, { folder: path }, options)
  }
  if (index !== undefined) return index
  logger.warn({ folder: path }, 'the block index is not usable and is built again from the block files')
  await disk.remove(`${folder}-index`)
  const fresh = await Level.open(path)
  if (fresh === undefined)
    throw new BlockStoreError('LEDGER_WRITE_FAILED', `cannot create the block index ${path}`, { folder: path })
  return fresh
}

function entryOf(block: Block, location: BlockLocation, withTransactions: boolean): IndexEntry {
  const { segment, offset, length } = location
  const transactions = withTransactions ? transactionsOf(block) : []
  return { number: block.number, hash: block.hash(), segment, offset, length, transactions }
}

function transactionsOf(block: Block): IndexEntry['transactions'] {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  const transactions: { txId: string; txNumber: number; code: number }[] = []
  for (let txNumber = 0; txNumber < block.data.length; txNumber++) {
    // A malformed one has a place in the block and no id.
    const txId = ledgerTransactionId(block.envelope(txNumber))
    if (txId !== undefined) transactions.push({ txId, txNumber, code: flags[txNumber] ?? TxValidationCode.NOT_VALIDATED })
  }
  return transactions
}
