import assert from 'node:assert/strict'
import type { CryptoProvider, SignaturePool, VerifyJob } from '@heddle/core/plugin'
import { within } from '../patience.ts'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'

/** A pool under test, and a provider whose keys it takes. */
export interface SignaturePoolSubject {
  readonly pool: SignaturePool
  readonly crypto: CryptoProvider
  dispose(): Promise<void>
}

/** How the suite gets its pools. */
export interface SignaturePoolSuite {
  readonly name: string
  create(): Promise<SignaturePoolSubject> | SignaturePoolSubject
  /** Milliseconds after which an answer that does not come counts as lost. Default 10,000. */
  readonly patience?: number
  readonly skips?: readonly Skip[]
}

type Pool = SignaturePoolSubject & { settled<T>(answer: T | Promise<T>, what: string): Promise<T> }

const message = (i: number, length = 40): Uint8Array => new Uint8Array(length).fill(i & 0xff).with(0, i >> 8)

/** Jobs of several keys, of which those at `bad` do not verify, each for a reason of its own. */
function jobs({ crypto }: SignaturePoolSubject, count: number, isBad: (i: number) => boolean): VerifyJob[] {
  const keys = Array.from({ length: 5 }, () => crypto.generateKeyPair())
  return Array.from({ length: count }, (_, i) => {
    const key = keys[i % keys.length]!
    const signature = crypto.sign(key, message(i))
    const good = { key: key.publicKey, message: message(i), signature }
    if (!isBad(i)) return good
    const worse: VerifyJob[] = [
      { ...good, message: message(i + 1) },
      { ...good, key: keys[(i + 1) % keys.length]!.publicKey },
      { ...good, signature: signature.slice(0, -1) },
      { ...good, signature: new Uint8Array(0) },
      { ...good, signature: new Uint8Array(5000).fill(0x30) },
    ]
    return worse[Math.floor(i / 3) % worse.length]!
  })
}

const tests: Record<string, (subject: Pool) => Promise<void>> = {
  'verdicts come in the order of the jobs': async (subject) => {
    const isBad = (i: number): boolean => i % 7 === 3
    const verdicts = await subject.settled(subject.pool.verifyAll(jobs(subject, 60, isBad)), 'verdicts')
    assert.deepEqual(
      [...verdicts],
      Array.from({ length: 60 }, (_, i) => !isBad(i)),
    )
  },

  'many jobs at once, from several callers, are not mixed up': async (subject) => {
    const list = jobs(subject, 400, (i) => i % 3 === 0)
    const expected = list.map((_, i) => i % 3 !== 0)
    const batches = [0, 100, 200, 300].map((from) => subject.pool.verifyAll(list.slice(from, from + 100)))
    const single = list.map((job) => subject.pool.verify(job))
    const verdicts = await subject.settled(Promise.all(batches), 'verdicts of four batches')
    assert.deepEqual(verdicts.flat(), expected)
    assert.deepEqual(await subject.settled(Promise.all(single), 'single verdicts'), expected)
  },

  'an empty list has an empty answer': async (subject) => {
    assert.deepEqual([...(await subject.settled(subject.pool.verifyAll([]), 'no verdicts'))], [])
  },

  'one bad signature, however malformed, leaves the others alone': async (subject) => {
    const list = jobs(subject, 20, (i) => i === 9)
    for (let kind = 0; kind < 15; kind += 3) {
      const bad = jobs(subject, kind + 1, (i) => i === kind)[kind]!
      const verdicts = await subject.settled(subject.pool.verifyAll(list.with(9, bad)), 'verdicts')
      assert.deepEqual(
        [...verdicts],
        list.map((_, i) => i !== 9),
      )
    }
  },

  'what it signs verifies, under load as well': async (subject) => {
    const keys = Array.from({ length: 3 }, () => subject.crypto.generateKeyPair())
    const signing = Array.from({ length: 400 }, (_, i) => subject.pool.sign(keys[i % 3]!, message(i)))
    const signatures = await subject.settled(Promise.all(signing), 'signatures')
    const wrong = signatures.filter((signature, i) => !subject.crypto.verify(keys[i % 3]!.publicKey, message(i), signature))
    assert.equal(wrong.length, 0)
  },

  'large messages are signed and verified like small ones': async (subject) => {
    const key = subject.crypto.generateKeyPair()
    for (const length of [0, 1, 64 << 10, 8 << 20]) {
      const large = new Uint8Array(length).fill(3)
      const signature = await subject.settled(subject.pool.sign(key, large), `a signature over ${length} bytes`)
      const job = { key: key.publicKey, message: large, signature }
      const verdicts = await subject.settled(subject.pool.verifyAll([job, { ...job, message: message(1) }]), 'verdicts')
      assert.deepEqual([...verdicts], [true, false])
    }
  },

  'work is counted once, and takes time': async (subject) => {
    const list = jobs(subject, 300, (i) => i % 50 === 0)
    const before = { ...subject.pool.work }
    await subject.settled(subject.pool.verifyAll(list), 'verdicts')
    const key = subject.crypto.generateKeyPair()
    await subject.settled(Promise.all(list.slice(0, 30).map((_, i) => subject.pool.sign(key, message(i)))), 'signatures')
    const { signatures, verifications, busyNanoseconds } = subject.pool.work
    assert.equal(verifications - before.verifications, 300)
    assert.equal(signatures - before.signatures, 30)
    assert.ok(busyNanoseconds > before.busyNanoseconds)
  },

  'a key of an unknown provider is an error with a code, not a verdict': async (subject) => {
    const [job] = jobs(subject, 1, () => false)
    const key = { ...job!.key, provider: 'nobody', raw: job!.key.raw }
    const failed = (error: unknown): boolean => typeof (error as { code?: unknown }).code === 'string'
    await assert.rejects(subject.settled((async () => subject.pool.verify({ ...job!, key }))(), 'an error'), failed)
    assert.equal(await subject.settled(subject.pool.verify(job!), 'a verdict'), true)
  },

  'closing leaves nobody without an answer': async (subject) => {
    const list = jobs(subject, 500, () => false)
    const answers = [subject.pool.verifyAll(list), ...list.slice(0, 100).map((job) => subject.pool.verify(job))]
    await subject.settled(subject.pool.close(), 'the end')
    const outcomes = await subject.settled(Promise.allSettled(answers), 'an outcome for each')
    for (const outcome of outcomes)
      if (outcome.status === 'fulfilled') assert.ok([outcome.value].flat().every((verdict) => verdict === true))
  },

  'it can be closed twice': async (subject) => {
    await subject.settled(subject.pool.verifyAll(jobs(subject, 300, () => false)), 'verdicts')
    await subject.settled(subject.pool.close(), 'the end')
    await subject.settled(subject.pool.close(), 'the end')
  },
}

/** Conformance of a signature pool: verdicts, order, counts and the end, whatever thread does the work. */
export function signaturePoolConformance(api: TestApi, suite: SignaturePoolSuite): void {
  const patience = suite.patience ?? 10_000
  const create = async (): Promise<Pool> => {
    const subject = await suite.create()
    return { ...subject, settled: (answer, what) => within(patience, Promise.resolve(answer), what) }
  }
  registerSuite(api, `SignaturePool: ${suite.name}`, create, (subject) => subject.dispose(), tests, suite.skips)
}
