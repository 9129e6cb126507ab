import { type KVRead, QueryReads, type QueryReadsMerkleSummary } from '../../model/messages/kv-rwset.ts'
import { sha256 } from '../../model/sha256.ts'

/** Fabric's degree: ranges of up to 50 reads are recorded one by one, longer ones as a summary. */
export const RANGE_MERKLE_DEGREE = 50

/** What a range query leaves in the read set: nothing, its reads, or the hashes at the top of a Merkle tree over them. */
export interface RangeSummary {
  readonly rawReads?: KVRead[]
  readonly readsMerkleHashes?: QueryReadsMerkleSummary
}

/**
 * Condenses the results of a range query as Fabric does (core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go).
 *
 * Every `degree + 1` reads are hashed to a node of level 1, every `degree + 1` nodes of a level to one of the next, until at most
 * `degree` nodes are left at the top. Endorsement builds a summary while the chaincode reads; validation builds one over the same
 * range of the committed state, with the degree that the transaction states, and compares.
 */
export class RangeMerkle {
  private readonly degree: number
  private pending: KVRead[] = []
  /** Nodes by level; index 0 is level 1. A level that moved up is empty. */
  private readonly levels: Uint8Array[][] = [[]]

  /** @throws RangeError when the degree is below 2, with which no tree can be built */
  constructor(degree: number = RANGE_MERKLE_DEGREE) {
    if (degree < 2) throw new RangeError(`a Merkle tree needs a degree of 2 or more, not ${degree}`)
    this.degree = degree
  }

  add(read: KVRead): void {
    this.pending.push(read)
    if (this.pending.length > this.degree) this.hashPending()
  }

  /**
   * The top of the tree so far, without the reads not yet hashed: once `maxLevel` exceeds that of the transaction, or the hashes differ
   * at the same level and count, the ranges differ and there is no need to read on.
   */
  partial(): QueryReadsMerkleSummary {
    return { maxDegree: this.degree, maxLevel: this.levels.length, maxLevelHashes: this.levels.at(-1)! }
  }

  /** Ends the tree. Call once. */
  done(): RangeSummary {
    if (this.levels.length === 1 && this.levels[0]!.length === 0) {
      return this.pending.length === 0 ? {} : { rawReads: this.pending }
    }
    if (this.pending.length > 0) this.hashPending()
    // What waits below the top moves up, one node for each level.
    for (let level = 0; level < this.levels.length - 1; level++) {
      const nodes = this.levels[level]!
      if (nodes.length === 0) continue
      this.levels[level + 1]!.push(nodes.length === 1 ? nodes[0]! : sha256(...nodes))
      this.levels[level] = []
    }
    const top = this.levels.at(-1)!
    if (top.length > this.degree) {
      this.levels[this.levels.length - 1] = []
      this.levels.push([sha256(...top)])
    }
    return { readsMerkleHashes: this.partial() }
  }

  private hashPending(): void {
    const node = sha256(QueryReads.encode({ kvReads: this.pending }))
    this.pending = []
    this.levels[0]!.push(node)
    for (let level = 0; this.levels[level]!.length > this.degree; level++) {
      const nodes = this.levels[level]!
      this.levels[level] = []
      if (level + 1 === this.levels.length) this.levels.push([])
      this.levels[level + 1]!.push(sha256(...nodes))
    }
  }
}
