import type { CryptoProvider, PrivateKey, PublicKey, SignaturePool, VerifyJob } from '../../ports/crypto-provider.ts'
import { CryptoError } from '../crypto/errors.ts'
import { cryptoProviders } from '../crypto/providers.ts'

/**
 * Does all signature work on the caller's thread, at once: for tests, for the simulator, and for machines with one core. Also the
 * part of the threaded pool that works on the main thread.
 */
export class InlineSignaturePool implements SignaturePool {
  readonly work = { signatures: 0, verifications: 0, busyNanoseconds: 0 }
  readonly #providers: ReadonlyMap<string, CryptoProvider>

  /** The providers whose keys will come; by default those that core ships. */
  constructor(providers: readonly CryptoProvider[] = cryptoProviders) {
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]))
  }

  #providerOf(key: PublicKey | PrivateKey): CryptoProvider {
    const provider = this.#providers.get(key.provider)
    if (provider === undefined)
      throw new CryptoError('CRYPTO_UNKNOWN_PROVIDER', `the signature pool has no crypto provider ${key.provider}`, {
        provider: key.provider,
      })
    return provider
  }

  verify(job: VerifyJob): boolean {
    const provider = this.#providerOf(job.key)
    const start = performance.now()
    const verdict = provider.verify(job.key, job.message, job.signature)
    this.work.busyNanoseconds += (performance.now() - start) * 1e6
    this.work.verifications++
    return verdict
  }

  verifyAll(jobs: readonly VerifyJob[]): readonly boolean[] {
    return jobs.map((job) => this.verify(job))
  }

  sign(key: PrivateKey, message: Uint8Array): Uint8Array {
    const provider = this.#providerOf(key)
    const start = performance.now()
    const signature = provider.sign(key, message)
    this.work.busyNanoseconds += (performance.now() - start) * 1e6
    this.work.signatures++
    return signature
  }

  async close(): Promise<void> {}
}
