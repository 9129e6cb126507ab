import { SerializedIdentity } from '../../model/messages/identities.ts'
import { MSPConfig } from '../../model/messages/msp-config.ts'
import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import type { Identity, Membership, Principal } from '../../ports/identity.ts'
import { BytesCache } from './bytes-cache.ts'
import { sameBytes } from './chain.ts'
import { IdentityError } from './errors.ts'
import { badConfig } from './msp-authorities.ts'
import { compilePrincipal, type PrincipalCheck } from './principals.ts'
import { X509Identity } from './x509-identity.ts'
import { X509Msp } from './x509-msp.ts'

/** msp.MSPConfig.type of an X.509 MSP. Idemix (1) is not supported. */
const FABRIC_MSP = 0

/** Longest serialized identity that is looked at. */
export const MAX_IDENTITY_LENGTH = 64 * 1024

/** The MSPs of a channel under one configuration. Verdicts, good and bad, are cached by the identity's bytes. */
export class X509Membership implements Membership {
  readonly mspIds: readonly string[]
  readonly #msps: ReadonlyMap<string, X509Msp>
  readonly #verdicts: BytesCache<X509Identity | IdentityError>
  readonly #checks = new WeakMap<Principal, PrincipalCheck>()

  /** Throws IdentityError (IDENTITY_BAD_MSP_CONFIG). */
  constructor(configs: readonly Uint8Array[], crypto: CryptoProvider, cacheSize: number) {
    const msps = new Map<string, { readonly config: Uint8Array; readonly msp: X509Msp }>()
    for (const bytes of configs) {
      const { type, config } = decodeMspConfig(bytes)
      if (type !== FABRIC_MSP) throw badConfig('', `MSP type ${type} is not supported, only X.509 (0)`)
      const msp = new X509Msp(config, crypto)
      const known = msps.get(msp.mspId)
      // An organisation that both orders and endorses stands in the configuration twice.
      if (known !== undefined && !sameBytes(known.config, config)) throw badConfig(msp.mspId, 'it is defined twice, differently')
      if (known === undefined) msps.set(msp.mspId, { config, msp })
    }
    this.#msps = new Map([...msps].map(([mspId, { msp }]) => [mspId, msp]))
    this.mspIds = [...msps.keys()]
    this.#verdicts = new BytesCache(cacheSize)
  }

  identity(serialized: Uint8Array): X509Identity {
    const known = this.#verdicts.get(serialized)
    if (known instanceof X509Identity) return known
    if (known !== undefined) throw known
    try {
      const identity = this.#validate(serialized)
      this.#verdicts.set(serialized, identity)
      return identity
    } catch (error) {
      if (error instanceof IdentityError && serialized.length <= MAX_IDENTITY_LENGTH)
        this.#verdicts.set(serialized, error as IdentityError)
      throw error
    }
  }

  #validate(serialized: Uint8Array): X509Identity {
    // The identity outlives the message it came in: it must not hold on to that message's buffer.
    const bytes = serialized.length <= MAX_IDENTITY_LENGTH ? Uint8Array.from(serialized) : serialized
    const { mspid, idBytes } = decodeSerializedIdentity(bytes)
    const msp = this.#msps.get(mspid)
    if (msp === undefined)
      throw new IdentityError('IDENTITY_UNKNOWN_MSP', `MSP ${mspid.slice(0, 100) || '(no name)'} is no member of the channel`, {
        mspId: mspid.slice(0, 100),
      })
    return msp.identity(bytes, idBytes)
  }

  satisfies(identity: Identity, principal: Principal): boolean {
    if (!(identity instanceof X509Identity)) return false
    const msp = this.#msps.get(identity.mspId)
    if (msp === undefined) return false
    let check = this.#checks.get(principal)
    if (check === undefined) {
      check = compilePrincipal(principal)
      this.#checks.set(principal, check)
    }
    return check(identity, msp)
  }
}

function decodeMspConfig(bytes: Uint8Array): MSPConfig {
  try {
    return MSPConfig.decode(bytes)
  } catch (error) {
    throw badConfig('', 'the definition is not readable', error)
  }
}

/** Throws IdentityError (IDENTITY_MALFORMED). */
export function decodeSerializedIdentity(bytes: Uint8Array): SerializedIdentity {
  if (bytes.length > MAX_IDENTITY_LENGTH)
    throw new IdentityError(
      'IDENTITY_MALFORMED',
      `an identity of ${bytes.length} bytes is over the limit of ${MAX_IDENTITY_LENGTH}`,
      {
        length: bytes.length,
      },
    )
  try {
    return SerializedIdentity.decode(bytes)
  } catch (error) {
    throw new IdentityError('IDENTITY_MALFORMED', 'the bytes are no serialized identity', {}, { cause: error })
  }
}
