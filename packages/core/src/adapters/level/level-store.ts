import { type ChainedBatch, ClassicLevel } from 'classic-level'

/** Why a store could not be opened or used. The adapters make typed errors of it. */
export type LevelFailureKind = 'locked' | 'corrupt' | 'format' | 'closed' | 'failed'

export class LevelFailure extends Error {
  readonly kind: LevelFailureKind

  constructor(kind: LevelFailureKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'LevelFailure'
    this.kind = kind
  }
}

export interface LevelStoreOptions {
  /** Format of what the adapter writes; another one in the folder is refused. */
  readonly format: string
  /** Bytes of LevelDB's own cache of uncompressed blocks. */
  readonly cacheBytes: number
  /** Bytes of a write buffer; up to two are in memory. */
  readonly writeBufferBytes: number
}

export type LevelBatch = ChainedBatch<ClassicLevel<string, Buffer>, string, Buffer>

/** Batches that leave a mark. */
const MARKS = 4096
const UTF8 = { valueEncoding: 'utf8' } as const

/**
 * LevelDB with string keys, as the adapters use it. Keys that begin with U+0000 are its own.
 *
 * Batches are not synced, as the block files stand behind everything here. But when power fails, an unsynced log may lose a batch and
 * keep a later one, and LevelDB reads over such a hole in silence. Therefore every batch leaves a mark with its number, in a ring of
 * 4,096; a missing mark makes the store refuse to open.
 */
export class LevelStore {
  readonly db: ClassicLevel<string, Buffer>
  #count: number

  private constructor(db: ClassicLevel<string, Buffer>, count: number) {
    this.db = db
    this.#count = count
  }

  /** Opens or creates a store. Throws LevelFailure. */
  static async open(path: string, options: LevelStoreOptions): Promise<LevelStore> {
    const db = new ClassicLevel<string, Buffer>(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      cacheSize: options.cacheBytes,
      writeBufferSize: options.writeBufferBytes,
      // Open tables keep their indexes and filters in memory: few and larger ones bound that.
      maxOpenFiles: 128,
      maxFileSize: 8 << 20,
    })
    try {
      await db.open()
    } catch (error) {
      throw levelFailure((error as Error).cause ?? error)
    }
    try {
      const format = db.getSync('\0f')?.toString()
      if (format === undefined) await db.put('\0f', Buffer.from(options.format))
      else if (format !== options.format) {
        throw new LevelFailure('format', `${path} has format ${format}; this version reads format ${options.format}`)
      }
      return new LevelStore(db, await checkMarks(db, path))
    } catch (error) {
      await db.close()
      throw levelFailure(error)
    }
  }

  get(key: string): Buffer | undefined {
    return this.db.getSync(key)
  }

  getText(key: string): string | undefined {
    return this.db.getSync<string, string>(key, UTF8)
  }

  batch(): LevelBatch {
    return this.db.batch()
  }

  /** Writes a batch, all or nothing. Batches are written one after the other. */
  async write(batch: LevelBatch): Promise<void> {
    const number = ++this.#count
    batch.put(`\0m${number % MARKS}`, `${number}`, UTF8)
    batch.put('\0c', `${number}`, UTF8)
    await batch.write()
  }

  /** Closes the store, its write buffer emptied into tables: so that opening has no log to read again. */
  async close(): Promise<void> {
    // Compacting a range that holds nothing but an own key empties the write buffer first, and is cheap.
    if (this.db.status === 'open') await this.db.compactRange('\0c', '\0c')
    await this.db.close()
  }
}

/** Number of batches so far, when all recent ones have left their mark. */
async function checkMarks(db: ClassicLevel<string, Buffer>, path: string): Promise<number> {
  const count = Number(db.getSync('\0c')?.toString() ?? 0)
  const marks = new Set<number>()
  for await (const value of db.values({ gte: '\0m', lt: '\0n' })) marks.add(Number(value.toString()))
  for (let number = Math.max(1, count - MARKS + 1); number <= count; number++) {
    if (!marks.has(number)) throw new LevelFailure('corrupt', `${path} has lost batch ${number} of ${count}`)
  }
  return count
}

/** Classifies an error of classic-level. */
export function levelFailure(error: unknown): LevelFailure {
  if (error instanceof LevelFailure) return error
  const { code, message } = error as { code?: string; message: string }
  const kind: LevelFailureKind =
    code === 'LEVEL_LOCKED'
      ? 'locked'
      : code === 'LEVEL_CORRUPTION' || /does not exist|missing files|No such file|Corruption/i.test(message)
        ? 'corrupt'
        : code === 'LEVEL_DATABASE_NOT_OPEN'
          ? 'closed'
          : 'failed'
  return new LevelFailure(kind, message, error)
}
