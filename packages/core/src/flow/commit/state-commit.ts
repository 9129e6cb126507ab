import type { Block } from '../../model/block.ts'
import type { Height, StateDB } from '../../ports/state-db.ts'
import type { UpdateBatch } from '../validate/update-batch.ts'
import { PrivateExpiry } from './private-expiry.ts'

/** Writes the updates of blocks, in order, to a state database: one atomic batch a block, with its save point. */
export class StateCommit {
  private readonly state: StateDB
  private readonly expiry: PrivateExpiry

  constructor(state: StateDB) {
    this.state = state
    this.expiry = new PrivateExpiry(state)
  }

  /** To be called once, on the opened state. */
  async open(): Promise<void> {
    await this.expiry.open()
  }

  async commit(block: Block, updates: UpdateBatch): Promise<void> {
    const writes = updates.writes()
    const expiry = this.expiry.writes(block.number, updates)
    if (expiry !== undefined) for (const write of await expiry) writes.push(write)
    const done = this.state.commit(writes, savePointOf(block))
    if (done instanceof Promise) await done
  }
}

/** Height of a block's last transaction. */
export function savePointOf(block: Block): Height {
  return { blockNumber: block.number, txNumber: Math.max(0, block.data.length - 1) }
}
