import { errorFamily } from '../../model/errors.ts'

/** Errors of ordering, as a submitter, a reader of blocks or an operator meets them. */
export class OrderError extends errorFamily('OrderError', {
  ORDER_EMPTY_ENVELOPE: { duty: 'fix-input', meaning: 'The envelope is empty; send the bytes of a signed envelope.' },
  ORDER_MALFORMED_ENVELOPE: {
    duty: 'fix-input',
    meaning: 'The envelope, its payload or its headers do not parse, or the outer envelope is not in canonical encoding.',
  },
  ORDER_WRONG_CHANNEL: {
    duty: 'fix-input',
    meaning: 'The envelope names another channel; send it to an orderer of that channel.',
  },
  ORDER_UNSUPPORTED_TYPE: {
    duty: 'fix-input',
    meaning: 'Envelopes of this type cannot be ordered; a configuration is changed by a CONFIG_UPDATE envelope.',
  },
  ORDER_TOO_LARGE: {
    duty: 'fix-input',
    meaning: 'Payload and signature exceed the AbsoluteMaxBytes of the channel; send less in one transaction.',
  },
  ORDER_IDENTITY_EXPIRED: { duty: 'fix-input', meaning: 'The certificate of the sender has expired; enrol again.' },
  ORDER_FORBIDDEN: {
    duty: 'fix-input',
    meaning: 'The signature is wrong, the sender is unknown to the channel, or does not satisfy the policy for this.',
  },
  ORDER_MAINTENANCE: {
    duty: 'retry',
    meaning: 'The channel is in maintenance mode and takes no normal transactions; try later.',
  },
  ORDER_CONFIG_REFUSED: {
    duty: 'fix-input',
    meaning: 'The config update cannot be applied to the current configuration; compute it again, with enough signatures.',
  },
  ORDERER_OVERLOADED: { duty: 'retry', meaning: 'Too much is in flight at this orderer; try again later, or at another.' },
  ORDER_UNAVAILABLE: { duty: 'retry', meaning: 'This orderer cannot order now and the envelope was not ordered; try another.' },
  ORDER_ABORTED: { duty: 'retry', meaning: 'The caller gave up before the envelope went to consensus; it was not ordered.' },
  ORDER_OUTCOME_UNKNOWN: {
    duty: 'ask-status',
    meaning: 'The envelope may or may not be ordered; resend the same bytes or ask for the commit status, do not endorse again.',
  },
  ORDER_HALTED: {
    duty: 'tell-operator',
    meaning: 'Ordering of the channel has stopped on this node; the cause names the reason.',
  },
  ORDER_DECISION_GAP: {
    duty: 'tell-operator',
    meaning: 'Consensus decided a block that does not follow the last one; the ordering plugin has to catch up first.',
  },
  ORDER_BAD_DECISION: {
    duty: 'tell-operator',
    meaning: 'Consensus decided a batch that no block may hold (empty, or a config envelope that does not apply).',
  },
  ORDER_BLOCK_REFUSED: {
    duty: 'retry',
    meaning: 'A block from another orderer fails its number, hash chain, signatures or configuration; ask another orderer.',
  },
  ORDER_CATCH_UP_FAILED: { duty: 'retry', meaning: 'No orderer could give the missing blocks; try again when others are up.' },
  ORDER_BLOCK_NOT_FOUND: { duty: 'fix-input', meaning: 'The blocks asked for are not in the chain.' },
  ORDER_CHAIN_EMPTY: {
    duty: 'tell-operator',
    meaning: 'The block store of the channel holds no genesis block; join the channel first.',
  },
}) {}

/** Errors of an ordered log. A log adapter throws these and no others from `append`, `read` and `earliest`. */
export class LogError extends errorFamily('LogError', {
  LOG_UNAVAILABLE: { duty: 'retry', meaning: 'The log cannot be reached and nothing was appended; try again.' },
  LOG_OUTCOME_UNKNOWN: { duty: 'ask-status', meaning: 'Records were perhaps appended; appending them again is harmless.' },
  LOG_TRUNCATED: {
    duty: 'tell-operator',
    meaning:
      'The log no longer holds the records that follow the last block; give the log unlimited retention and restore this orderer from another.',
  },
  LOG_FAILED: {
    duty: 'tell-operator',
    meaning: 'The log has failed for good, such as by a disk error; what was being appended may or may not be in it.',
  },
  LOG_CORRUPT: { duty: 'tell-operator', meaning: 'The log holds a record that no orderer of this channel wrote.' },
  LOG_RECORD_TOO_LARGE: {
    duty: 'fix-input',
    meaning: 'A record exceeds what the log accepts; raise its limit above AbsoluteMaxBytes.',
  },
}) {}
