import type { Version } from '../../model/messages/kv-rwset.ts'
import type { Height } from '../../ports/state-db.ts'

/** Whether a recorded version is that of a value now; both absent counts as the same. */
export function sameVersion(current: Height | undefined, recorded: Version | undefined): boolean {
  if (current === undefined || recorded === undefined) return current === undefined && recorded === undefined
  return current.blockNumber === recorded.blockNum && current.txNumber === recorded.txNum
}
