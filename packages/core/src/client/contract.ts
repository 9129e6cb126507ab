import { type Commit, type CommitStatus, commitError } from './commit.ts'
import type { GatewayContext } from './context.ts'

import { type CallArguments, parseCall } from './options.ts'
import { newProposal, type Proposal } from './proposal.ts'

/** A transaction that was ordered, with what the chaincode returned. */
export class SubmittedTransaction {
  private readonly commit: Commit
  private readonly result: Uint8Array

  /** @internal */
  constructor(commit: Commit, result: Uint8Array) {
    this.commit = commit
    this.result = result
  }

  getTransactionId(): string {
    return this.commit.getTransactionId()
  }

  /** What the chaincode returned when it was endorsed; only a successful status makes it count. */
  getResult(): Uint8Array {
    return this.result
  }

  /** @throws CommitStatusError */
  getStatus(): Promise<CommitStatus> {
    return this.commit.getStatus()
  }
}

/** One chaincode on one channel. */
export class Contract {
  readonly channel: string
  readonly name: string
  private readonly context: GatewayContext
  private readonly prefix: string

  /** @internal */
  constructor(context: GatewayContext, channel: string, name: string, contractName?: string) {
    this.context = context
    this.channel = channel
    this.name = name
    // As Fabric: a chaincode may hold several contracts, `contract:function` selects one.
    this.prefix = contractName === undefined ? '' : `${contractName}:`
  }

  /**
   * Asks one peer. Nothing is written.
   * @throws EvaluateError
   */
  evaluate(name: string, ...args: CallArguments): Promise<Uint8Array> {
    return this.newProposal(name, ...args).evaluate()
  }

  /**
   * Endorses, orders and waits for the commit; resolves with what the chaincode returned.
   *
   * @throws EndorseError, SubmitError, CommitStatusError
   * @throws CommitError when the transaction is on the ledger but invalid; after a read conflict `retryConflicts` proposes anew
   */
  async submit(name: string, ...args: CallArguments): Promise<Uint8Array> {
    const call = parseCall(name, args, this.prefix)
    for (let left = call.options.retryConflicts ?? 0; ; left--) {
      const transaction = await newProposal(this.context, this.channel, this.name, call).endorse()
      const status = await (await transaction.submit()).getStatus()
      if (status.successful) return transaction.getResult()
      const error = commitError(status)
      if (left <= 0 || error.code !== 'TRANSACTION_CONFLICT' || call.options.signal?.aborted === true) throw error
    }
  }

  /**
   * Endorses and orders; the commit is asked for with `getStatus`.
   * @throws EndorseError, SubmitError
   */
  async submitAsync(name: string, ...args: CallArguments): Promise<SubmittedTransaction> {
    const transaction = await this.newProposal(name, ...args).endorse()
    const commit = await transaction.submit()
    return new SubmittedTransaction(commit, transaction.getResult())
  }

  /** The first of the steps that {@link Contract.submit} takes at once. */
  newProposal(name: string, ...args: CallArguments): Proposal {
    return newProposal(this.context, this.channel, this.name, parseCall(name, args, this.prefix))
  }
}
