import { defineChaincode } from '@heddle/core'

/** Keys and values; what tests need of a chaincode. */
export const asset = defineChaincode({
  async put(stub, key = '', value = '') {
    await stub.putState(key, Buffer.from(value))
    stub.setEvent('put', Buffer.from(key))
  },
  async get(stub, key = '') {
    return stub.getState(key)
  },
  async add(stub, key = '', amount = '') {
    const now = Number(Buffer.from(await stub.getState(key)).toString() || '0')
    await stub.putState(key, Buffer.from(String(now + Number(amount))))
    return String(now + Number(amount))
  },
  async move(stub, from = '', to = '') {
    const value = await stub.getState(from)
    if (value.length === 0) throw new Error(`there is no ${from}`)
    await stub.deleteState(from)
    await stub.putState(to, value)
  },
  async fail() {
    throw new Error('refused by the rules')
  },
})

export const BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
