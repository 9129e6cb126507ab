/** A block as a peer has it committed. */
export interface SeenBlock {
  readonly number: number
  readonly hash: string
  /** Metadata slot of the commit hash, in hex. */
  readonly commitHash: string
  /** Id and validation code of each transaction, in order. */
  readonly transactions: readonly (readonly [txId: string, code: number])[]
}

/** State of a peer at its height. */
export interface SeenState {
  readonly height: number
  readonly halted: string | undefined
  readonly commitHash: string
  readonly contentHash: string
  /** Values of the counters, as chaincode reads them on this peer. */
  readonly counters: Readonly<Record<string, number>>
}

/** What a node under test tells the one who kills it: one JSON array a line. */
export type ReportLine =
  /** The network runs; the orderer has this many blocks. */
  | readonly ['started', height: number]
  | readonly ['block', peer: string, block: SeenBlock]
  | readonly ['state', peer: string, state: SeenState]
  /** Everything that was there at the start has been told. */
  | readonly ['examined']
  /** About to be sent: what is needed to send it again, and the counter that it raises. */
  | readonly ['sending', txId: string, organization: string, counter: string | null, transaction: string]
  /** The orderer acknowledged it. */
  | readonly ['ordered', txId: string]
  /** The gateway's peer told its fate. */
  | readonly ['committed', txId: string, blockNumber: number, code: number]
  | readonly ['configured', blockNumber: number]
  /** A step failed with this code; says nothing of the transaction's fate. */
  | readonly ['refused', code: string]
  | readonly ['fault', code: string, message: string]

/** What the child is told, as its only argument, in JSON. */
export interface ChildOrders {
  readonly folder: string
  /** The mutation: syncs are acknowledged and write nothing. */
  readonly ignoreSync: boolean
  readonly seed: string
  /** First block to tell of. */
  readonly from: number
  /** Ends by itself after having told what is there. */
  readonly examineOnly: boolean
  /** Transactions whose outcome nobody knows; to be sent again. */
  readonly resend: readonly { readonly organization: string; readonly transaction: string }[]
}
