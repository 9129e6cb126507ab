import { errorFamily } from '../../model/errors.ts'

/**
 * Validation of a channel cannot go on: what failed is the node, not a transaction. Nothing was marked invalid; the same block may be
 * validated again once the cause is gone.
 */
export class ValidationHalted extends errorFamily('ValidationHalted', {
  VALIDATION_STATE_UNAVAILABLE: {
    duty: 'tell-operator',
    meaning:
      'The state database or the block store failed while a block was validated; nothing was marked invalid. Repair the node.',
  },
  VALIDATION_SIGNATURES_UNAVAILABLE: {
    duty: 'tell-operator',
    meaning: 'The identity provider failed to check signatures; nothing was marked invalid. Repair the node.',
  },
  VALIDATION_PLUGIN_UNKNOWN: {
    duty: 'tell-operator',
    meaning: 'A chaincode definition names a validation plugin that this node does not have; only `vscc` is built in.',
  },
}) {}

/** A block that must not be validated, whatever its source: the sender is at fault, and is to be noted. */
export class BlockRefused extends errorFamily('BlockRefused', {
  BLOCK_WRONG_NUMBER: { duty: 'retry', meaning: 'The block is not the next one of the chain.' },
  BLOCK_WRONG_PREVIOUS_HASH: {
    duty: 'tell-operator',
    meaning: 'The block does not continue this chain: its previous hash is another.',
  },
  BLOCK_WRONG_DATA_HASH: { duty: 'tell-operator', meaning: 'The data hash in the header is not that of the transactions.' },
  BLOCK_WRONG_CHANNEL: { duty: 'tell-operator', meaning: 'The first transaction of the block belongs to another channel.' },
  BLOCK_NOT_CANONICAL: {
    duty: 'tell-operator',
    meaning: 'A transaction in the block is empty, unsigned, or not in the one encoding that its data hash may cover.',
  },
  BLOCK_BAD_METADATA: { duty: 'tell-operator', meaning: 'The signatures in the block metadata are missing or cannot be read.' },
  BLOCK_NOT_SIGNED: { duty: 'tell-operator', meaning: 'The signatures of the block do not satisfy the BlockValidation policy.' },
}) {}
