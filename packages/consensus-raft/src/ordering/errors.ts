import { errorFamily } from '@heddle/core/plugin'

/** What the Raft ordering of a node reports beside refusals of envelopes. */
export class RaftError extends errorFamily('RaftError', {
  RAFT_ENTRY_UNREADABLE: {
    duty: 'tell-operator',
    meaning: 'A committed entry holds nothing that this version can read; run the version that the other consenters run.',
  },
  RAFT_BAD_OPTIONS: {
    duty: 'fix-config',
    meaning: 'Options of the Raft ordering that do not fit together; the message says which.',
  },
  RAFT_NODE_FAILED: {
    duty: 'tell-operator',
    meaning:
      'Ordering ended on this node to protect what was promised; the cause names the reason. Look at the disk, then start the node again.',
  },
}) {}
