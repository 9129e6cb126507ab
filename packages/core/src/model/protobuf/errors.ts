import { errorFamily } from '../errors.ts'

/** Bytes that are no valid encoding, or exceed a bound. Thrown by every decoder of the model, and nothing else is. */
export class DecodeError extends errorFamily('DecodeError', {
  DECODE_TRUNCATED: { duty: 'fix-input', meaning: 'The bytes end inside a field; send the whole message.' },
  DECODE_BAD_VARINT: { duty: 'fix-input', meaning: 'A variable-length integer does not fit in 64 bits.' },
  DECODE_BAD_TAG: { duty: 'fix-input', meaning: 'A field has an impossible number or wire type.' },
  DECODE_BAD_UTF8: { duty: 'fix-input', meaning: 'A text field is not valid UTF-8.' },
  DECODE_TOO_DEEP: { duty: 'fix-input', meaning: 'Messages are nested deeper than the limit.' },
  DECODE_TOO_LARGE: { duty: 'fix-input', meaning: 'The bytes are longer than the limit.' },
  DECODE_TOO_MANY: { duty: 'fix-input', meaning: 'Repeated fields hold more elements than the limit.' },
  DECODE_BAD_VALUE: { duty: 'fix-input', meaning: 'A field holds a value that this ledger cannot represent.' },
}) {}

/** A value that has no encoding, such as a fraction in an integer field. */
export class EncodeError extends errorFamily('EncodeError', {
  ENCODE_BAD_VALUE: { duty: 'fix-input', meaning: 'A field holds a value that its type cannot carry.' },
}) {}
