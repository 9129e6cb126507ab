import { errorFamily } from '../../model/errors.ts'

/** What a state database reports, whichever adapter it is. */
export class StateError extends errorFamily('StateError', {
  STATE_DB_CLOSED: { duty: 'tell-operator', meaning: 'The state database was used before it was opened or after it was closed.' },
  STATE_DB_CORRUPT: {
    duty: 'tell-operator',
    meaning: 'The state database is damaged. Remove its folder and start again: it is rebuilt from the blocks.',
  },
  STATE_DB_LOCKED: { duty: 'tell-operator', meaning: 'Another process has this state database open. Stop it first.' },
  STATE_DB_FAILED: { duty: 'tell-operator', meaning: 'The state database could not read or write. Look at the cause.' },
  STATE_DB_FORMAT_UNKNOWN: {
    duty: 'tell-operator',
    meaning:
      'The state database was written in a format that this version does not know. Use the version that wrote it, or remove its folder: it is rebuilt from the blocks.',
  },
  STATE_DB_NOT_ASCENDING: {
    duty: 'tell-operator',
    meaning: 'A batch was committed at or below the height of the one before it.',
  },
  STATE_SNAPSHOT_RELEASED: { duty: 'fix-input', meaning: 'A snapshot of the state was used after it was released.' },
  STATE_TOO_MANY_SNAPSHOTS: { duty: 'retry', meaning: 'Too many snapshots or iterators of the state are open at once.' },
}) {}
