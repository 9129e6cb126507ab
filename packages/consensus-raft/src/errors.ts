import { errorFamily } from '@heddle/core/plugin'

/** What the write-ahead log of a Raft node reports. */
export class RaftLogError extends errorFamily('RaftLogError', {
  RAFT_LOG_CORRUPT: {
    duty: 'tell-operator',
    meaning:
      'A record of the Raft log that was stored durably is damaged. The node must not vote with a log it cannot trust: stop it, move its Raft folder away, and bring it back as a new consenter.',
  },
  RAFT_LOG_LOST: {
    duty: 'tell-operator',
    meaning:
      'Segment files of the Raft log are missing or end too early. Restore them; when they are gone for good, bring the node back as a new consenter.',
  },
  RAFT_LOG_FORMAT: {
    duty: 'tell-operator',
    meaning: 'The Raft log was written in a format that this version does not know. Use the version that wrote it.',
  },
  RAFT_LOG_FOREIGN: {
    duty: 'tell-operator',
    meaning:
      'The Raft log belongs to another node, or to a channel of another network with the same name. Give each node its own data folder.',
  },
  RAFT_LOG_FAILED: {
    duty: 'tell-operator',
    meaning:
      'The Raft log could not be written or synced. What was not acknowledged may be lost: the log takes nothing more; look at the cause, then start the node again.',
  },
  RAFT_LOG_TOO_LARGE: {
    duty: 'fix-input',
    meaning: 'An entry, a snapshot or one change of the Raft log is larger than its limit. Nothing was written.',
  },
  RAFT_LOG_OUT_OF_ORDER: {
    duty: 'tell-operator',
    meaning: 'A change does not follow from what the Raft log holds: a gap, or a step backwards. Nothing was written.',
  },
  RAFT_LOG_CLOSED: { duty: 'tell-operator', meaning: 'The Raft log was used after it was closed, or opened twice.' },
}) {}
