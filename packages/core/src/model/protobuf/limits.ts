/** Bounds of one decode call. */
export interface DecodeLimits {
  /** Length of the whole input, bytes. */
  readonly maxBytes: number
  /** Levels of embedded messages below the outermost one. */
  readonly maxDepth: number
  /** Elements of repeated and map fields, all levels together; an empty element costs two bytes on the wire but an object in memory. */
  readonly maxElements: number
}

export const defaultDecodeLimits: DecodeLimits = Object.freeze({
  // Fabric's peers and orderers accept gRPC messages up to 100 MB.
  maxBytes: 100 * 1024 * 1024,
  // Go allows 10,000, which would overflow a JavaScript stack; Fabric's deepest real message, the config tree, has about 10.
  maxDepth: 200,
  maxElements: 1_000_000,
})
