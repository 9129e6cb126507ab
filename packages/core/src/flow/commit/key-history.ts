import type { Block } from '../../model/block.ts'
import { BlockMetadataIndex, HeaderType } from '../../model/messages/common.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { BlockStore } from '../../ports/block-store.ts'
import type { HistoryStore, HistoryWrite } from '../../ports/history.ts'
import type { Height } from '../../ports/state-db.ts'

/** One change of a key. */
export interface KeyChange {
  readonly txId: string
  readonly value: Uint8Array
  /** The client's header timestamp. */
  readonly timestamp: { readonly seconds: number; readonly nanos: number }
  readonly isDelete: boolean
}

/** Positions fetched from the store at a time. */
const PAGE = 100

/** What the history keeps of a stored block: each public key that a valid transaction wrote or deleted. */
export function historyWrites(block: Block): HistoryWrite[] {
  const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
  const writes: HistoryWrite[] = []
  for (let txNumber = 0; txNumber < block.data.length; txNumber++) {
    if (flags[txNumber] !== TxValidationCode.VALID) continue
    const view = block.envelope(txNumber)
    if (view.type !== HeaderType.ENDORSER_TRANSACTION) continue
    for (const { namespace, kv } of view.transaction.actions[0]!.rwset().namespaces) {
      for (const { key } of kv.writes) writes.push({ namespace, key, txNumber })
    }
  }
  return writes
}

/** Changes of a key, newest first, with the values read from the blocks. */
export async function* keyHistory(
  history: HistoryStore,
  blocks: BlockStore,
  namespace: string,
  key: string,
): AsyncIterable<KeyChange> {
  let before: Height | undefined
  for (;;) {
    const page = await history.writes(namespace, key, PAGE, before)
    for (const height of page) {
      const change = changeAt(await blocks.get(height.blockNumber), height, namespace, key)
      if (change !== undefined) yield change
    }
    if (page.length < PAGE) return
    before = page.at(-1)
  }
}

function changeAt(block: Block | undefined, { txNumber }: Height, namespace: string, key: string): KeyChange | undefined {
  const view = block?.envelope(txNumber)
  const rwset = view?.transaction.actions[0]?.rwset().namespaces.find((each) => each.namespace === namespace)
  const write = rwset?.kv.writes.findLast((each) => each.key === key)
  if (view === undefined || write === undefined) return undefined
  const { seconds, nanos } = view.channelHeader.timestamp ?? { seconds: 0, nanos: 0 }
  const isDelete = write.isDelete || write.value.length === 0
  return { txId: view.txId, value: write.value, timestamp: { seconds: Number(seconds), nanos }, isDelete }
}
