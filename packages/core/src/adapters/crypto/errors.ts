import { errorFamily } from '../../model/errors.ts'

/** Errors of keys and encodings. A signature that does not verify is a verdict, never an error. */
export class CryptoError extends errorFamily('CryptoError', {
  CRYPTO_BAD_KEY: {
    duty: 'fix-input',
    meaning: 'The key is no valid P-256 key: wrong length, off the curve, at infinity, out of range or wrongly encoded.',
  },
  CRYPTO_BAD_DER: { duty: 'fix-input', meaning: 'The bytes are not the DER structure that was expected here.' },
  CRYPTO_BAD_PEM: { duty: 'fix-input', meaning: 'The text holds no PEM block of the expected kind.' },
  CRYPTO_FOREIGN_KEY: {
    duty: 'fix-config',
    meaning: 'A key of one crypto provider was given to another one; import it there first.',
  },
  CRYPTO_UNKNOWN_PROVIDER: {
    duty: 'fix-config',
    meaning: 'There is no crypto provider of this name; use auto, openssl or noble.',
  },
}) {}
