/** What a process of nodes is asked. */
export type Question = { readonly id: number } & (
  | { readonly ask: 'stop' }
  | { readonly ask: 'state'; readonly channel: string }
  | { readonly ask: 'heights'; readonly channel: string }
  /** Wait until the peer has committed this many blocks. */
  | { readonly ask: 'reach'; readonly channel: string; readonly height: number }
)

/** A question without its number, which who asks gives. */
export type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never

/** State of a peer at its height. */
export interface PeerState {
  readonly height: number
  readonly commitHash: string
  readonly contentHash: string
  /** Id and validation code of every transaction, in the ledger's order. */
  readonly transactions: readonly (readonly [string, number])[]
}

export interface Answer {
  /** Of the question; 0 for what it says unasked. */
  readonly id: number
  readonly started?: true
  readonly state?: PeerState
  readonly heights?: readonly number[]
  readonly height?: number
  readonly error?: string
}
