import { createHash } from 'node:crypto'
import {
  errorFamily,
  FabricMSPConfig,
  MSPConfig,
  MSPPrincipalClassification,
  MSPRole,
  MSPRoleType,
  SerializedIdentity,
} from '@heddle/core/model'
import type { Identity, IdentityProvider, Membership, Role, Signer } from '@heddle/core/plugin'

class KeyedHashError extends errorFamily('KeyedHashError', {
  KEYED_HASH_UNKNOWN: { duty: 'fix-input', meaning: 'An identity of the simulation that no organisation of the channel knows.' },
}) {}

// Signatures that anybody can make: they tell right from wrong in a test, and protect nothing.
function hash(identity: Uint8Array, message: Uint8Array): Uint8Array {
  return createHash('sha256').update('heddle testkit\0').update(identity).update(message).digest()
}

/** MSP definition of an organisation whose members sign with keyed hashes. */
export function keyedHashMsp(mspId: string): Uint8Array {
  const config = FabricMSPConfig.encode({ name: mspId, rootCerts: [Buffer.from(mspId)], fabricNodeOus: { enable: true } })
  return MSPConfig.encode({ type: 0, config })
}

/** Signs as somebody whose organisation has the definition of `keyedHashMsp`. Anybody can: it protects nothing. */
export function keyedHashSigner(mspId: string, role: Role, name: string): Signer {
  const identity = SerializedIdentity.encode({ mspid: mspId, idBytes: Buffer.from(`${role}:${name}`) })
  return { mspId, identity, sign: (message) => hash(identity, message) }
}

/** Identities without cryptography, for conformance suites and simulation. A network refuses it: it is not a plugin. */
export const keyedHashProvider: IdentityProvider = {
  name: 'testkit-keyed-hash',
  createMembership(configs): Membership {
    const mspIds = configs.map((bytes) => FabricMSPConfig.decode(MSPConfig.decode(bytes).config).name)
    const known = new Map<string, Identity>()
    return {
      mspIds,
      identity(serialized) {
        const key = Buffer.from(serialized).toString('latin1')
        const identity = known.get(key) ?? read(serialized, mspIds)
        known.set(key, identity)
        return identity
      },
      satisfies(identity, { principalClassification, principal }) {
        if (principalClassification !== MSPPrincipalClassification.ROLE) return false
        const { mspIdentifier, role } = MSPRole.decode(principal)
        const own = identity.id.split(':')[0]?.toUpperCase() as keyof typeof MSPRoleType
        return mspIdentifier === identity.mspId && (role === MSPRoleType.MEMBER || role === MSPRoleType[own])
      },
    }
  },
  keyOf: (serialized) => ({ provider: 'testkit-keyed-hash', raw: serialized }),
  verifyAll: (items) => items.map(({ key, data, signature }) => Buffer.compare(hash(key.raw, data), signature) === 0),
  signer() {
    throw new KeyedHashError('KEYED_HASH_UNKNOWN', 'keyed hashes have no private keys; use keyedHashSigner')
  },
  close: async () => {},
}

function read(serialized: Uint8Array, mspIds: readonly string[]): Identity {
  const { mspid, idBytes } = SerializedIdentity.decode(serialized)
  const id = Buffer.from(idBytes).toString()
  if (!mspIds.includes(mspid)) throw new KeyedHashError('KEYED_HASH_UNKNOWN', `nobody knows ${mspid} ${id}`)
  return {
    mspId: mspid,
    bytes: serialized,
    id,
    publicKey: { provider: 'testkit-keyed-hash', raw: serialized },
    expiresAt: Number.MAX_SAFE_INTEGER,
    organizationalUnits: [],
    attributes: {},
  }
}
