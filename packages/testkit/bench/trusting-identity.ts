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
        const identities = new Map<string, Identity>()
        return {
          mspIds: [],
          identity(bytes) {
            const id = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
            let identity = identities.get(id)
            if (identity === undefined) {
              identity = {
                mspId: SerializedIdentity.decode(bytes).mspid,
                bytes,
                id,
                publicKey: key,
                expiresAt: Number.POSITIVE_INFINITY,
                organizationalUnits: [],
                attributes: {},
              }
              identities.set(id, identity)
            }
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
