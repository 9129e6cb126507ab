import type { CryptoProvider, PublicKey, SignaturePool } from '../../ports/crypto-provider.ts'
import type { IdentityProvider, Membership, Signer } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { PLUGIN_API, type Plugin } from '../../ports/plugin.ts'
import { CryptoError } from '../crypto/errors.ts'
import { normalPrivateKey } from '../crypto/private-key.ts'
import { type CryptoChoice, cryptoProvider } from '../crypto/providers.ts'
import { BytesCache } from './bytes-cache.ts'
import { withoutTrailingBytes } from './lax-signature.ts'
import { decodeSerializedIdentity, X509Membership } from './x509-membership.ts'
import { memberKey, parseMember } from './x509-msp.ts'

export interface X509IdentityOptions {
  /** Implementation of ECDSA. Default `auto`: OpenSSL where the runtime has it. */
  readonly crypto?: CryptoChoice
  /** Identities whose keys and verdicts are remembered, for each channel configuration. Default 4,096: about 8 MB. */
  readonly cacheSize?: number
}

const DEFAULT_CACHE_SIZE = 4096

/** Identities of X.509 certificates with ECDSA keys on P-256, as Fabric's default MSP has them. */
export class X509IdentityProvider implements IdentityProvider {
  readonly name = 'x509'
  readonly crypto: CryptoProvider
  readonly #pool: SignaturePool
  readonly #cacheSize: number
  /** As `crypto`, but a key is imported once for all configurations: the same object each time. */
  readonly #remembering: CryptoProvider
  /** Undefined verdicts are kept too: an attacker's bytes are parsed once. */
  readonly #keys: BytesCache<{ readonly key: PublicKey | undefined }>

  /** The pool is lent: closing the provider does not close it. */
  constructor(pool: SignaturePool, options: X509IdentityOptions = {}) {
    this.crypto = cryptoProvider(options.crypto ?? 'auto')
    this.#pool = pool
    this.#cacheSize = options.cacheSize ?? DEFAULT_CACHE_SIZE
    this.#keys = new BytesCache(this.#cacheSize)
    this.#remembering = rememberKeys(this.crypto, this.#cacheSize)
  }

  createMembership(mspConfigs: readonly Uint8Array[]): Membership {
    return new X509Membership(mspConfigs, this.#remembering, this.#cacheSize)
  }

  keyOf(serialized: Uint8Array): PublicKey | undefined {
    const known = this.#keys.get(serialized)
    if (known !== undefined) return known.key
    let key: PublicKey | undefined
    try {
      const { mspid, idBytes } = decodeSerializedIdentity(serialized)
      key = memberKey(mspid, parseMember(mspid, idBytes), this.#remembering)
    } catch {
      key = undefined
    }
    if (serialized.length <= MAX_CACHED_LENGTH) this.#keys.set(serialized, { key })
    return key
  }

  verifyAll(
    items: readonly { readonly key: PublicKey; readonly data: Uint8Array; readonly signature: Uint8Array }[],
  ): Awaitable<readonly boolean[]> {
    return this.#pool.verifyAll(
      items.map(({ key, data, signature }) => ({ key, message: data, signature: withoutTrailingBytes(signature) })),
    )
  }

  /** Throws CRYPTO_BAD_KEY for a key that is none, or not the one of the identity. */
  signer(serialized: Uint8Array, privateKey: Uint8Array): Signer {
    const key = this.crypto.importPrivateKey(normalPrivateKey(privateKey))
    const { mspid } = decodeSerializedIdentity(serialized)
    const expected = this.keyOf(serialized)
    if (expected !== undefined && Buffer.compare(expected.raw, key.publicKey.raw) !== 0)
      throw new CryptoError('CRYPTO_BAD_KEY', `the private key is not the one of this identity of MSP ${mspid}`, { mspId: mspid })
    const pool = this.#pool
    return { mspId: mspid, identity: serialized, sign: (message) => pool.sign(key, message) }
  }

  async close(): Promise<void> {}
}

function rememberKeys(crypto: CryptoProvider, capacity: number): CryptoProvider {
  const keys = new BytesCache<PublicKey>(capacity)
  return {
    ...crypto,
    importPublicKey(point) {
      const known = keys.get(point)
      if (known !== undefined) return known
      const key = crypto.importPublicKey(point)
      keys.set(point, key)
      return key
    },
  }
}

/** Longest identity whose key is remembered. */
const MAX_CACHED_LENGTH = 16 * 1024

/** The default identity plugin. */
export const x509Identity: Plugin<'identity', X509IdentityOptions> = {
  name: 'x509',
  provides: 'identity',
  api: PLUGIN_API,
  capabilities: { verifies: true },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      crypto: {
        enum: ['auto', 'openssl', 'noble'],
        default: 'auto',
        description: 'Implementation of ECDSA; auto takes OpenSSL where the runtime has it.',
      },
      cacheSize: {
        type: 'integer',
        minimum: 16,
        maximum: 1_000_000,
        default: DEFAULT_CACHE_SIZE,
        description: 'Identities remembered for each channel configuration; 4,096 take about 8 MB.',
      },
    },
  },
  create: (context, options) => new X509IdentityProvider(context.signatures, options),
}
