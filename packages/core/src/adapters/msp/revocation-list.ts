import { DerReader, Tag } from '../crypto/der-reader.ts'
import { CryptoError } from '../crypto/errors.ts'
import { pemBlock } from '../crypto/pem.ts'
import { type Extension, readAlgorithm, readAuthorityKeyId, readExtensions, readTime } from './certificate.ts'
import { readName } from './distinguished-name.ts'

/** A parsed certificate revocation list (RFC 5280, 5). Times are not looked at: a list counts from the configuration that carries it. */
export interface RevocationList {
  readonly raw: Uint8Array
  readonly tbs: Uint8Array
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Hex serial numbers, as in `Certificate.serialNumber`. */
  readonly revoked: ReadonlySet<string>
  readonly authorityKeyId: Uint8Array | undefined
}

/** Most entries in one list. */
const MAX_ENTRIES = 1_000_000

/** Parses a list, PEM or DER. Throws CryptoError. */
export function parseRevocationList(bytes: Uint8Array): RevocationList {
  const raw = bytes[0] === 0x2d ? pemBlock(bytes, 'X509 CRL').bytes : bytes
  const outer = new DerReader(raw)
  const list = outer.enter(Tag.SEQUENCE)
  outer.finish()
  const tbsStart = list.position
  const body = list.enter(Tag.SEQUENCE)
  const tbs = raw.subarray(tbsStart, list.position)
  const signatureAlgorithm = readAlgorithm(list).oid
  const signature = list.bits()
  list.finish()

  if (body.tag === Tag.INTEGER) body.smallInteger()
  readAlgorithm(body)
  readName(body)
  readTime(body)
  if (body.tag === Tag.UTC_TIME || body.tag === Tag.GENERALIZED_TIME) readTime(body)
  const revoked = new Set<string>()
  const entries = body.enterIf(Tag.SEQUENCE)
  while (entries !== undefined && !entries.isDone) {
    if (revoked.size >= MAX_ENTRIES) throw new CryptoError('CRYPTO_BAD_DER', 'the revocation list has too many entries')
    revoked.add(Buffer.from(entries.enter(Tag.SEQUENCE).integer()).toString('hex'))
  }
  const extensionList = body.enterIf(0xa0)
  const extensions = extensionList === undefined ? new Map<string, Extension>() : readExtensions(extensionList)
  body.finish()
  return { raw, tbs, signatureAlgorithm, signature, revoked, authorityKeyId: readAuthorityKeyId(extensions) }
}
