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
  COMMAND_NO_SERVICE: {
    duty: 'fix-config',
    meaning: "The configuration gives no peer of the organisation an address under 'services', or it was never started.",
  },
  COMMAND_NO_IDENTITY: { duty: 'fix-input', meaning: 'The folder of the network holds no certificate and key of that user.' },
  COMMAND_UNREACHABLE: { duty: 'retry', meaning: 'No node answers at the address that the configuration gives; is it running?' },
  COMMAND_REFUSED: {
    duty: 'fix-input',
    meaning: 'The network refused the request; the message and `data.details` tell what each node said.',
  },
  COMMAND_BAD_ARGUMENT: { duty: 'fix-input', meaning: 'An argument of the command is none; the message says what it may be.' },
}) {}

/** What `heddle verify` found. */
export class VerificationFailed extends errorFamily('VerificationFailed', {
  LEDGER_DIFFERS: {
    duty: 'tell-operator',
    meaning: 'A ledger is not what its own transactions make it: damaged, or tampered with; `data.firstDifference` says where.',
  },
}) {}
