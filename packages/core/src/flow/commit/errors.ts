import { errorFamily } from '../../model/errors.ts'

/** The ledger of a peer's channel cannot go on. */
export class PeerLedgerError extends errorFamily('PeerLedgerError', {
  PEER_LEDGER_STATE_AHEAD: {
    duty: 'tell-operator',
    meaning:
      'A state or history database holds blocks that the block store does not: blocks were lost, or files of two ledgers were mixed.',
  },
  PEER_LEDGER_NOT_NEXT: { duty: 'tell-operator', meaning: 'A block was committed that is not the next one.' },
  PEER_LEDGER_COMMIT_FAILED: {
    duty: 'tell-operator',
    meaning:
      'A block could not be written; the ledger takes no further blocks. Repair the disk and start the node again: it recovers.',
  },
  PEER_LEDGER_NO_CONFIG: {
    duty: 'tell-operator',
    meaning: 'The state holds no channel configuration: the genesis block is missing.',
  },
}) {}
