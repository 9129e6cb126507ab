import type { ConfigGroup } from '../../model/messages/configtx.ts'
import {
  BlockDataHashingStructure,
  Capabilities,
  Consortium,
  HashingAlgorithm,
  OrdererAddresses,
  Orderers,
} from '../../model/messages/configuration.ts'
import { MSPConfig } from '../../model/messages/msp-config.ts'
import {
  BatchSize,
  BatchTimeout,
  ChannelRestrictions,
  ConsensusType,
  KafkaBrokers,
} from '../../model/messages/orderer-configuration.ts'
import { ACLs, AnchorPeers } from '../../model/messages/peer-configuration.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { MessageType } from '../../model/protobuf/message.ts'
import { ChannelError } from '../errors.ts'

/** Values that the groups of a config tree may have. */
export const CHANNEL_VALUES = {
  HashingAlgorithm,
  BlockDataHashingStructure,
  OrdererAddresses,
  Orderers,
  Consortium,
  Capabilities,
}
export const ORDERER_VALUES = {
  ConsensusType,
  BatchSize,
  BatchTimeout,
  KafkaBrokers,
  ChannelRestrictions,
  Orderers,
  Capabilities,
}
export const ORDERER_ORGANIZATION_VALUES = { MSP: MSPConfig, Endpoints: OrdererAddresses }
export const APPLICATION_VALUES = { ACLs, Capabilities }
export const APPLICATION_ORGANIZATION_VALUES = { MSP: MSPConfig, AnchorPeers }

type Table = Readonly<Record<string, MessageType<never>>>
type Decoded<T> = { readonly [K in keyof T]?: T[K] extends MessageType<infer V> ? V : never }

/**
 * Decodes the values of a group by a table of what it may have.
 *
 * @throws ChannelError CHANNEL_UNKNOWN_VALUE, CHANNEL_MALFORMED
 */
export function groupValues<const T extends { readonly [K in keyof T]: MessageType<never> | MessageType<object> }>(
  path: string,
  group: ConfigGroup,
  table: T,
): Decoded<T> {
  const values: Record<string, unknown> = {}
  for (const [name, { value }] of group.values) {
    const type = Object.hasOwn(table, name) ? (table as unknown as Table)[name] : undefined
    if (type === undefined)
      throw new ChannelError('CHANNEL_UNKNOWN_VALUE', `unknown value ${path}/${name}`, { path: `${path}/${name}` })
    try {
      values[name] = type.decode(value)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw new ChannelError(
        'CHANNEL_MALFORMED',
        `value ${path}/${name} does not decode: ${cause.message}`,
        { path: `${path}/${name}` },
        { cause },
      )
    }
  }
  return values as Decoded<T>
}

/** The value, or CHANNEL_MISSING_VALUE. */
export function required<V>(value: V | undefined, path: string): V {
  if (value === undefined) throw new ChannelError('CHANNEL_MISSING_VALUE', `the channel configuration lacks ${path}`, { path })
  return value
}

/** Throws CHANNEL_BAD_VALUE unless the condition holds. */
export function demand(condition: boolean, path: string, message: string): asserts condition {
  if (!condition) throw new ChannelError('CHANNEL_BAD_VALUE', `${path}: ${message}`, { path })
}
