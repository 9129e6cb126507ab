/** A stream of random numbers. */
export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  float(): number
  /** An independent stream, named so that a seeded parent always gives the same child. */
  fork(label: string): Random
}
