import { errorFamily } from '../../model/errors.ts'

/** Errors of the certificate authority and of MSP folders. */
export class CaError extends errorFamily('CaError', {
  CA_UNKNOWN_REGISTRATION: { duty: 'fix-input', meaning: 'Nobody is registered under this enrolment id; register first.' },
  CA_ALREADY_REGISTERED: { duty: 'fix-input', meaning: 'The enrolment id is taken; choose another one.' },
  CA_WRONG_SECRET: { duty: 'fix-input', meaning: 'The enrolment secret is not the one that registration gave.' },
  CA_ENROLMENTS_EXHAUSTED: {
    duty: 'fix-input',
    meaning: 'The registration allows no further enrolment; register with a higher limit.',
  },
  CA_BAD_REQUEST: {
    duty: 'fix-input',
    meaning: 'The certificate signing request is malformed, not signed by its own key, or for another kind of key than P-256.',
  },
  CA_UNKNOWN_CERTIFICATE: { duty: 'fix-input', meaning: 'This authority issued no certificate with that serial number.' },
  CA_PATH_LENGTH: { duty: 'fix-config', meaning: 'This authority may not issue the certificate of a further authority.' },
  CA_EXPIRED: { duty: 'tell-operator', meaning: 'The certificate of the authority has expired; it can issue nothing.' },
  CA_BAD_FOLDER: {
    duty: 'fix-config',
    meaning: 'The MSP folder lacks a file or holds one that is not readable; the message names it.',
  },
}) {}
