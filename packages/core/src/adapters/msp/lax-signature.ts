/** Content of an INTEGER at `at`, undefined when there is none or it is longer than any scalar. */
function integerAt(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  if (at + 2 > end || bytes[at] !== 0x02) return undefined
  const length = bytes[at + 1]!
  return length > 33 || at + 2 + length > end ? undefined : bytes.subarray(at, at + 2 + length)
}

/** Where the content of the SEQUENCE starts and ends; its length has to be in the shortest form. */
function sequence(bytes: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  if (bytes.length < 2 || bytes[0] !== 0x30) return undefined
  const first = bytes[1]!
  if (first < 0x80) return { start: 2, end: 2 + first }
  const count = first - 0x80
  const start = 2 + count
  if (count === 0 || count > 3 || start > bytes.length || bytes[2] === 0) return undefined
  let length = 0
  for (let i = 2; i < start; i++) length = length * 256 + bytes[i]!
  return length < 0x80 ? undefined : { start, end: start + length }
}

/**
 * The signature without what Fabric passes over: elements behind r and s, and bytes behind the SEQUENCE. A member's signature that
 * carries such bytes is as good as one without, and a ledger of Fabric's may hold it. All else that is not strict DER stays as it is, for
 * the crypto provider to refuse.
 *
 * Certificates, revocation lists and requests are not members' signatures: those are strict in Fabric, too.
 *
 * Fabric: bccsp/utils/ecdsa.go, UnmarshalECDSASignature, with Go's encoding/asn1.
 */
export function withoutTrailingBytes(signature: Uint8Array): Uint8Array {
  // Nearly all signatures: the SEQUENCE is as long as the bytes, and s ends with it.
  const { length } = signature
  if (signature[1] === length - 2 && signature[3]! + signature[5 + signature[3]!]! + 6 === length) return signature
  const outer = sequence(signature)
  if (outer === undefined || outer.end > length) return signature
  const r = integerAt(signature, outer.start, outer.end)
  const s = r && integerAt(signature, outer.start + r.length, outer.end)
  if (s === undefined) return signature
  const strict = new Uint8Array(2 + r!.length + s.length)
  strict[0] = 0x30
  strict[1] = strict.length - 2
  strict.set(r!, 2)
  strict.set(s, 2 + r!.length)
  return strict
}
