import { EtcdRaftConfigMetadata, type EtcdRaftOptions } from '../../model/messages/etcdraft.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Input } from '../../model/protobuf/message.ts'
import { ChannelError } from '../errors.ts'

/** A node of a Raft ordering service, as Fabric's etcdraft metadata names it. */
export interface RaftConsenter {
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly clientTlsCert: Uint8Array
  /** PEM. */
  readonly serverTlsCert: Uint8Array
}

/** Fabric's defaults (sampleconfig/configtx.yaml). */
export const DEFAULT_RAFT_OPTIONS: EtcdRaftOptions = Object.freeze({
  tickInterval: '500ms',
  electionTick: 10,
  heartbeatTick: 1,
  maxInflightBlocks: 5,
  snapshotIntervalSize: 16 * 1024 * 1024,
})

/** Metadata of consensus type `etcdraft`. (`solo` and `kafka` have none: their metadata is empty.) */
export function etcdraftMetadata(consenters: readonly RaftConsenter[], options: Input<EtcdRaftOptions> = {}): Uint8Array {
  return EtcdRaftConfigMetadata.encode({ consenters, options: { ...DEFAULT_RAFT_OPTIONS, ...options } })
}

/** Reads what {@link etcdraftMetadata} writes. Throws ChannelError CHANNEL_MALFORMED. */
export function readEtcdraftMetadata(metadata: Uint8Array): EtcdRaftConfigMetadata {
  try {
    return EtcdRaftConfigMetadata.decode(metadata)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ChannelError('CHANNEL_MALFORMED', 'the consensus metadata is no etcdraft metadata', {}, { cause })
  }
}
