import { ContentHasher, isContentNamespace } from '../../model/content-hash.ts'
import type { StateDB } from '../../ports/state-db.ts'

/** Hash over what the chaincodes of a channel hold now, without versions; see ContentHasher. Reads the whole state. */
export async function contentHash(state: StateDB): Promise<string> {
  const hasher = new ContentHasher()
  for await (const { namespace, key, value, metadata } of state.entries()) {
    if (isContentNamespace(namespace)) hasher.add(namespace, key, value, metadata)
  }
  return hasher.digest()
}
