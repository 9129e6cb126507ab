import { errorFamily } from '../../model/errors.ts'

/** What a key history reports. */
export class HistoryError extends errorFamily('HistoryError', {
  HISTORY_LOCKED: { duty: 'tell-operator', meaning: 'Another process has this key history open. Stop it first.' },
  HISTORY_CORRUPT: {
    duty: 'tell-operator',
    meaning: 'The key history is damaged. Remove its folder and start again: it is rebuilt from the blocks.',
  },
  HISTORY_FORMAT_UNKNOWN: {
    duty: 'tell-operator',
    meaning:
      'The key history was written in a format that this version does not know. Use the version that wrote it, or remove its folder: it is rebuilt from the blocks.',
  },
  HISTORY_FAILED: { duty: 'tell-operator', meaning: 'The key history could not read or write. Look at the cause.' },
}) {}
