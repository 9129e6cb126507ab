import type { HistoryStore, HistoryWrite } from '../../ports/history.ts'
import type { Height } from '../../ports/state-db.ts'

/** Key history in memory: for networks whose blocks are in memory too. */
export class MemoryHistory implements HistoryStore {
  readonly #keys = new Map<string, Height[]>()
  #savePoint: number | undefined

  savePoint(): number | undefined {
    return this.#savePoint
  }

  commit(blockNumber: number, writes: readonly HistoryWrite[]): void {
    for (const { namespace, key, txNumber } of writes) {
      const name = `${namespace.length}.${namespace}${key}`
      const heights = this.#keys.get(name)
      if (heights === undefined) this.#keys.set(name, [{ blockNumber, txNumber }])
      else if (!isSame(heights.at(-1)!, blockNumber, txNumber)) heights.push({ blockNumber, txNumber })
    }
    this.#savePoint = blockNumber
  }

  writes(namespace: string, key: string, count: number, before?: Height): readonly Height[] {
    const heights = this.#keys.get(`${namespace.length}.${namespace}${key}`) ?? []
    let end = heights.length
    if (before !== undefined) {
      let low = 0
      while (low < end) {
        const middle = (low + end) >> 1
        if (isBelow(heights[middle]!, before)) low = middle + 1
        else end = middle
      }
    }
    return heights.slice(Math.max(0, end - count), end).reverse()
  }

  async close(): Promise<void> {}
}

function isSame(height: Height, blockNumber: number, txNumber: number): boolean {
  return height.blockNumber === blockNumber && height.txNumber === txNumber
}

function isBelow(a: Height, b: Height): boolean {
  return a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.txNumber < b.txNumber)
}
