import { EtcdRaftBlockMetadata, type EtcdRaftConfigMetadata, SerializedIdentity } from '@heddle/core/model'
import { OrderError, type OrderingConfig, readEtcdraftMetadata, type Tip } from '@heddle/core/plugin'
import type { ConsenterIds } from '../ordering/entry-payload.ts'

/** A consenter of the channel configuration with its id. */
export interface Consenter {
  readonly id: number
  /** As the configuration names it: an address, or the node's name where no address was known. */
  readonly host: string
  /** See {@link certificateKey}. */
  readonly certificate: string
}

/** Who orders a channel from a block on. */
export interface ConsenterSet {
  readonly consenters: readonly Consenter[]
  readonly ids: ConsenterIds
}

/** What an ordering node's certificate says, apart from line breaks and the like: PEM is compared by its content. */
export function certificateKey(certificate: Uint8Array): string {
  const text = Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength).toString('latin1')
  const pem = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(text)
  return pem === null ? text : pem[1]!.replace(/\s+/g, '')
}

/** A connection proves the same identity with each message. */
const keys = new WeakMap<Uint8Array, string>()

/** Key of the certificate in a SerializedIdentity; empty for bytes that are none. */
export function certificateOf(identity: Uint8Array): string {
  let key = keys.get(identity)
  if (key === undefined) {
    key = readCertificate(identity)
    keys.set(identity, key)
  }
  return key
}

function readCertificate(identity: Uint8Array): string {
  try {
    return certificateKey(SerializedIdentity.decode(identity).idBytes)
  } catch {
    return ''
  }
}

/** The metadata of a channel's consensus type. @throws OrderError ORDER_CONFIG_REFUSED for bytes that are none */
export function metadataOf(config: OrderingConfig): EtcdRaftConfigMetadata {
  try {
    return readEtcdraftMetadata(config.consensusMetadata)
  } catch (cause) {
    throw new OrderError('ORDER_CONFIG_REFUSED', 'the consensus metadata is no etcdraft metadata', {}, { cause })
  }
}

/** Ids of the founders: 1 to n in the order of the configuration, as in Fabric. */
export function foundingIds(config: OrderingConfig): ConsenterIds {
  const { length } = metadataOf(config).consenters
  return { ids: Array.from({ length }, (_, i) => i + 1), next: length + 1 }
}

/** What the last block says: the consenters' ids and the entry that it came from. Undefined for a block that this plugin did not order. */
export function readBlockMetadata(tip: Tip): { readonly ids: ConsenterIds; readonly raftIndex: number } | undefined {
  if (tip.consenterMetadata.length === 0) return undefined
  const { consenterIds, nextConsenterId, raftIndex } = EtcdRaftBlockMetadata.decode(tip.consenterMetadata)
  return { ids: { ids: consenterIds.map(Number), next: Number(nextConsenterId) }, raftIndex: Number(raftIndex) }
}

/** Metadata of the block that an entry makes. */
export function blockMetadata({ ids, next }: ConsenterIds, raftIndex: number): Uint8Array {
  return EtcdRaftBlockMetadata.encode({ consenterIds: [...ids], nextConsenterId: next, raftIndex })
}

/** Who orders under a configuration, with the ids that the last block has. */
export function consenterSet(config: OrderingConfig, ids: ConsenterIds): ConsenterSet {
  const { consenters } = metadataOf(config)
  if (consenters.length !== ids.ids.length)
    throw new OrderError(
      'ORDER_BAD_DECISION',
      `the configuration has ${consenters.length} consenters, the block ${ids.ids.length}`,
    )
  return {
    ids,
    consenters: consenters.map(({ host, clientTlsCert }, i) => ({
      id: ids.ids[i]!,
      host,
      certificate: certificateKey(clientTlsCert),
    })),
  }
}

/** Id of the consenter with a certificate; 0 when there is none. */
export function idOf({ consenters }: ConsenterSet, certificate: string): number {
  return certificate === '' ? 0 : (consenters.find((each) => each.certificate === certificate)?.id ?? 0)
}
