import { errorFamily } from '../model/errors.ts'

/** What one node said when it refused or failed a request; in `data.details` of the errors below. */
export interface ErrorDetail {
  /** Name of the node. */
  readonly node: string
  readonly mspId: string
  /** Code of the node's own error, where it had one. */
  readonly code?: string
  readonly message: string
}

/** Wrong use of the client, before anything is sent. */
export class GatewayError extends errorFamily('GatewayError', {
  GATEWAY_CLOSED: { duty: 'fix-input', meaning: 'The gateway or its network was closed; open another one.' },
  GATEWAY_BAD_ARGUMENT: {
    duty: 'fix-input',
    meaning: 'An argument of a client call has the wrong type or form; the message names it.',
  },
  GATEWAY_UNKNOWN_CHANNEL: {
    duty: 'fix-input',
    meaning: 'No node behind this gateway has joined the channel; `data.channels` lists those there are.',
  },
  GATEWAY_NO_SIGNER: {
    duty: 'fix-input',
    meaning: 'The identity has no key here: sign the digest elsewhere and hand the signature in with `withSignature`.',
  },
}) {}

/** A query got no answer. Nothing was written. */
export class EvaluateError extends errorFamily('EvaluateError', {
  EVALUATE_REFUSED: {
    duty: 'fix-input',
    meaning: 'The chaincode or the peer refused the query; `data.details` has its answer, `data.status` the status.',
  },
  EVALUATE_UNAVAILABLE: { duty: 'retry', meaning: 'No peer that may answer the query is alive.' },
  EVALUATE_TIMEOUT: { duty: 'retry', meaning: 'No peer answered the query in time.' },
}) {}

/** A proposal did not get the endorsements that it needs. Nothing was ordered. */
export class EndorseError extends errorFamily('EndorseError', {
  ENDORSE_REFUSED: {
    duty: 'fix-input',
    meaning: "A peer or the chaincode refused the proposal; `data.details` tells each endorser's answer.",
  },
  ENDORSERS_DISAGREE: {
    duty: 'fix-chaincode',
    meaning:
      'Endorsers computed different results: the chaincode is not deterministic, or their states differ. `data.difference` names the first difference.',
  },
  ENDORSE_POLICY_UNSATISFIABLE: {
    duty: 'tell-operator',
    meaning: 'No set of peers that this gateway knows can satisfy the endorsement policy.',
  },
  ENDORSE_UNAVAILABLE: { duty: 'retry', meaning: 'Peers that the endorsement needs are down; `data.details` names them.' },
  ENDORSE_TIMEOUT: { duty: 'retry', meaning: 'The endorsements did not arrive in time; nothing was ordered.' },
}) {}

/** A transaction was not taken by the ordering service, or it is not known whether it was. */
export class SubmitError extends errorFamily('SubmitError', {
  SUBMIT_REFUSED: {
    duty: 'fix-input',
    meaning: 'The ordering service refuses this transaction and always will; `data.details` has the reason.',
  },
  SUBMIT_UNAVAILABLE: {
    duty: 'retry',
    meaning: 'No orderer took the transaction; it was not ordered. The same transaction may be submitted again.',
  },
  OUTCOME_UNKNOWN: {
    duty: 'ask-status',
    meaning:
      'An orderer may have taken the transaction, but no answer came. Submit the same transaction again or ask for its commit status; do not endorse anew.',
  },
}) {}

/** The fate of a transaction could not be learned. */
export class CommitStatusError extends errorFamily('CommitStatusError', {
  COMMIT_STATUS_TIMEOUT: {
    duty: 'ask-status',
    meaning: 'The transaction was not committed within the time allowed; it may still be. Ask again.',
  },
  COMMIT_STATUS_REFUSED: {
    duty: 'fix-input',
    meaning: 'Who asks may not read this channel: no valid member of it, or its policy for readers is not met.',
  },
  COMMIT_STATUS_UNAVAILABLE: { duty: 'ask-status', meaning: 'No peer can tell the status now. Ask again.' },
}) {}

/** A transaction was ordered and every peer found it invalid: it changed nothing. */
export class CommitError extends errorFamily('CommitError', {
  TRANSACTION_CONFLICT: {
    duty: 'retry',
    meaning:
      'What the transaction had read was changed before it committed (MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT): propose it anew. `data.conflict` names key, versions and writer.',
  },
  TRANSACTION_INVALID: {
    duty: 'fix-input',
    meaning: 'The transaction is on the ledger but invalid; `data.status` names its validation code.',
  },
}) {}

/** A stream of events ended for a reason of its own. */
export class EventsError extends errorFamily('EventsError', {
  EVENTS_UNAVAILABLE: { duty: 'retry', meaning: 'No peer can serve events now; resume from the checkpoint.' },
  EVENTS_REFUSED: {
    duty: 'fix-input',
    meaning: 'Who asks may not read this channel, or may no longer: no valid member of it, or its policy for readers is not met.',
  },
  CHECKPOINT_CORRUPT: {
    duty: 'tell-operator',
    meaning: 'The checkpoint file cannot be read; remove it to start from the beginning, or restore it.',
  },
}) {}
