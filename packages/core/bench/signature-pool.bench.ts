// Operations a second and busy ratio of the signature pool, against all work on the main thread and against libuv's pool.
// The mix is that of a transaction with two endorsers and two peers: 4 signatures, 9 verifications. Run it with node.
import { createPrivateKey, createPublicKey, sign as libuvSign, verify as libuvVerify } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { row, runBenchmark } from '@heddle/testkit/benchmark'
import { opensslCrypto } from '../src/adapters/crypto/openssl-crypto.ts'
import { encodeSpki } from '../src/adapters/crypto/p256.ts'
import { InlineSignaturePool } from '../src/adapters/signature-pool/inline-signature-pool.ts'
import { ThreadedSignaturePool } from '../src/adapters/signature-pool/threaded-signature-pool.ts'
import type { SignaturePool } from '../src/ports/crypto-provider.ts'

const SECONDS = 3
const IN_FLIGHT = 1000
const key = opensslCrypto.generateKeyPair()
const message = new Uint8Array(1500).fill(7)
const signature = opensslCrypto.sign(key, message)
const job = { key: key.publicKey, message, signature }
const three = [job, job, job]

interface Row {
  readonly name: string
  readonly perSecond: number
  readonly busy: number
}

/** Keeps many transactions in flight and counts those that end. */
async function measure(name: string, transaction: () => Promise<void>, busyNanoseconds: () => number): Promise<Row> {
  const run = async (seconds: number): Promise<number> => {
    const end = performance.now() + seconds * 1000
    let done = 0
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (performance.now() < end) {
          await transaction()
          done++
        }
      }),
    )
    return done
  }
  await run(SECONDS / 4)
  const busyBefore = busyNanoseconds()
  const start = performance.now()
  const done = await run(SECONDS)
  const elapsed = performance.now() - start
  const busy = (busyNanoseconds() - busyBefore) / 1e6 / (elapsed * availableParallelism())
  return { name, perSecond: (done * 1000) / elapsed, busy }
}

function poolTransaction(pool: SignaturePool): () => Promise<void> {
  return async () => {
    await pool.sign(key, message)
    await pool.verifyAll(three)
    await Promise.all([pool.sign(key, message), pool.sign(key, message)])
    await pool.verifyAll(three)
    await pool.sign(key, message)
    await pool.verifyAll(three)
  }
}

function libuvTransaction(): () => Promise<void> {
  const handle = createPrivateKey({ key: Buffer.from(opensslCrypto.exportPrivateKey(key)), format: 'der', type: 'pkcs8' })
  const publicHandle = createPublicKey({ key: Buffer.from(encodeSpki(key.publicKey.raw)), format: 'der', type: 'spki' })
  const sign = (): Promise<void> =>
    new Promise((resolve) => {
      libuvSign('sha256', message, handle, () => resolve())
    })
  const verify = (): Promise<void> =>
    new Promise((resolve) => {
      libuvVerify('sha256', message, publicHandle, signature, () => resolve())
    })
  const all = (): Promise<unknown> => Promise.all([verify(), verify(), verify()])
  return async () => {
    await sign()
    await all()
    await Promise.all([sign(), sign()])
    await all()
    await sign()
    await all()
  }
}

await runBenchmark('signature-pool', async () => {
  const inline = new InlineSignaturePool()
  const pool = new ThreadedSignaturePool()
  const main = await measure('main thread', poolTransaction(inline), () => inline.work.busyNanoseconds)
  const libuv = await measure('libuv pool', libuvTransaction(), () => Number.NaN)
  const threaded = await measure('signature pool', poolTransaction(pool), () => pool.work.busyNanoseconds)
  await pool.close()
  const ceiling = { name: 'the main thread alone, times the cores', value: main.perSecond * availableParallelism() }
  return [
    row('throughput', 'transactions/s', threaded.perSecond, ceiling),
    row('throughput-libuv', 'transactions/s', libuv.perSecond, ceiling),
    row('busy', 'share of all cores', threaded.busy, { name: 'all cores, all the time', value: 1 }),
  ]
})
