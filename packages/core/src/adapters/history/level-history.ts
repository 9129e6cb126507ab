import type { HistoryStore, HistoryWrite } from '../../ports/history.ts'
import type { Height } from '../../ports/state-db.ts'
import { nameKey, numberKey, parseNumberKey } from '../level/keys.ts'
import { LevelStore, levelFailure } from '../level/level-store.ts'
import { HistoryError } from './errors.ts'

const FORMAT = '1'
const SAVE_POINT = 'p'
const TEXT = { valueEncoding: 'utf8' } as const

/** Key history in LevelDB. Keys: `p` save point; `h` NAMESPACE KEY BLOCK TRANSACTION, with nothing as value. */
export class LevelHistory implements HistoryStore {
  readonly #store: LevelStore
  readonly #path: string
  #savePoint: number | undefined

  private constructor(store: LevelStore, path: string) {
    this.#store = store
    this.#path = path
    const savePoint = store.getText(SAVE_POINT)
    this.#savePoint = savePoint === undefined ? undefined : Number(savePoint)
  }

  /** Opens or creates the history in a folder. Throws HistoryError; HISTORY_CORRUPT says that it can be built again from the blocks. */
  static async open(path: string): Promise<LevelHistory> {
    try {
      return new LevelHistory(
        await LevelStore.open(path, { format: FORMAT, cacheBytes: 4 << 20, writeBufferBytes: 2 << 20 }),
        path,
      )
    } catch (error) {
      throw historyError(error, path)
    }
  }

  savePoint(): number | undefined {
    return this.#savePoint
  }

  async commit(blockNumber: number, writes: readonly HistoryWrite[]): Promise<void> {
    try {
      const batch = this.#store.batch()
      for (const { namespace, key, txNumber } of writes) {
        batch.put(`h${nameKey(namespace)}${nameKey(key)}${numberKey(blockNumber)}${numberKey(txNumber)}`, '', TEXT)
      }
      batch.put(SAVE_POINT, `${blockNumber}`, TEXT)
      await this.#store.write(batch)
      this.#savePoint = blockNumber
    } catch (error) {
      throw historyError(error, this.#path)
    }
  }

  async writes(namespace: string, key: string, count: number, before?: Height): Promise<readonly Height[]> {
    const prefix = `h${nameKey(namespace)}${nameKey(key)}`
    // Number keys begin with a letter or digit, so all of them are below a tilde.
    const end = before === undefined ? `${prefix}~` : prefix + numberKey(before.blockNumber) + numberKey(before.txNumber)
    try {
      const keys = await this.#store.db.keys({ gte: prefix, lt: end, reverse: true, limit: count }).all()
      return keys.map((stored) => {
        const block = parseNumberKey(stored, prefix.length)
        return { blockNumber: block.value, txNumber: parseNumberKey(stored, block.end).value }
      })
    } catch (error) {
      throw historyError(error, this.#path)
    }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

function historyError(error: unknown, path: string): HistoryError {
  const failure = levelFailure(error)
  const data = { folder: path }
  const options = { cause: error }
  switch (failure.kind) {
    case 'locked':
      return new HistoryError('HISTORY_LOCKED', `${path} is open elsewhere`, data, options)
    case 'corrupt':
      return new HistoryError('HISTORY_CORRUPT', `${path}: ${failure.message}`, data, options)
    case 'format':
      return new HistoryError('HISTORY_FORMAT_UNKNOWN', failure.message, data, options)
    default:
      return new HistoryError('HISTORY_FAILED', `${path}: ${failure.message}`, data, options)
  }
}
