import { errorFamily } from '../../model/errors.ts'

/** What the store of private values reports. */
export class PrivateStoreError extends errorFamily('PrivateStoreError', {
  PRIVATE_STORE_CORRUPT: {
    duty: 'tell-operator',
    meaning:
      'The file of private values is damaged. Take a copy of it back, or remove it and let the organisation approve its chaincodes again.',
  },
  PRIVATE_STORE_FORMAT_UNKNOWN: {
    duty: 'tell-operator',
    meaning: 'The file of private values was written in a format that this version does not know. Use the version that wrote it.',
  },
  PRIVATE_STORE_FAILED: {
    duty: 'tell-operator',
    meaning: 'A private value could not be made durable; the peer keeps none until it is started again.',
  },
}) {}
