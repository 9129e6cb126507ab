import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Rate of signature work that all cores together can do, with OpenSSL and nothing else. */
export interface CryptoCeiling {
  /** Groups of `signatures` + `verifications` a second, all cores together. */
  readonly perSecond: number
  readonly cores: number
}

// Runs in a bare thread: the ceiling must not pay for anything of ours.
const LOOP = `
const { parentPort, workerData } = require('node:worker_threads')
const { generateKeyPairSync, sign, verify, randomBytes } = require('node:crypto')
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const message = randomBytes(1500)
const signature = sign('sha256', message, privateKey)
const group = () => {
  for (let i = 0; i < workerData.signatures; i++) sign('sha256', message, privateKey)
  for (let i = 0; i < workerData.verifications; i++) verify('sha256', message, publicKey, signature)
}
for (let i = 0; i < 50; i++) group()
parentPort.postMessage('ready')
parentPort.once('message', () => {
  const started = process.hrtime.bigint()
  const until = started + BigInt(workerData.milliseconds) * 1000000n
  let groups = 0
  while (process.hrtime.bigint() < until) { group(); groups++ }
  parentPort.postMessage(groups / (Number(process.hrtime.bigint() - started) / 1e9))
})
`

/**
 * Measures how many groups of ECDSA P-256 operations all cores can do in a second (1.5 kB messages, OpenSSL through node:crypto).
 * Every core runs its own loop at the same time, so shared caches and clock limits count.
 */
export async function measureCryptoCeiling(
  signatures: number,
  verifications: number,
  milliseconds = 2_000,
): Promise<CryptoCeiling> {
  const cores = availableParallelism()
  const workers = Array.from(
    { length: cores },
    () => new Worker(LOOP, { eval: true, workerData: { signatures, verifications, milliseconds } }),
  )
  const message = (worker: Worker): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  await Promise.all(workers.map(message))
  const rates = workers.map(message)
  for (const worker of workers) worker.postMessage('go')
  const perSecond = (await Promise.all(rates)).reduce<number>((sum, rate) => sum + (rate as number), 0)
  await Promise.all(workers.map((worker) => worker.terminate()))
  return { perSecond, cores }
}
