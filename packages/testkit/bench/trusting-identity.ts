import { SerializedIdentity } from '@heddle/core/model'
import { definePlugin, type Identity, type IdentityProvider, type PublicKey } from '@heddle/core/plugin'

/**
 * An identity plugin that checks nothing, written as a third party would: whoever says he is a member is one, and every signature is
 * good. It shows what the rest of the flow costs; a network that uses it has no security at all.
 */
export const trustingIdentity = definePlugin({
  name: 'trusting-identity',
  provides: 'identity',
  api: 1,
  capabilities: { verifies: false },
  create: (): IdentityProvider => {
    const key: PublicKey = { provider: 'trusting-identity', raw: new Uint8Array(65) }
    const signature = new Uint8Array([0x30, 0])
    return {
      name: 'trusting-identity',
      createMembership() {
        // Few, so that looking through them costs less than making a string of each certificate.
        const identities: Identity[] = []
        return {
          mspIds: [],
          identity(bytes) {
            for (const known of identities) if (Buffer.compare(known.bytes, bytes) === 0) return known
            const identity: Identity = {
              mspId: SerializedIdentity.decode(bytes).mspid,
              bytes: Uint8Array.from(bytes),
              id: `member ${identities.length}`,
              publicKey: key,
              expiresAt: Number.POSITIVE_INFINITY,
              organizationalUnits: [],
              attributes: {},
            }
            identities.push(identity)
            return identity
          },
          satisfies: (identity, { principal }) => Buffer.from(principal).includes(identity.mspId),
        }
      },
      keyOf: () => key,
      verifyAll: (items) => items.map(() => true),
      signer: (serialized) => ({
        mspId: SerializedIdentity.decode(serialized).mspid,
        identity: serialized,
        sign: () => signature,
      }),
      close: async () => {},
    }
  },
})
