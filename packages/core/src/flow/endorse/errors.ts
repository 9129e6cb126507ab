import { errorFamily } from '../../model/errors.ts'

/** Why an endorser refused a proposal before any chaincode ran. */
export class EndorserError extends errorFamily('EndorserError', {
  ENDORSER_BAD_PROPOSAL: {
    duty: 'fix-input',
    meaning: 'The proposal is malformed, or its parts contradict each other; `data.reason` says how.',
  },
  ENDORSER_PROPOSAL_TOO_LARGE: { duty: 'fix-input', meaning: 'The proposal exceeds the size limit.' },
  ENDORSER_UNKNOWN_CHANNEL: { duty: 'fix-input', meaning: 'This peer has not joined the channel that the proposal names.' },
  ENDORSER_IDENTITY_REFUSED: { duty: 'fix-input', meaning: 'The creator of the proposal is no valid member of the channel.' },
  ENDORSER_IDENTITY_EXPIRED: {
    duty: 'fix-input',
    meaning: "The certificate of the proposal's creator has expired; enrol again.",
  },
  ENDORSER_BAD_SIGNATURE: { duty: 'fix-input', meaning: 'The signature over the proposal is not that of its creator.' },
  ENDORSER_ACCESS_DENIED: {
    duty: 'fix-input',
    meaning: 'The policy of the resource does not admit the creator of the proposal.',
  },
  ENDORSER_DUPLICATE_TRANSACTION: {
    duty: 'fix-input',
    meaning: 'The transaction is in the ledger already; make a new proposal.',
  },
  ENDORSER_OVERLOADED: {
    duty: 'retry',
    meaning: 'The peer endorses as many proposals at once as it may; try again later or elsewhere.',
  },
  ENDORSER_STOPPED: { duty: 'retry', meaning: 'The peer is stopping; ask another one.' },
}) {}
