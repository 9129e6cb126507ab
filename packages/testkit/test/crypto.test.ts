import { describe, it } from 'vitest'
import { nobleCrypto } from '../../core/src/adapters/crypto/noble-crypto.ts'
import { opensslCrypto } from '../../core/src/adapters/crypto/openssl-crypto.ts'
import { InlineSignaturePool } from '../../core/src/adapters/signature-pool/inline-signature-pool.ts'
import { ThreadedSignaturePool } from '../../core/src/adapters/signature-pool/threaded-signature-pool.ts'
import type { SignaturePool } from '../../core/src/ports/crypto-provider.ts'
import { signaturePoolConformance } from '../src/crypto-conformance/signature-pool.ts'
import { cryptoConformance } from '../src/crypto-conformance/suite.ts'

const api = { describe, it }
cryptoConformance(api, { name: 'OpenSSL', create: () => opensslCrypto, reference: nobleCrypto })
cryptoConformance(api, { name: 'noble', create: () => nobleCrypto, reference: opensslCrypto })

const pools: readonly (readonly [string, () => SignaturePool])[] = [
  ['on the caller’s thread', () => new InlineSignaturePool()],
  ['two threads', () => new ThreadedSignaturePool({ threads: 2 })],
  ['one thread, hardly any room', () => new ThreadedSignaturePool({ threads: 1, slots: 16, bytes: 1 << 16 })],
]
for (const [name, open] of pools) {
  signaturePoolConformance(api, {
    name,
    create() {
      const pool = open()
      return { pool, crypto: opensslCrypto, dispose: () => pool.close() }
    },
  })
}
