import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { Conflict } from './mvcc.ts'
import type { Structure } from './transaction-structure.ts'
import type { UpdateBatch } from './update-batch.ts'

/** Event that a valid transaction's chaincode set. */
export interface ValidChaincodeEvent {
  readonly blockNumber: number
  readonly txNumber: number
  readonly txId: string
  readonly chaincode: string
  readonly name: string
  readonly payload: Uint8Array
}

/** The verdict on a block: everything a commit needs. */
export class ValidatedBlock {
  readonly block: Block
  /** One TxValidationCode a transaction: the block's TRANSACTIONS_FILTER metadata. */
  readonly flags: Uint8Array
  /** What the valid transactions write. */
  readonly updates: UpdateBatch
  /** The configuration from this block on, when it carries a valid config transaction. */
  readonly nextConfig: ChannelConfig | undefined
  /** By transaction number, of those that lost to another transaction. */
  readonly conflicts: ReadonlyMap<number, Conflict>
  private readonly structures: readonly Structure[]

  constructor(parts: {
    block: Block
    flags: Uint8Array
    updates: UpdateBatch
    nextConfig: ChannelConfig | undefined
    conflicts: ReadonlyMap<number, Conflict>
    structures: readonly Structure[]
  }) {
    this.block = parts.block
    this.flags = parts.flags
    this.updates = parts.updates
    this.nextConfig = parts.nextConfig
    this.conflicts = parts.conflicts
    this.structures = parts.structures
  }

  /** As the header states it; empty when it cannot be read. */
  txId(txNumber: number): string {
    const { view } = this.structures[txNumber]!
    try {
      return view.txId
    } catch (error) {
      if (error instanceof DecodeError) return ''
      throw error
    }
  }

  /** By transaction number; see `txId`. */
  get txIds(): string[] {
    return this.structures.map((_, txNumber) => this.txId(txNumber))
  }

  /** Chaincode events of the valid transactions, in order. */
  events(): ValidChaincodeEvent[] {
    const events: ValidChaincodeEvent[] = []
    for (let i = 0; i < this.structures.length; i++) {
      const { endorsed } = this.structures[i]!
      if (this.flags[i] !== TxValidationCode.VALID || endorsed === undefined || endorsed.action.events.length === 0) continue
      const { eventName, payload } = endorsed.action.event
      const { txId, chaincode } = endorsed
      events.push({ blockNumber: this.block.number, txNumber: i, txId, chaincode, name: eventName, payload })
    }
    return events
  }
}
