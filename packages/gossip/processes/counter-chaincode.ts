import { defineChaincode } from '@heddle/core'

/** Writes one key a transaction: no two conflict. */
export default defineChaincode({
  put: async (stub, key, value) => {
    await stub.putState(key!, Buffer.from(value!))
    return 'done'
  },
})
