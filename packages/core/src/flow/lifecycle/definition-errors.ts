import { errorFamily } from '../../model/errors.ts'

/** A chaincode definition in the state that cannot be read. */
export class DefinitionError extends errorFamily('DefinitionError', {
  DEFINITION_MALFORMED: {
    duty: 'fix-config',
    meaning: 'The definition of a chaincode in the world state cannot be decoded; the organisations have to commit a sound one.',
  },
}) {}
