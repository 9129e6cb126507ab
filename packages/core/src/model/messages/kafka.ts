// Messages of orderer/kafka.proto as Fabric 1.4 had it; Fabric dropped Kafka in 2.0 and fabric-protos no longer carries it.
import { bytes, embed, enumeration, int64, oneof, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const KafkaMessageRegularClass = { UNKNOWN: 0, NORMAL: 1, CONFIG: 2 } as const

/** An envelope on its way through the log. */
export const KafkaMessageRegular = message('orderer.KafkaMessageRegular', {
  payload: bytes(1),
  configSeq: uint64(2),
  class: enumeration(3),
  originalOffset: int64(4),
})
export type KafkaMessageRegular = Infer<typeof KafkaMessageRegular>

/** Asks every consumer to cut the block with this number. */
export const KafkaMessageTimeToCut = message('orderer.KafkaMessageTimeToCut', { blockNumber: uint64(1) })
export type KafkaMessageTimeToCut = Infer<typeof KafkaMessageTimeToCut>

/** Posted by an orderer that starts, to find that it can write. */
export const KafkaMessageConnect = message('orderer.KafkaMessageConnect', { payload: bytes(1) })
export type KafkaMessageConnect = Infer<typeof KafkaMessageConnect>

export const KafkaMessage = message('orderer.KafkaMessage', {
  regular: oneof('type', embed(1, KafkaMessageRegular)),
  timeToCut: oneof('type', embed(2, KafkaMessageTimeToCut)),
  connect: oneof('type', embed(3, KafkaMessageConnect)),
})
export type KafkaMessage = Infer<typeof KafkaMessage>

/** Consenter metadata of a block. */
export const KafkaMetadata = message('orderer.KafkaMetadata', {
  lastOffsetPersisted: int64(1),
  lastOriginalOffsetProcessed: int64(2),
  lastResubmittedConfigOffset: int64(3),
})
export type KafkaMetadata = Infer<typeof KafkaMetadata>
