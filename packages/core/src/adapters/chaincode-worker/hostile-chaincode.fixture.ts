import { parentPort } from 'node:worker_threads'
import { defineChaincode } from '../chaincode-stub/chaincode.ts'

let calls = 0

/** A chaincode that does what a chaincode must not do. */
export default defineChaincode({
  put: (stub, key, value) => stub.putState(key!, value!),
  get: (stub, key) => stub.getState(key!),
  async rmw(stub, key, value) {
    const before = await stub.getState(key!)
    await stub.putState(key!, value!)
    stub.setEvent('changed', key!)
    return before
  },
  async sum(stub, ...keys) {
    const values = await Promise.all(keys.map((key) => stub.getState(key)))
    return String(values.reduce((sum, value) => sum + Number(value.toString()), 0))
  },
  async count(stub, start, end) {
    let count = 0
    for await (const { key } of stub.getStateByRange(start!, end!)) count += key === '' ? 0 : 1
    return String(count)
  },
  throws() {
    throw new Error('no')
  },
  async rejects() {
    throw new Error('not now')
  },
  loops() {
    for (;;) calls++
  },
  async loopsAfterRead(stub, key) {
    await stub.getState(key!)
    for (;;) calls++
  },
  hangs: () => new Promise(() => {}),
  exits: () => process.exit(3),
  async exitsAfterRead(stub, key) {
    await stub.getState(key!)
    process.exit(4)
  },
  async strays() {
    setTimeout(() => {
      throw new Error('stray')
    })
    await new Promise(() => {})
  },
  eats() {
    const hoard: string[][] = []
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => `${hoard.length} ${i}`))
  },
  counts: () => String(++calls),
  async pagedThenWrite(stub) {
    await stub.getStateByRangeWithPagination('', '', 1)
    try {
      await stub.putState('a', 'b')
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'no error'
  },
  badKey: (stub) => stub.getState('\ud800'),
  tooLarge: (stub, size) => stub.putState('a', Buffer.alloc(Number(size))),
  forges() {
    parentPort!.postMessage(null)
    parentPort!.postMessage(['operations', 1, [[1, 'constructor']]])
    parentPort!.postMessage(['done'])
    return new Promise(() => {})
  },
  msp: (stub) => stub.getMspID(),
})

export const garbage = { invoke: () => 42 }
export const notAChaincode = { answer: 42 }
