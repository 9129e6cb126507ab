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
const END = '\n-----END '
const DASHES = '-----'
/** A padded line of base64, in which the bits beyond the last byte may be any. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

function bad(reason: string): CryptoError {
  return new CryptoError('CRYPTO_BAD_PEM', `not valid PEM: ${reason}`, { reason })
}

/**
 * All blocks of a PEM text, in order; what stands between blocks is passed over, and so is a block that is not whole when another one
 * follows.
 *
 * Which bytes are a certificate decides on who signed, so this reads what Go's encoding/pem reads, no less and no more: blocks begin
 * at the start of a line and end at the end of one, of several BEGIN lines the last before an END counts.
 *
 * @throws CryptoError CRYPTO_BAD_PEM when a block begins after the last whole one
 */
export function pemBlocks(text: string | Uint8Array, limit = Number.POSITIVE_INFINITY): PemBlock[] {
  if (text.length > MAX_PEM_LENGTH) throw bad('it is too long')
  const source = typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1')
  const blocks: PemBlock[] = []
  let at = 0
  while (blocks.length < limit) {
    const found = nextBlock(source, at)
    if (found === undefined) {
      if (source.includes(BEGIN, at)) throw bad('a block has no END, or is not base64')
      break
    }
    blocks.push(found.block)
    at = found.after
  }
  return blocks
}

function nextBlock(source: string, from: number): { readonly block: PemBlock; readonly after: number } | undefined {
  for (let at = from; ; ) {
    const end = source.indexOf(END, at)
    if (end < 0) return undefined
    const trailer = end + END.length
    const begin = source.slice(at, end).lastIndexOf(BEGIN) + at
    const block = begin >= at && (begin === at || source[begin - 1] === '\n') ? blockAt(source, begin, end) : undefined
    if (block !== undefined) return block
    at = trailer
  }
}

/** The block between a BEGIN and an END line. */
function blockAt(source: string, begin: number, end: number): { readonly block: PemBlock; readonly after: number } | undefined {
  const typeLine = lineAt(source, begin + BEGIN.length)
  if (!typeLine.text.endsWith(DASHES)) return undefined
  const kind = typeLine.text.slice(0, -DASHES.length)
  let body = typeLine.next
  for (let line = lineAt(source, body); line.text.includes(':'); line = lineAt(source, body)) body = line.next
  const last = lineAt(source, end + END.length)
  const rest = source.slice(end + END.length)
  if (!rest.startsWith(`${kind}${DASHES}`) || last.text.length !== kind.length + DASHES.length) return undefined
  // An empty block shares the line feed of BEGIN and END; headers need one of their own.
  if (end < body && body !== typeLine.next) return undefined
  const bytes = decodeBody(source.slice(body, Math.max(end, body)))
  return bytes && { block: { kind, bytes }, after: last.next }
}

/** Without its line end, spaces and tabs. */
function lineAt(source: string, start: number): { readonly text: string; readonly next: number } {
  const feed = source.indexOf('\n', start)
  let end = feed < 0 ? source.length : feed
  if (feed > start && source[feed - 1] === '\r') end--
  while (end > start && (source[end - 1] === ' ' || source[end - 1] === '\t')) end--
  return { text: source.slice(start, end), next: feed < 0 ? source.length : feed + 1 }
}

/** The first block. Throws CRYPTO_BAD_PEM when there is none, or when it is of another kind than `kind`. */
export function pemBlock(text: string | Uint8Array, kind?: string): PemBlock {
  const [block] = pemBlocks(text, 1)
  if (block === undefined) throw bad('there is no BEGIN line')
  if (block.bytes.length === 0) throw bad('the block is empty')
  if (kind !== undefined && block.kind !== kind) throw bad(`expected ${kind}, found ${block.kind.slice(0, 40)}`)
  return block
}

function decodeBody(body: string): Uint8Array | undefined {
  const base64 = body.replace(/[\r\n\t ]+/g, '')
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) return undefined
  const bytes = Buffer.from(base64, 'base64')
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** PEM text of one block, lines of 64 characters, as OpenSSL and Go write it. */
export function encodePem(kind: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----\n`
}
