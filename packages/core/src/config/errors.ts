import { errorFamily } from '../model/errors.ts'

/** A configuration that is refused before anything starts. `data.problems` lists every problem with its path and, from a file, its line. */
export class ConfigError extends errorFamily('ConfigError', {
  CONFIG_FILE_UNREADABLE: { duty: 'fix-input', meaning: 'The configuration file cannot be read.' },
  CONFIG_SYNTAX: {
    duty: 'fix-config',
    meaning: 'The configuration file is not valid YAML or JSON; the message has line and column.',
  },
  CONFIG_INVALID: {
    duty: 'fix-config',
    meaning:
      'An option is unknown, missing or out of range; each problem names its path, and the nearest right name of an unknown one.',
  },
  CONFIG_CONTRADICTION: {
    duty: 'fix-config',
    meaning: 'Two options contradict each other, or one names something that another should define.',
  },
  CONFIG_DIFFERS_FROM_LEDGER: {
    duty: 'fix-config',
    meaning:
      'The configuration differs from what the ledger in the data folder says. The ledger governs: change the file back, or send a config update.',
  },
}) {}
