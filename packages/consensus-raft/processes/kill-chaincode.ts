import { defineChaincode } from '@heddle/core'

/** `put KEY VALUE`: no two transactions conflict, so a second VALID one of the same id would show. */
export default defineChaincode({
  async put(stub, key = '', value = '') {
    await stub.putState(key, Buffer.from(value))
  },
})
