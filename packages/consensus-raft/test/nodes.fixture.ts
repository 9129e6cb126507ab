import { SerializedIdentity } from '@heddle/core/model'
import type { GenesisNode } from '@heddle/core/plugin'

/** Ordering nodes as the testkit's keyed-hash identities name them. */
export function genesisNodes(names: readonly string[]): GenesisNode[] {
  return names.map((name) => ({
    name,
    mspId: 'OrdererMSP',
    identity: SerializedIdentity.encode({ mspid: 'OrdererMSP', idBytes: Buffer.from(`orderer:${name}`) }),
  }))
}
