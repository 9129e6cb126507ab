import { LogError } from './errors.ts'
import { LogRecordMessage, RECORD_VERSION } from './log-record.ts'

/*
 * The form in which orderers write records, byte for byte what LogRecordMessage encodes, written and read without an object for each: a
 * record passes every orderer once. What has another form, as a later version may write it, is read through LogRecordMessage.
 */
const VERSION_TAG = 0x08
const CLASS_TAG = 0x10
const PRODUCER_TAG = 0x1a
const SERIAL_TAG = 0x20
const SEQUENCE_TAG = 0x28
const CUT_AFTER_TAG = 0x30
const ENVELOPE_TAG = 0x3a
const BLOCK_TAG = 0x40
const CHAIN_TAG = 0x4a
/** Tags, lengths and numbers of a record at their longest. */
const MOST_FRAMING = 64

/** What is to be written. */
export interface RecordFields {
  readonly class: number
  readonly serial: number
  readonly configSequence: number
  readonly envelope: Uint8Array
  readonly blockNumber: number
}

/** Encodes the records of one producer, all of one call in one buffer; the last one may cut. */
export function encodeRecords(
  records: readonly RecordFields[],
  producer: Uint8Array,
  chain: Uint8Array,
  cutAfter: boolean,
): Uint8Array[] {
  let size = 0
  for (const { envelope } of records) size += envelope.length
  const bytes = Buffer.allocUnsafeSlow(size + records.length * (MOST_FRAMING + producer.length + chain.length))
  const encoded: Uint8Array[] = []
  let at = 0
  const last = records.length - 1
  for (let i = 0; i <= last; i++) {
    const record = records[i]!
    const start = at
    bytes[at++] = VERSION_TAG
    bytes[at++] = RECORD_VERSION
    at = writeNumber(bytes, at, CLASS_TAG, record.class)
    at = writeBytes(bytes, at, PRODUCER_TAG, producer)
    at = writeNumber(bytes, at, SERIAL_TAG, record.serial)
    at = writeNumber(bytes, at, SEQUENCE_TAG, record.configSequence)
    if (cutAfter && i === last) at = writeNumber(bytes, at, CUT_AFTER_TAG, 1)
    at = writeBytes(bytes, at, ENVELOPE_TAG, record.envelope)
    at = writeNumber(bytes, at, BLOCK_TAG, record.blockNumber)
    at = writeBytes(bytes, at, CHAIN_TAG, chain)
    encoded.push(bytes.subarray(start, at))
  }
  return encoded
}

function writeNumber(bytes: Buffer, start: number, tag: number, value: number): number {
  if (value === 0) return start
  bytes[start] = tag
  return writeVarint(bytes, start + 1, value)
}

function writeBytes(bytes: Buffer, start: number, tag: number, value: Uint8Array): number {
  if (value.length === 0) return start
  bytes[start] = tag
  const at = writeVarint(bytes, start + 1, value.length)
  bytes.set(value, at)
  return at + value.length
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

/** Reads one record after another: its fields are those of the last one read. */
export class RecordReader {
  class = 0
  serial = 0
  configSequence = 0
  cutAfter = false
  blockNumber = 0
  private bytes: Uint8Array = NOTHING
  private producerAt = 0
  private producerEnd = 0
  private envelopeAt = 0
  private envelopeEnd = 0
  private chainAt = 0
  private chainEnd = 0
  private at = 0

  /** @throws LogError LOG_CORRUPT */
  read(data: Uint8Array): void {
    this.bytes = data
    if (!this.readUsual(data)) this.readAny(data)
  }

  isBy(producer: Uint8Array): boolean {
    return isEqual(this.bytes, this.producerAt, this.producerEnd, producer)
  }

  isOf(chain: Uint8Array): boolean {
    return isEqual(this.bytes, this.chainAt, this.chainEnd, chain)
  }

  get producer(): Uint8Array {
    return this.bytes.subarray(this.producerAt, this.producerEnd)
  }

  get envelope(): Uint8Array {
    return this.bytes.subarray(this.envelopeAt, this.envelopeEnd)
  }

  get chain(): Uint8Array {
    return this.bytes.subarray(this.chainAt, this.chainEnd)
  }

  /** Fields in ascending order, each at most once; false for any other form. */
  private readUsual(bytes: Uint8Array): boolean {
    if (bytes[0] !== VERSION_TAG || bytes[1] !== RECORD_VERSION) return false
    this.at = 2
    this.class = this.numberOf(CLASS_TAG)
    if (!this.bytesOf(PRODUCER_TAG)) return false
    this.producerAt = this.from
    this.producerEnd = this.at
    this.serial = this.numberOf(SERIAL_TAG)
    this.configSequence = this.numberOf(SEQUENCE_TAG)
    const cut = this.numberOf(CUT_AFTER_TAG)
    if (!this.bytesOf(ENVELOPE_TAG)) return false
    this.envelopeAt = this.from
    this.envelopeEnd = this.at
    this.blockNumber = this.numberOf(BLOCK_TAG)
    if (!this.bytesOf(CHAIN_TAG)) return false
    this.chainAt = this.from
    this.chainEnd = this.at
    this.cutAfter = cut === 1
    return (
      this.at === bytes.length &&
      cut <= 1 &&
      this.class >= 0 &&
      this.serial >= 0 &&
      this.configSequence >= 0 &&
      this.blockNumber >= 0
    )
  }

  /** Where the bytes that were read last begin. */
  private from = 0

  /** 0 when the field is not there; below 0 for a number that is not written as usual. */
  private numberOf(tag: number): number {
    const { bytes } = this
    if (bytes[this.at] !== tag) return 0
    let value = 0
    let scale = 1
    for (let at = this.at + 1; at < bytes.length && scale < 2 ** 49; at++, scale *= 0x80) {
      const byte = bytes[at]!
      value += (byte & 0x7f) * scale
      if (byte >= 0x80) continue
      this.at = at + 1
      return value
    }
    return -1
  }

  private bytesOf(tag: number): boolean {
    this.from = this.at
    if (this.bytes[this.at] !== tag) return true
    const length = this.numberOf(tag)
    if (length < 0 || this.at + length > this.bytes.length) return false
    this.from = this.at
    this.at += length
    return true
  }

  private readAny(data: Uint8Array): void {
    let record: LogRecordMessage
    try {
      record = LogRecordMessage.decode(data)
    } catch (cause) {
      throw new LogError('LOG_CORRUPT', `a record does not decode: ${(cause as Error).message}`, {}, { cause })
    }
    if (record.version !== RECORD_VERSION) {
      throw new LogError('LOG_CORRUPT', `a record has format version ${record.version}, this orderer knows ${RECORD_VERSION}`, {
        version: record.version,
      })
    }
    const { producer, envelope, chain } = record
    this.bytes = Buffer.concat([producer, envelope, chain])
    this.producerAt = 0
    this.producerEnd = producer.length
    this.envelopeAt = producer.length
    this.envelopeEnd = producer.length + envelope.length
    this.chainAt = this.envelopeEnd
    this.chainEnd = this.bytes.length
    this.class = record.class
    this.serial = Number(record.serial)
    this.configSequence = Number(record.configSequence)
    this.blockNumber = Number(record.blockNumber)
    this.cutAfter = record.cutAfter
  }
}

const NOTHING = new Uint8Array(0)

function isEqual(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false
  return true
}
