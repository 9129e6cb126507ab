import { errorFamily } from '../../model/errors.ts'

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
