import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import { CryptoError } from './errors.ts'
import { nobleCrypto } from './noble-crypto.ts'
import { opensslCrypto } from './openssl-crypto.ts'

/** Names that configuration may give; `auto` takes OpenSSL where the runtime has P-256 in it. */
export type CryptoChoice = 'auto' | 'openssl' | 'noble'

export const cryptoProviders: readonly CryptoProvider[] = [opensslCrypto, nobleCrypto]

let usable: boolean | undefined

/** Whether this runtime's OpenSSL signs and verifies P-256; a build without it is rare but exists. */
function opensslWorks(): boolean {
  if (usable === undefined) {
    try {
      const key = opensslCrypto.generateKeyPair()
      const probe = Uint8Array.of(1)
      usable = opensslCrypto.verify(key.publicKey, probe, opensslCrypto.sign(key, probe))
    } catch {
      usable = false
    }
  }
  return usable
}

/** Provider by name. Throws CRYPTO_UNKNOWN_PROVIDER. */
export function cryptoProvider(choice: CryptoChoice | (string & {}) = 'auto'): CryptoProvider {
  if (choice === 'auto') return opensslWorks() ? opensslCrypto : nobleCrypto
  const found = cryptoProviders.find((provider) => provider.name === choice)
  if (found === undefined)
    throw new CryptoError('CRYPTO_UNKNOWN_PROVIDER', `there is no crypto provider ${choice}; use auto, openssl or noble`, {
      choice,
    })
  return found
}
