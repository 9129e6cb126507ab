import { errorFamily } from '../model/errors.ts'

/**
 * What can go wrong with a chaincode. Those of the first group come out of an endorsement; those of the second are thrown at the
 * chaincode by its stub: it may catch them, else they become a response of status 500.
 */
export class ChaincodeError extends errorFamily('ChaincodeError', {
  CHAINCODE_NOT_DEFINED: {
    duty: 'fix-input',
    meaning: 'No definition of this chaincode is committed to the channel; check the name.',
  },
  CHAINCODE_NOT_APPROVED: {
    duty: 'fix-config',
    meaning: "The peer's own organisation has not approved the committed definition of this chaincode.",
  },
  CHAINCODE_NOT_INSTALLED: {
    duty: 'fix-config',
    meaning: 'The chaincode is defined on the channel, but this peer has no code for it.',
  },
  CHAINCODE_NOT_INITIALIZED: {
    duty: 'fix-input',
    meaning: 'The definition asks for initialisation: invoke it once as init first.',
  },
  CHAINCODE_INIT_REFUSED: {
    duty: 'fix-input',
    meaning: 'The chaincode was invoked as init, but its definition asks for none, or it is initialised already.',
  },
  CHAINCODE_LOAD_FAILED: {
    duty: 'fix-chaincode',
    meaning: 'The code of a chaincode could not be loaded, or it is not a chaincode.',
  },
  CHAINCODE_TIMEOUT: { duty: 'fix-chaincode', meaning: 'The chaincode did not answer within the time limit of an invocation.' },
  CHAINCODE_CRASHED: {
    duty: 'fix-chaincode',
    meaning:
      'The chaincode ended its worker: it exited, ran out of memory, or threw outside an invocation. The worker starts again.',
  },
  CHAINCODE_BAD_RESPONSE: {
    duty: 'fix-chaincode',
    meaning: 'The chaincode returned neither bytes, text, nothing, nor a response of status, message and payload.',
  },
  CHAINCODE_RESPONSE_TOO_LARGE: {
    duty: 'fix-chaincode',
    meaning: 'Payload or message of a chaincode response exceeds the limit.',
  },
  CHAINCODE_NOT_INVOKABLE: {
    duty: 'fix-input',
    meaning: 'A system chaincode that may not be called from another chaincode was called.',
  },
  CHAINCODE_CALLS_TOO_DEEP: { duty: 'fix-chaincode', meaning: 'Chaincodes call each other deeper than the limit.' },
  CHAINCODE_RUNTIME_STOPPED: { duty: 'retry', meaning: 'The runtime of the chaincode was stopped.' },

  CHAINCODE_BAD_KEY: {
    duty: 'fix-chaincode',
    meaning: 'A key, or a part of a composite key, is empty, too long, or holds a forbidden character.',
  },
  CHAINCODE_BAD_ARGUMENT: {
    duty: 'fix-chaincode',
    meaning: 'A method of the stub was called with an argument of the wrong type or range.',
  },
  CHAINCODE_VALUE_TOO_LARGE: { duty: 'fix-chaincode', meaning: 'A value, metadata or event exceeds the limit.' },
  CHAINCODE_RESULTS_TOO_LARGE: { duty: 'fix-chaincode', meaning: 'One transaction reads and writes more than the limit.' },
  CHAINCODE_QUERY_TOO_LARGE: { duty: 'fix-chaincode', meaning: 'A query returned more results than the limit; use pages.' },
  CHAINCODE_TOO_MANY_QUERIES: {
    duty: 'fix-chaincode',
    meaning: 'One invocation holds more open queries than the limit; close them.',
  },
  CHAINCODE_UNKNOWN_QUERY: { duty: 'fix-chaincode', meaning: 'A query was continued that is closed or exhausted.' },
  CHAINCODE_BAD_BOOKMARK: { duty: 'fix-input', meaning: 'A bookmark lies outside the range of its query.' },
  CHAINCODE_PAGED_QUERY_AND_WRITE: {
    duty: 'fix-chaincode',
    meaning: 'A transaction both writes and makes a paged query; paged queries are for transactions that only read.',
  },
  CHAINCODE_QUERY_NOT_SUPPORTED: { duty: 'fix-config', meaning: 'The state database of this peer has no rich queries.' },
  CHAINCODE_HISTORY_NOT_SUPPORTED: { duty: 'fix-config', meaning: 'This peer keeps no history of keys.' },
  PRIVATE_DATA_NOT_SUPPORTED: {
    duty: 'fix-chaincode',
    meaning: 'Private data collections are not supported yet; only hashes can be read.',
  },
  PRIVATE_DATA_UNAVAILABLE: {
    duty: 'tell-operator',
    meaning: 'The hash of a private value is committed, but this peer does not hold the value.',
  },
  CHAINCODE_INVOCATION_ENDED: { duty: 'fix-chaincode', meaning: 'The stub was used after its invocation had ended.' },
}) {}
