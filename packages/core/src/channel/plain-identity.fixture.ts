import { errorFamily } from '../model/errors.ts'
import { SerializedIdentity } from '../model/messages/identities.ts'
import { FabricMSPConfig, MSPConfig } from '../model/messages/msp-config.ts'
import { MSPPrincipalClassification, MSPRole, MSPRoleType } from '../model/messages/msp-principal.ts'
import { sha256 } from '../model/sha256.ts'
import type { PublicKey } from '../ports/crypto-provider.ts'
import type { Identity, IdentityProvider, Membership, Principal, Role, Signer } from '../ports/identity.ts'

class PlainIdentityError extends errorFamily('PlainIdentityError', {
  PLAIN_IDENTITY_UNKNOWN: { duty: 'fix-input', meaning: 'A test identity that is not known.' },
}) {}

/** MSP definition of test identities: X.509 in form, with names where certificates would be. */
export function plainMsp(mspId: string, { revoked = [] as readonly string[], nodeOUs = true } = {}): Uint8Array {
  const config = FabricMSPConfig.encode({
    name: mspId,
    rootCerts: [Buffer.from(`root of ${mspId}`)],
    revocationList: revoked.map((name) => Buffer.from(name)),
    fabricNodeOus: { enable: nodeOUs },
  })
  return MSPConfig.encode({ type: 0, config })
}

/** Signs with a hash that everybody could make: enough to tell signatures apart. `name` is `ROLE:NAME`. */
export function plainSigner(mspId: string, role: Role, name: string = role): Signer {
  const identity = SerializedIdentity.encode({ mspid: mspId, idBytes: Buffer.from(`${role}:${name}`) })
  return { mspId, identity, sign: (message) => sha256(identity, message) }
}

/** Identity as policies see it, without a provider. */
export function plainIdentity(mspId: string, role: Role, name: string = role): Identity {
  return identityOf(plainSigner(mspId, role, name).identity)
}

/** Roles without trust: every policy question is answered from the identity's own words. */
export const plainMembership: Membership = {
  mspIds: [],
  identity: identityOf,
  satisfies,
}

export const plainProvider: IdentityProvider = {
  name: 'plain',
  createMembership(configs) {
    const msps = new Map(
      configs.map((bytes) => {
        const msp = FabricMSPConfig.decode(MSPConfig.decode(bytes).config)
        return [msp.name, msp] as const
      }),
    )
    return {
      mspIds: [...msps.keys()],
      satisfies,
      identity(serialized) {
        const identity = identityOf(serialized)
        const msp = msps.get(identity.mspId)
        const revoked = msp?.revocationList.some((name) => identity.id.endsWith(`:${Buffer.from(name)}`))
        if (msp === undefined || revoked)
          throw new PlainIdentityError('PLAIN_IDENTITY_UNKNOWN', `unknown or revoked: ${identity.id}`)
        return identity
      },
    }
  },
  keyOf: (serialized) => keyOf(serialized),
  verifyAll: (items) => items.map(({ key, data, signature }) => Buffer.compare(sha256(key.raw, data), signature) === 0),
  signer: () => {
    throw new TypeError('use plainSigner')
  },
  close: async () => {},
}

function keyOf(serialized: Uint8Array): PublicKey {
  return { provider: 'plain', raw: serialized }
}

function identityOf(serialized: Uint8Array): Identity {
  const { mspid, idBytes } = SerializedIdentity.decode(serialized)
  return {
    mspId: mspid,
    bytes: serialized,
    id: Buffer.from(idBytes).toString(),
    publicKey: keyOf(serialized),
    expiresAt: Number.MAX_SAFE_INTEGER,
    organizationalUnits: [],
    attributes: {},
  }
}

function satisfies(identity: Identity, { principalClassification, principal }: Principal): boolean {
  if (principalClassification !== MSPPrincipalClassification.ROLE) return false
  const { mspIdentifier, role } = MSPRole.decode(principal)
  if (mspIdentifier !== identity.mspId) return false
  return role === MSPRoleType.MEMBER || role === MSPRoleType[identity.id.split(':')[0]!.toUpperCase() as keyof typeof MSPRoleType]
}
