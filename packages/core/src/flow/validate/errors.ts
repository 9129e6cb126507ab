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
