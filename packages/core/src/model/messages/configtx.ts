// Messages of common/configtx.proto.

import { bytes, embed, embedLazy, type Long, mapOf, repeated, string, uint64 } from '../protobuf/field.ts'
import { type Infer, type MessageType, message } from '../protobuf/message.ts'
import { Envelope } from './common.ts'
import { Policy } from './policies.ts'

export const ConfigValue = message('common.ConfigValue', {
  version: uint64(1),
  value: bytes(2),
  modPolicy: string(3),
})
export type ConfigValue = Infer<typeof ConfigValue>

export const ConfigPolicy = message('common.ConfigPolicy', {
  version: uint64(1),
  policy: embed(2, Policy),
  modPolicy: string(3),
})
export type ConfigPolicy = Infer<typeof ConfigPolicy>

export interface ConfigGroup {
  version: Long
  groups: Map<string, ConfigGroup>
  values: Map<string, ConfigValue>
  policies: Map<string, ConfigPolicy>
  modPolicy: string
}
export const ConfigGroup: MessageType<ConfigGroup> = message('common.ConfigGroup', {
  version: uint64(1),
  groups: mapOf(
    2,
    embedLazy(2, () => ConfigGroup),
  ),
  values: mapOf(3, embed(2, ConfigValue)),
  policies: mapOf(4, embed(2, ConfigPolicy)),
  modPolicy: string(5),
})

export const Config = message('common.Config', {
  sequence: uint64(1),
  channelGroup: embed(2, ConfigGroup),
})
export type Config = Infer<typeof Config>

export const ConfigEnvelope = message('common.ConfigEnvelope', {
  config: embed(1, Config),
  lastUpdate: embed(2, Envelope),
})
export type ConfigEnvelope = Infer<typeof ConfigEnvelope>

export const ConfigSignature = message('common.ConfigSignature', {
  signatureHeader: bytes(1),
  signature: bytes(2),
})
export type ConfigSignature = Infer<typeof ConfigSignature>

export const ConfigUpdateEnvelope = message('common.ConfigUpdateEnvelope', {
  configUpdate: bytes(1),
  signatures: repeated(embed(2, ConfigSignature)),
})
export type ConfigUpdateEnvelope = Infer<typeof ConfigUpdateEnvelope>

export const ConfigUpdate = message('common.ConfigUpdate', {
  channelId: string(1),
  readSet: embed(2, ConfigGroup),
  writeSet: embed(3, ConfigGroup),
  isolatedData: mapOf(5, bytes(2)),
})
export type ConfigUpdate = Infer<typeof ConfigUpdate>
