import type { BlockCutter, OrderingConfig } from '../../ports/ordering-service.ts'

/**
 * Fabric's batch limits as a pure state machine:
 * - an item over `preferredMaxBytes` first cuts what waits, then stands alone;
 * - an item that would take the batch over `preferredMaxBytes` cuts what waits, then begins the next batch;
 * - the batch that reaches `maxMessageCount` is cut.
 *
 * Limits are read anew for each item, so that a configuration takes effect without a new cutter.
 * Source of the rules: orderer/common/blockcutter of Hyperledger Fabric.
 */
export class BatchCutter<T> implements BlockCutter<T> {
  private items: T[] = []
  private bytes = 0
  private readonly limits: () => OrderingConfig['batchSize']

  constructor(limits: () => OrderingConfig['batchSize']) {
    this.limits = limits
  }

  get pending(): number {
    return this.items.length
  }

  get pendingBytes(): number {
    return this.bytes
  }

  get oldest(): T | undefined {
    return this.items[0]
  }

  ordered(item: T, size: number): readonly (readonly T[])[] {
    const { maxMessageCount, preferredMaxBytes } = this.limits()
    if (size > preferredMaxBytes) return this.items.length === 0 ? [[item]] : [this.cut(), [item]]
    const overflown = this.items.length > 0 && this.bytes + size > preferredMaxBytes ? this.cut() : undefined
    this.items.push(item)
    this.bytes += size
    const full = this.items.length >= maxMessageCount ? this.cut() : undefined
    if (overflown === undefined) return full === undefined ? NONE : [full]
    return full === undefined ? [overflown] : [overflown, full]
  }

  cut(): readonly T[] {
    const batch = this.items
    this.items = []
    this.bytes = 0
    return batch
  }
}

const NONE: readonly never[] = []
