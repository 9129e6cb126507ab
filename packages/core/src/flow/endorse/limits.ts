/** Bounds of what one simulated transaction may do. Equal on all endorsers of a channel, or they will not always agree. */
export interface SimulationLimits {
  /** Bytes of a key in UTF-8. */
  readonly maxKeyBytes: number
  /** Bytes of one value, metadata entry, event or response. */
  readonly maxValueBytes: number
  /** Bytes that reads, writes and queries add to the read-write set, estimated. */
  readonly maxResultsBytes: number
  /** Results of one query. */
  readonly maxQueryResults: number
  /** Open queries of one invocation. */
  readonly maxOpenQueries: number
  /** Chaincodes calling chaincodes, the first one included. */
  readonly maxCallDepth: number
}

export const defaultSimulationLimits: SimulationLimits = Object.freeze({
  // Keys are read, compared and indexed whole; Fabric has no bound but that of its stores.
  maxKeyBytes: 64 * 1024,
  // A transaction over Fabric's AbsoluteMaxBytes of 10 MB is not ordered; leave room for what surrounds the value.
  maxValueBytes: 8 * 1024 * 1024,
  maxResultsBytes: 10 * 1024 * 1024,
  // Fabric's ledger.state.totalQueryLimit. Fabric cuts silently there; we fail, so that nobody takes a part for the whole.
  maxQueryResults: 100_000,
  maxOpenQueries: 1_000,
  maxCallDepth: 32,
})
