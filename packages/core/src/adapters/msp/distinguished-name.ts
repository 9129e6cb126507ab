import type { DerReader } from '../crypto/der-reader.ts'
import { Tag } from '../crypto/der-reader.ts'
import { CryptoError } from '../crypto/errors.ts'

/** Subject or issuer of a certificate. */
export interface DistinguishedName {
  /** The DER element: names are equal when these bytes are. */
  readonly raw: Uint8Array
  readonly commonName: string
  readonly organizationalUnits: readonly string[]
}

const COMMON_NAME = '2.5.4.3'
const ORGANIZATIONAL_UNIT = '2.5.4.11'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Text of a directory string. Throws CRYPTO_BAD_DER. */
function readString(reader: DerReader): string {
  const { tag } = reader
  const content = reader.enter(tag).content()
  switch (tag) {
    case Tag.UTF8_STRING:
      try {
        return utf8.decode(content)
      } catch (error) {
        throw new CryptoError('CRYPTO_BAD_DER', 'a name is not valid UTF-8', {}, { cause: error })
      }
    case Tag.PRINTABLE_STRING:
    case Tag.IA5_STRING:
    case Tag.NUMERIC_STRING:
    case Tag.T61_STRING:
      return Buffer.from(content).toString('latin1')
    case Tag.BMP_STRING:
      if (content.length % 2 !== 0) throw new CryptoError('CRYPTO_BAD_DER', 'a BMPString has an odd length')
      return Buffer.from(content).swap16().toString('utf16le')
    default:
      throw new CryptoError('CRYPTO_BAD_DER', `a name has a string of unknown type 0x${tag.toString(16)}`, { tag })
  }
}

/** Reads a Name. Throws CRYPTO_BAD_DER. */
export function readName(reader: DerReader): DistinguishedName {
  const start = reader.position
  const name = reader.enter(Tag.SEQUENCE)
  const raw = reader.bytes.subarray(start, reader.position)
  let commonName = ''
  const organizationalUnits: string[] = []
  while (!name.isDone) {
    const set = name.enter(Tag.SET)
    while (!set.isDone) {
      const pair = set.enter(Tag.SEQUENCE)
      const type = pair.oid()
      if (type === COMMON_NAME) commonName = readString(pair)
      else if (type === ORGANIZATIONAL_UNIT) organizationalUnits.push(readString(pair))
      else pair.element()
      pair.finish()
    }
  }
  return { raw, commonName, organizationalUnits }
}
