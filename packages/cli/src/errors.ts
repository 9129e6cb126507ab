import { errorFamily } from '@heddle/core/plugin'

/** A command that cannot do what it was asked to. */
export class CommandError extends errorFamily('CommandError', {
  COMMAND_NO_CHAINCODE: {
    duty: 'fix-input',
    meaning: 'The folder holds no chaincode: a package.json, and a main module or TypeScript sources, are needed.',
  },
  COMMAND_COMPILE_FAILED: {
    duty: 'fix-chaincode',
    meaning: 'The TypeScript sources of the chaincode do not compile; the message names the file and the place.',
  },
  COMMAND_PORT_TAKEN: {
    duty: 'fix-config',
    meaning: 'Another program listens on a port that the network needs; stop it, or choose other ports.',
  },
  COMMAND_BAD_ARGUMENT: { duty: 'fix-input', meaning: 'An argument of the command is none; the message says what it may be.' },
}) {}
