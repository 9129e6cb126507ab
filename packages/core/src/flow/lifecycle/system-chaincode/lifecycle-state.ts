import { implicitCollection, LIFECYCLE_NAMESPACE } from '../../../model/namespace.ts'
import type { Scan } from '../../endorse/range-scan.ts'
import type { TransactionSimulator } from '../../endorse/simulator.ts'
import type { HashedState, WritableState } from './records.ts'

/** The channel's public lifecycle state, through a simulation. */
export function publicState(simulator: TransactionSimulator): WritableState {
  return {
    get: (key) => simulator.getState(LIFECYCLE_NAMESPACE, key),
    put: (key, value) => simulator.putState(LIFECYCLE_NAMESPACE, key, value),
    delete: (key) => simulator.deleteState(LIFECYCLE_NAMESPACE, key),
  }
}

/** The state that an organisation keeps to itself, of which the channel has hashes. */
export function organizationState(simulator: TransactionSimulator, mspId: string): WritableState & HashedState {
  const collection = implicitCollection(mspId)
  return {
    get: (key) => simulator.getPrivateData(LIFECYCLE_NAMESPACE, collection, key),
    getHash: (key) => simulator.getPrivateDataHash(LIFECYCLE_NAMESPACE, collection, key),
    put: (key, value) => simulator.putPrivateData(LIFECYCLE_NAMESPACE, collection, key, value),
    delete: (key) => simulator.putPrivateData(LIFECYCLE_NAMESPACE, collection, key, undefined),
  }
}

/** All public entries below a prefix, as Fabric reads them: up to the prefix and U+007F. */
export async function entriesBelow(simulator: TransactionSimulator, prefix: string): Promise<Map<string, Uint8Array>> {
  const scan: Scan = simulator.range(LIFECYCLE_NAMESPACE, prefix, `${prefix}\u007f`)
  const entries = new Map<string, Uint8Array>()
  for (;;) {
    const { results, more } = await scan.next()
    for (const { key, value } of results) entries.set(key, value)
    if (!more) return entries
  }
}
