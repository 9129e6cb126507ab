import type { AttributeValue, Name } from '@peculiar/asn1-x509'
import { badDer, toDer } from '../crypto/asn1.ts'

/** Subject or issuer of a certificate. */
export interface DistinguishedName {
  /** The DER element: names are equal when these bytes are. */
  readonly raw: Uint8Array
  readonly commonName: string
  readonly organizationalUnits: readonly string[]
}

const COMMON_NAME = '2.5.4.3'
const ORGANIZATIONAL_UNIT = '2.5.4.11'

/** What an MSP needs of a name. Throws CRYPTO_BAD_DER when one of its parts is no text. */
export function distinguishedName(name: Name): DistinguishedName {
  let commonName = ''
  const organizationalUnits: string[] = []
  for (const set of name)
    for (const { type, value } of set) {
      if (type === COMMON_NAME) commonName = textOf(value)
      else if (type === ORGANIZATIONAL_UNIT) organizationalUnits.push(textOf(value))
    }
  return { raw: toDer(name), commonName, organizationalUnits }
}

function textOf(value: AttributeValue): string {
  if (value.anyValue !== undefined) throw badDer('name', 'a string of unknown type')
  return value.toString()
}
