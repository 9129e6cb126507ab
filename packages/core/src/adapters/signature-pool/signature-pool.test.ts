import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { CryptoProvider, SignaturePool, VerifyJob } from '../../ports/crypto-provider.ts'
import { nobleCrypto } from '../crypto/noble-crypto.ts'
import { opensslCrypto } from '../crypto/openssl-crypto.ts'
import { InlineSignaturePool } from './inline-signature-pool.ts'
import { type SignaturePoolOptions, ThreadedSignaturePool } from './threaded-signature-pool.ts'

const key = opensslCrypto.generateKeyPair()

function jobs(count: number, bytes = 200): VerifyJob[] {
  return Array.from({ length: count }, (_, i) => {
    const message = new Uint8Array(bytes).fill(i)
    const signature = opensslCrypto.sign(key, message)
    // Every third is wrong.
    return { key: key.publicKey, message, signature: i % 3 === 0 ? opensslCrypto.sign(key, Buffer.from('other')) : signature }
  })
}

const expected = (list: readonly VerifyJob[]): boolean[] => list.map((_, i) => i % 3 !== 0)

const open: SignaturePool[] = []
function threaded(options: SignaturePoolOptions = {}): ThreadedSignaturePool {
  const pool = new ThreadedSignaturePool({ threads: 1, ...options })
  open.push(pool)
  return pool
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()))
})

/** Gives work until a thread has done some of it. */
async function untilThreaded(pool: ThreadedSignaturePool): Promise<void> {
  const list = jobs(400)
  do expect(await pool.verifyAll(list)).toEqual(expected(list))
  while (pool.threads === 0 || pool.threadNanoseconds === 0)
}

describe('a signature pool', () => {
  it('answers in the order of the jobs, from threads and main thread together', async () => {
    const pool = threaded()
    await untilThreaded(pool)
    const lists = [jobs(100), jobs(1), jobs(37), []]
    expect(await Promise.all(lists.map((list) => pool.verifyAll(list)))).toEqual(lists.map(expected))
  })

  it('makes signatures that verify, low in s, from threads too', async () => {
    const pool = threaded()
    await untilThreaded(pool)
    const messages = Array.from({ length: 300 }, (_, i) => Buffer.from(`message ${i}`))
    const signatures = await Promise.all(messages.map((message) => pool.sign(key, message)))
    for (const [i, signature] of signatures.entries()) expect(nobleVerify(messages[i]!, signature)).toBe(true)
  })

  it('answers few jobs at once, without a promise and without threads', () => {
    const pool = threaded()
    expect(pool.verifyAll(jobs(4))).toEqual([false, true, true, false])
    expect(pool.verify(jobs(2)[1]!)).toBe(true)
    expect(pool.sign(key, Buffer.from('x'))).toBeInstanceOf(Uint8Array)
    expect(pool.threads).toBe(0)
  })

  it('takes more jobs than its ring has slots, and messages larger than its ring', async () => {
    const pool = threaded({ slots: 16, bytes: 16 * 1024 })
    const list = [...jobs(60), ...jobs(9, 20_000), ...jobs(300, 1000)]
    const verdicts = [60, 9, 300].flatMap((count) => Array.from({ length: count }, (_, i) => i % 3 !== 0))
    for (let round = 0; round < 3; round++) expect(await pool.verifyAll(list)).toEqual(verdicts)
  })

  it('counts every operation once, and the time of all threads', async () => {
    const pool = threaded()
    await untilThreaded(pool)
    const before = { ...pool.work }
    await Promise.all([pool.verifyAll(jobs(500)), ...Array.from({ length: 50 }, () => pool.sign(key, Buffer.from('m')))])
    expect(pool.work.verifications - before.verifications).toBe(500)
    expect(pool.work.signatures - before.signatures).toBe(50)
    expect(pool.work.busyNanoseconds).toBeGreaterThan(before.busyNanoseconds)
  })

  it('does keys of the other provider as well, and malformed signatures of any length', async () => {
    const pool = threaded()
    const noble = nobleCrypto.generateKeyPair()
    const message = Buffer.from('m')
    const good = { key: noble.publicKey, message, signature: nobleCrypto.sign(noble, message) }
    const bad = [0, 1, 72, 73, 5000].map((length) => ({ key: key.publicKey, message, signature: new Uint8Array(length) }))
    expect(await pool.verifyAll([good, ...bad, good, ...bad])).toEqual([
      true,
      ...bad.map(() => false),
      true,
      ...bad.map(() => false),
    ])
  })

  it('does the jobs of a thread that dies, and replaces it', async () => {
    const workers: Worker[] = []
    const lost: unknown[] = []
    const pool = threaded({
      onThreadLost: (reason) => lost.push(reason),
      spawn: (url, options) => {
        const worker = new Worker(url, options)
        workers.push(worker)
        return worker
      },
    })
    await untilThreaded(pool)
    const list = jobs(2000)
    const answer = pool.verifyAll(list)
    await workers[0]!.terminate()
    expect(await answer).toEqual(expected(list))
    expect(lost).toHaveLength(1)
    expect(workers).toHaveLength(2)
  })

  it('works on the main thread alone when no thread can start', async () => {
    const lost: unknown[] = []
    const pool = threaded({
      onThreadLost: (reason) => lost.push(reason),
      spawn: () => {
        throw new Error('no threads here')
      },
    })
    const list = jobs(1000)
    expect(await pool.verifyAll(list)).toEqual(expected(list))
    expect(lost).toHaveLength(4)
  })

  it('answers what was asked before it closes', async () => {
    const pool = threaded()
    await untilThreaded(pool)
    const list = jobs(1000)
    const answer = pool.verifyAll(list)
    await pool.close()
    expect(await answer).toEqual(expected(list))
  })

  it('does not keep a process alive when nothing waits for it', () => {
    const pool = JSON.stringify(fileURLToPath(new URL('./threaded-signature-pool.ts', import.meta.url)))
    const crypto = JSON.stringify(fileURLToPath(new URL('../crypto/openssl-crypto.ts', import.meta.url)))
    const script = `
      const { ThreadedSignaturePool } = await import(${pool})
      const { opensslCrypto } = await import(${crypto})
      const key = opensslCrypto.generateKeyPair()
      const message = new Uint8Array(10)
      const job = { key: key.publicKey, message, signature: opensslCrypto.sign(key, message) }
      const pool = new ThreadedSignaturePool({ threads: 1 })
      let valid = 0
      while (pool.threadNanoseconds === 0) for (const verdict of await pool.verifyAll(new Array(500).fill(job))) if (!verdict) throw 1
      console.log('threads', pool.threads)`
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 }).toString()
    expect(printed.trim()).toBe('threads 1')
  })

  it('that is inline takes providers of others, and refuses keys of unknown ones', () => {
    const toy: CryptoProvider = { ...opensslCrypto, name: 'toy', verify: () => true }
    const toyKey = { provider: 'toy', raw: new Uint8Array(1) }
    const job = { key: toyKey, message: new Uint8Array(0), signature: new Uint8Array(0) }
    expect(new InlineSignaturePool([toy]).verify(job)).toBe(true)
    expect(() => new InlineSignaturePool().verify(job)).toThrow(expect.objectContaining({ code: 'CRYPTO_UNKNOWN_PROVIDER' }))
  })
})

function nobleVerify(message: Uint8Array, signature: Uint8Array): boolean {
  return nobleCrypto.verify(nobleCrypto.importPublicKey(key.publicKey.raw), message, signature)
}
