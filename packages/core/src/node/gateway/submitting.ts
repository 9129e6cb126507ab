import type { SubmitCall } from '../../client/connection.ts'
import { type ErrorDetail, SubmitError } from '../../client/errors.ts'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import { Envelope } from '../../model/messages/common.ts'
import type { BroadcastEndpoint } from '../directory.ts'

/** Brings transactions of one channel to its orderers: taken in turn among those alive, the next one when one fails. */
export class Submitting {
  private readonly orderers: () => readonly BroadcastEndpoint[]
  private turn = 0

  constructor(orderers: () => readonly BroadcastEndpoint[]) {
    this.orderers = orderers
  }

  /**
   * Resolves when the envelope is durably ordered. An orderer that failed after it may have taken the envelope does not end the
   * attempt: the same bytes go to the next one, since the ledger counts a transaction once.
   *
   * @param isCommitted asked at the end, when an outcome is unknown
   * @throws SubmitError
   */
  async submit(call: SubmitCall, signal: AbortSignal | undefined, isCommitted: () => Promise<boolean>): Promise<void> {
    const { transactionId } = call
    const envelope = new EnvelopeView(Envelope.encode({ payload: call.payload, signature: call.signature }))
    const details: ErrorDetail[] = []
    let unknown: unknown
    for (const orderer of this.alive()) {
      try {
        await orderer.broadcast(envelope, signal)
        return
      } catch (error) {
        const duty = error instanceof HeddleError ? error.duty : 'ask-status'
        details.push({
          node: orderer.node,
          mspId: orderer.mspId,
          message: messageOf(error),
          ...(error instanceof HeddleError ? { code: error.code } : {}),
        })
        if (duty === 'ask-status') unknown = error
        else if (duty === 'fix-input' && unknown === undefined)
          throw new SubmitError(
            'SUBMIT_REFUSED',
            `${orderer.node}: ${messageOf(error)}`,
            { transactionId, details },
            { cause: error },
          )
      }
    }
    if (unknown === undefined)
      throw new SubmitError('SUBMIT_UNAVAILABLE', `no orderer of ${call.channel} takes transaction ${transactionId}`, {
        transactionId,
        details,
      })
    if (await isCommitted()) return
    throw new SubmitError(
      'OUTCOME_UNKNOWN',
      `it is not known whether transaction ${transactionId} was ordered`,
      { transactionId, details },
      { cause: unknown },
    )
  }

  private alive(): readonly BroadcastEndpoint[] {
    const orderers = this.orderers()
    if (orderers.length === 1 && orderers[0]!.alive) return orderers
    const alive = orderers.filter((each) => each.alive)
    if (alive.length < 2) return alive
    const first = this.turn++ % alive.length
    return [...alive.slice(first), ...alive.slice(0, first)]
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
