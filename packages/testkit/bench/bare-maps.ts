/**
 * Endorse, order, validate and commit with nothing but Maps: the least that the steps themselves cost. Two endorsers read a version and
 * agree on a write, an orderer cuts blocks, two peers check versions and apply.
 *
 * @returns transactions a second
 */
export function bareMaps(keys: number, transactions: number, blockSize: number): number {
  const value: Uint8Array = new Uint8Array(256)
  const peers = [0, 1].map(() => new Map(Array.from({ length: keys }, (_, index) => [`key${index}`, { value, version: 0 }])))
  let pending: { key: string; version: number; value: Uint8Array }[] = []
  let block = 1
  let valid = 0
  const started = performance.now()
  for (let index = 0; index < transactions; index++) {
    const key = `key${(index * 7919) % keys}`
    const [first, second] = peers.map((state) => ({ key, version: state.get(key)!.version, value }))
    if (first!.version === second!.version) pending.push(first!)
    if (pending.length < blockSize && index < transactions - 1) continue
    for (const state of peers) {
      for (const write of pending) {
        if (state.get(write.key)!.version !== write.version) continue
        state.set(write.key, { value: write.value, version: block })
        valid++
      }
    }
    pending = []
    block++
  }
  const rate = transactions / ((performance.now() - started) / 1000)
  if (valid !== transactions * peers.length) throw new Error(`${valid} of ${transactions * peers.length} writes were valid`)
  return rate
}
