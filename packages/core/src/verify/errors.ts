import { errorFamily } from '../model/errors.ts'

/** There is no ledger to verify. */
export class VerifyError extends errorFamily('VerifyError', {
  VERIFY_NO_LEDGER: { duty: 'fix-input', meaning: 'The folder holds neither files NNNN.block nor the block files of a node.' },
  VERIFY_SEVERAL_LEDGERS: { duty: 'fix-input', meaning: 'The folder holds several ledgers; name the folder of one.' },
  VERIFY_FOLDER_UNREADABLE: { duty: 'fix-input', meaning: 'The folder, or a file in it, cannot be read.' },
}) {}
