// Messages of orderer/etcdraft/configuration.proto and metadata.proto.
import { bytes, embed, repeated, string, uint32, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const EtcdRaftConsenter = message('etcdraft.Consenter', {
  host: string(1),
  port: uint32(2),
  clientTlsCert: bytes(3),
  serverTlsCert: bytes(4),
})
export type EtcdRaftConsenter = Infer<typeof EtcdRaftConsenter>

export const EtcdRaftOptions = message('etcdraft.Options', {
  tickInterval: string(1),
  electionTick: uint32(2),
  heartbeatTick: uint32(3),
  maxInflightBlocks: uint32(4),
  snapshotIntervalSize: uint32(5),
})
export type EtcdRaftOptions = Infer<typeof EtcdRaftOptions>

export const EtcdRaftConfigMetadata = message('etcdraft.ConfigMetadata', {
  consenters: repeated(embed(1, EtcdRaftConsenter)),
  options: embed(2, EtcdRaftOptions),
})
export type EtcdRaftConfigMetadata = Infer<typeof EtcdRaftConfigMetadata>

export const EtcdRaftBlockMetadata = message('etcdraft.BlockMetadata', {
  consenterIds: repeated(uint64(1)),
  nextConsenterId: uint64(2),
  raftIndex: uint64(3),
})
export type EtcdRaftBlockMetadata = Infer<typeof EtcdRaftBlockMetadata>

export const EtcdRaftClusterMetadata = message('etcdraft.ClusterMetadata', {
  activeNodes: repeated(uint64(1)),
})
export type EtcdRaftClusterMetadata = Infer<typeof EtcdRaftClusterMetadata>
