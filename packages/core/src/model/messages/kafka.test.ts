import { expect, it } from 'vitest'
import { KafkaMessage, KafkaMetadata } from './kafka.ts'

// fabric-protos no longer carries these messages; the bytes were worked out from Fabric 1.4's orderer/kafka.proto by hand.
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

it('a regular message carries the envelope, its config sequence, class and original offset', () => {
  const bytes = hex('0a 0a  0a 02 beef  10 03  18 01  20 2a')
  const value = { payload: hex('beef'), configSeq: 3, class: 1, originalOffset: 42 }
  expect(KafkaMessage.decode(bytes)).toEqual({ regular: value, timeToCut: undefined, connect: undefined })
  expect(KafkaMessage.encode({ regular: value })).toEqual(bytes)
})

it('time-to-cut and connect are members of the same oneof', () => {
  expect(KafkaMessage.encode({ timeToCut: { blockNumber: 300 } })).toEqual(hex('12 03 08 ac 02'))
  expect(KafkaMessage.encode({ connect: {} })).toEqual(hex('1a 00'))
  expect(KafkaMessage.decode(hex('12 00 1a 00'))).toMatchObject({ timeToCut: undefined, connect: { payload: hex('') } })
})

it('metadata holds the three offsets, minus one before the first message', () => {
  const bytes = hex('08 ffffffffffffffffff01 10 05')
  expect(KafkaMetadata.decode(bytes)).toEqual({
    lastOffsetPersisted: -1,
    lastOriginalOffsetProcessed: 5,
    lastResubmittedConfigOffset: 0,
  })
  expect(KafkaMetadata.encode(KafkaMetadata.decode(bytes))).toEqual(bytes)
})
