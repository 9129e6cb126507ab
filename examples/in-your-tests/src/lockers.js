import { defineChaincode } from '@heddle/core'

/** How long a parcel waits, in milliseconds. */
const PATIENCE = 3 * 24 * 60 * 60 * 1000

/** Time of the transaction as its client wrote it: the same on every endorser, which the machine's clock is not. */
function timeOf(stub) {
  const { seconds, nanos } = stub.getTxTimestamp()
  return Number(seconds) * 1000 + nanos / 1e6
}

async function read(stub, locker) {
  const bytes = await stub.getState(locker)
  return bytes.length === 0 ? undefined : JSON.parse(Buffer.from(bytes).toString())
}

/** Parcel lockers: a courier puts a parcel in, the shop hands it out; what waited for three days goes back. */
export default defineChaincode({
  async store(stub, locker, parcel) {
    if (stub.getCreator().mspid !== 'CourierMSP') throw new Error('only a courier stores parcels')
    const found = await read(stub, locker)
    if (found !== undefined) throw new Error(`locker ${locker} holds ${found.parcel}`)
    await stub.putState(locker, Buffer.from(JSON.stringify({ parcel, until: timeOf(stub) + PATIENCE })))
    stub.setEvent('stored', Buffer.from(locker))
  },

  async collect(stub, locker) {
    const found = await read(stub, locker)
    if (found === undefined) throw new Error(`locker ${locker} is empty`)
    if (timeOf(stub) > found.until) throw new Error(`${found.parcel} has gone back`)
    await stub.deleteState(locker)
    return found.parcel
  },

  async look(stub, locker) {
    return (await read(stub, locker))?.parcel ?? ''
  },
})
