import { CommitStatusRequest, SignedCommitStatusRequest } from '../model/messages/gateway.ts'
import { sha256 } from '../model/sha256.ts'
import { TxValidationCode, validationCodeName } from '../model/validation-code.ts'
import { Cancellation } from '../ports/cancellation.ts'
import { within } from '../ports/deadlines.ts'
import type { CommitOutcome, Conflict } from './connection.ts'
import type { GatewayContext } from './context.ts'
import { CommitError, CommitStatusError } from './errors.ts'

/** Fate of a transaction on the ledger. */
export interface CommitStatus {
  readonly transactionId: string
  readonly blockNumber: number
  /** TxValidationCode; 0 is VALID. */
  readonly code: number
  /** Name of the code. */
  readonly status: string
  readonly successful: boolean
  /** What the transaction had read and who changed it, after a read conflict. */
  readonly conflict?: Conflict
}

/** Last step: a transaction that was ordered, and whose fate can be asked for. */
export class Commit {
  private readonly context: GatewayContext
  private readonly channel: string
  private readonly transactionId: string
  private readonly signal: AbortSignal | undefined

  /** @internal */
  constructor(context: GatewayContext, channel: string, transactionId: string, signal?: AbortSignal) {
    this.context = context
    this.channel = channel
    this.transactionId = transactionId
    this.signal = signal
  }

  getTransactionId(): string {
    return this.transactionId
  }

  /** gateway.SignedCommitStatusRequest, unsigned: to be kept, and restored by `gateway.newCommit`. */
  getBytes(): Uint8Array {
    return SignedCommitStatusRequest.encode({ request: this.request() })
  }

  /** SHA-256 of what a remote peer would want signed. */
  getDigest(): Uint8Array {
    return sha256(this.request())
  }

  /**
   * Resolves when the gateway's peer has committed the transaction, valid or not.
   * @throws CommitStatusError
   */
  async getStatus(): Promise<CommitStatus> {
    const { context, channel, transactionId } = this
    context.checkOpen()
    const gaveUp = new Cancellation()
    const outcome = await within<CommitOutcome>(
      context.deadlines.commitStatus,
      this.signal,
      () => context.connection.commitStatus({ channel, transactionId, identity: context.identity.identity }, gaveUp),
      (cause) => {
        // Whom nobody asks any more need not remember the question.
        gaveUp.cancel(cause)
        return new CommitStatusError(
          'COMMIT_STATUS_TIMEOUT',
          `transaction ${transactionId} is not committed yet`,
          { transactionId },
          { cause },
        )
      },
    )
    const status = {
      transactionId,
      blockNumber: outcome.blockNumber,
      code: outcome.code,
      status: validationCodeName(outcome.code),
      successful: outcome.code === TxValidationCode.VALID,
    }
    return outcome.conflict === undefined ? status : { ...status, conflict: outcome.conflict }
  }

  private request(): Uint8Array {
    return CommitStatusRequest.encode({
      transactionId: this.transactionId,
      channelId: this.channel,
      identity: this.context.identity.identity,
    })
  }
}

/** A commit from the bytes of {@link Commit.getBytes}. */
export function restoreCommit(context: GatewayContext, bytes: Uint8Array): Commit {
  const { transactionId, channelId } = CommitStatusRequest.decode(SignedCommitStatusRequest.decode(bytes).request)
  return new Commit(context, channelId, transactionId)
}

export function isConflict(code: number): boolean {
  return code === TxValidationCode.MVCC_READ_CONFLICT || code === TxValidationCode.PHANTOM_READ_CONFLICT
}

/** The error that an unsuccessful status means. */
export function commitError(status: CommitStatus): InstanceType<typeof CommitError> {
  const { transactionId, blockNumber, conflict } = status
  const message = `transaction ${transactionId} is in block ${blockNumber} as ${status.status}`
  const data = { transactionId, blockNumber, code: status.code, status: status.status }
  if (!isConflict(status.code)) return new CommitError('TRANSACTION_INVALID', message, data)
  return new CommitError('TRANSACTION_CONFLICT', conflict === undefined ? message : `${message}: ${describe(conflict)}`, {
    ...data,
    conflict,
  })
}

function describe({ namespace, key, read, committed, transactionId }: Conflict): string {
  const version = (at: Conflict['read']) => (at === undefined ? 'no version' : `version ${at.blockNumber}:${at.txNumber}`)
  const writer = transactionId === undefined ? '' : ` written by transaction ${transactionId}`
  return `key ${JSON.stringify(key)} of ${namespace} was read at ${version(read)}, the ledger has ${version(committed)}${writer}`
}
