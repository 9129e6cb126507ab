import { CryptoError } from './errors.ts'

/** One block of a PEM text. */
export interface PemBlock {
  /** What stands after BEGIN, such as CERTIFICATE. */
  readonly kind: string
  readonly bytes: Uint8Array
}

/** Longest PEM text that is looked at; certificates are around one kilobyte. */
const MAX_PEM_LENGTH = 1 << 20

const BEGIN = '-----BEGIN '
const DASHES = '-----'

function bad(reason: string): CryptoError {
  return new CryptoError('CRYPTO_BAD_PEM', `not valid PEM: ${reason}`, { reason })
}

/** All blocks of a PEM text, in order; what stands between blocks is passed over, as PEM readers do. Throws CRYPTO_BAD_PEM. */
export function pemBlocks(text: string | Uint8Array, limit = Number.POSITIVE_INFINITY): PemBlock[] {
  if (text.length > MAX_PEM_LENGTH) throw bad('it is too long')
  const source = typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1')
  const blocks: PemBlock[] = []
  let at = 0
  while (blocks.length < limit) {
    const begin = source.indexOf(BEGIN, at)
    if (begin < 0) return blocks
    if (begin > 0 && source[begin - 1] !== '\n') throw bad('BEGIN is not at the start of a line')
    const kindEnd = source.indexOf(DASHES, begin + BEGIN.length)
    if (kindEnd < 0) throw bad('the BEGIN line does not end')
    const kind = source.slice(begin + BEGIN.length, kindEnd)
    const footer = `-----END ${kind}-----`
    const end = source.indexOf(footer, kindEnd)
    if (end < 0 || kind.includes('\n')) throw bad(`no END for ${kind.slice(0, 40)}`)
    blocks.push({ kind, bytes: decodeBody(source.slice(kindEnd + DASHES.length, end)) })
    at = end + footer.length
  }
  return blocks
}

/** The first block. Throws CRYPTO_BAD_PEM when there is none, or when it is of another kind than `kind`. */
export function pemBlock(text: string | Uint8Array, kind?: string): PemBlock {
  const [block] = pemBlocks(text, 1)
  if (block === undefined) throw bad('there is no BEGIN line')
  if (kind !== undefined && block.kind !== kind) throw bad(`expected ${kind}, found ${block.kind.slice(0, 40)}`)
  return block
}

function decodeBody(body: string): Uint8Array {
  // Headers, where there are any, end with an empty line.
  const payload = body.includes(':') ? body.slice(Math.max(body.search(/\r?\n\r?\n/), 0)) : body
  const base64 = payload.replace(/[\r\n\t ]+/g, '')
  const bytes = Buffer.from(base64, 'base64')
  // Node's decoder passes over what it does not know; the way back shows that there was nothing such.
  if (bytes.length === 0 || bytes.toString('base64') !== base64) throw bad('the body is not base64')
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** PEM text of one block, lines of 64 characters, as OpenSSL and Go write it. */
export function encodePem(kind: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----\n`
}
