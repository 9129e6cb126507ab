import { ChaincodeError } from '../../ports/chaincode-errors.ts'

const SEPARATOR = '\u0000'
/** Greatest code point: nothing sorts after a key that goes on with it. */
const LAST = '\u{10ffff}'

/** Text that a range with an empty start begins at, so that composite keys stay hidden from it. */
export const FIRST_SIMPLE_KEY = '\u0001'

/** Key of a thing with several parts: U+0000, type, U+0000, and each attribute followed by U+0000. */
export function createCompositeKey(objectType: string, attributes: readonly string[]): string {
  checkPart(objectType, 'object type')
  if (!Array.isArray(attributes)) throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'attributes must be an array')
  let key = SEPARATOR + objectType + SEPARATOR
  for (const attribute of attributes) {
    checkPart(attribute, 'attribute')
    key += attribute + SEPARATOR
  }
  return key
}

/** Parts of a composite key; of any other key, no type and no attributes. */
export function splitCompositeKey(key: string): { objectType: string | null; attributes: string[] } {
  if (typeof key !== 'string' || key.length < 2 || key[0] !== SEPARATOR) return { objectType: null, attributes: [] }
  const parts = key.slice(1).split(SEPARATOR)
  // The key ends with a separator.
  parts.pop()
  return { objectType: parts[0] ?? '', attributes: parts.slice(1) }
}

/** Bounds of all composite keys that begin with these parts. */
export function partialCompositeRange(objectType: string, attributes: readonly string[]): { start: string; end: string } {
  const start = createCompositeKey(objectType, attributes)
  return { start, end: start + LAST }
}

/** A bound of a range over simple keys must not reach into composite ones. */
export function checkSimpleBound(key: string): void {
  if (typeof key !== 'string') throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'a bound of a range must be text')
  if (key.startsWith(SEPARATOR)) {
    throw new ChaincodeError('CHAINCODE_BAD_KEY', 'a bound of a range over simple keys must not begin with U+0000', { key })
  }
}

function checkPart(part: unknown, what: string): void {
  if (typeof part !== 'string' || part === '') {
    throw new ChaincodeError('CHAINCODE_BAD_KEY', `${what} of a composite key must be text that is not empty`)
  }
  if (!part.isWellFormed() || part.includes(SEPARATOR) || part.includes(LAST)) {
    throw new ChaincodeError('CHAINCODE_BAD_KEY', `${what} of a composite key must be valid text without U+0000 and U+10FFFF`, {
      part,
    })
  }
}
