import { errorFamily } from '../../model/errors.ts'

/** What a block store reports. */
export class BlockStoreError extends errorFamily('BlockStoreError', {
  LEDGER_BLOCK_CORRUPT: {
    duty: 'tell-operator',
    meaning:
      'A stored block does not match its checksum, number or hash chain. Stop the node, move its ledger folder away and let it fetch the chain from other nodes.',
  },
  LEDGER_BLOCKS_LOST: {
    duty: 'tell-operator',
    meaning:
      'The block files end before blocks that were stored durably: the disk lost what it acknowledged, or an older copy was put back. Restore the files, or fetch the chain from other nodes.',
  },
  LEDGER_FORMAT_UNKNOWN: {
    duty: 'tell-operator',
    meaning: 'The block files were written in a format that this version does not know. Use the version that wrote them.',
  },
  LEDGER_OUT_OF_ORDER: { duty: 'tell-operator', meaning: 'A block was appended that is not the next one of the chain.' },
  LEDGER_CLOSED: { duty: 'tell-operator', meaning: 'The block store was used after it was closed.' },
  LEDGER_WRITE_FAILED: {
    duty: 'tell-operator',
    meaning: 'A block could not be stored durably. The store takes no more blocks; look at the cause, then start the node again.',
  },
}) {}
