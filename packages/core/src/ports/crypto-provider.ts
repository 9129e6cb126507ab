import type { Awaitable } from './lifecycle.ts'

/** A public key that a provider imported; opaque to everyone else. */
export interface PublicKey {
  readonly provider: string
  /** Uncompressed point, 65 bytes for P-256. */
  readonly raw: Uint8Array
}

/** A private key of a provider; opaque to everyone else. */
export interface PrivateKey {
  readonly provider: string
  readonly publicKey: PublicKey
}

/**
 * ECDSA P-256 over SHA-256. Signatures are DER, low-S only.
 *
 * Providers are bit-compatible: on every input two providers give the same verdict. A verdict is never a throw.
 */
export interface CryptoProvider {
  readonly name: string
  generateKeyPair(): PrivateKey
  /** Throws CRYPTO_BAD_KEY when the point is not on the curve, is at infinity, or has the wrong length. */
  importPublicKey(point: Uint8Array): PublicKey
  /** From PKCS#8 DER. */
  importPrivateKey(pkcs8: Uint8Array): PrivateKey
  exportPrivateKey(key: PrivateKey): Uint8Array
  sign(key: PrivateKey, message: Uint8Array): Uint8Array
  /** False for a wrong signature, for any deviation from DER, for high S, for r or s out of range. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean
}

/** One signature to check. */
export interface VerifyJob {
  readonly key: PublicKey
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Does signature work on all cores. One pool serves the nodes of a process: it shares processors, never verdicts;
 * what a node remembers of verified signatures is its own.
 */
export interface SignaturePool {
  /**
   * Verdicts in the order of the jobs: one promise for a whole block. Here and below the answer comes at once, without a promise,
   * where the pool does the work itself: a lone job does not wait for a thread.
   */
  verifyAll(jobs: readonly VerifyJob[]): Awaitable<readonly boolean[]>
  verify(job: VerifyJob): Awaitable<boolean>
  sign(key: PrivateKey, message: Uint8Array): Awaitable<Uint8Array>
  /** Operations done and the time spent inside them (nanoseconds, all threads), for benchmarks and metrics. */
  readonly work: { readonly signatures: number; readonly verifications: number; readonly busyNanoseconds: number }
  close(): Promise<void>
}
