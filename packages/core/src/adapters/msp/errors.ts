import { errorFamily } from '../../model/errors.ts'

/** Why an identity or the definition of an MSP is not accepted. `data` names the MSP and, where known, subject and serial number. */
export class IdentityError extends errorFamily('IdentityError', {
  IDENTITY_BAD_MSP_CONFIG: {
    duty: 'fix-config',
    meaning: 'The definition of an MSP is not usable: the message says which certificate or list, and why.',
  },
  IDENTITY_UNKNOWN_MSP: { duty: 'fix-input', meaning: 'The identity names an MSP that is no member of the channel.' },
  IDENTITY_MALFORMED: { duty: 'fix-input', meaning: 'The bytes are no serialized identity with an X.509 certificate in PEM.' },
  IDENTITY_UNSUPPORTED_KEY: {
    duty: 'fix-input',
    meaning: 'The certificate holds a key other than ECDSA on P-256; enrol again with such a key.',
  },
  IDENTITY_NOT_TRUSTED: {
    duty: 'fix-input',
    meaning: 'The certificate has no unique valid chain to a root of its MSP, or is the certificate of an authority.',
  },
  IDENTITY_REVOKED: { duty: 'fix-input', meaning: 'The certificate is on a revocation list of its MSP.' },
  IDENTITY_BAD_ROLE: {
    duty: 'fix-input',
    meaning: 'The organizational units of the certificate do not give exactly one role, or not one that its MSP accepts.',
  },
  IDENTITY_EXPIRED: { duty: 'fix-input', meaning: 'The certificate has expired; renew it and send again.' },
}) {}
