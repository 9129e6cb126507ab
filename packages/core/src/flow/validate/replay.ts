import type { Block } from '../../model/block.ts'
import { BlockMetadataIndex, HeaderType } from '../../model/messages/common.ts'
import type { TxRwSet } from '../../model/rwset-view.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { StateReader } from '../../ports/state-db.ts'
import { BlockState } from './block-state.ts'
import { writeChannelConfig } from './config-state.ts'
import { UpdateBatch } from './update-batch.ts'
import { applyWrites } from './write-rules.ts'

/**
 * What a stored block writes, by the validation flags that are stored with it: nothing is validated again.
 *
 * @param state the state after the previous block
 */
export async function replay(block: Block, state: StateReader): Promise<UpdateBatch> {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  const endorsed = new Map<number, TxRwSet>()
  const updates = new UpdateBatch()
  for (let index = 0; index < block.data.length; index++) {
    // The genesis block of a channel may come without flags: it is valid.
    if ((flags[index] ?? TxValidationCode.VALID) !== TxValidationCode.VALID) continue
    const view = block.envelope(index)
    if (view.type === HeaderType.CONFIG) writeChannelConfig(view.data, { blockNumber: block.number, txNumber: index }, updates)
    else endorsed.set(index, view.transaction.actions[0]!.rwset())
  }
  const before = await BlockState.load(state, endorsed.values(), 'writes')
  for (const [index, rwset] of endorsed) applyWrites(rwset, { blockNumber: block.number, txNumber: index }, before, updates)
  return updates
}
