import { errorFamily } from '@heddle/core/plugin'

/** A listener of Fabric's services that cannot be opened or changed. */
export class ServiceError extends errorFamily('ServiceError', {
  SERVICE_LISTEN_FAILED: {
    duty: 'fix-config',
    meaning: 'A service cannot listen on its address: the port is taken, or the address is not of this machine.',
  },
  SERVICE_BAD_CERTIFICATE: {
    duty: 'fix-config',
    meaning: 'The TLS key or certificate of a service is not readable, or they do not belong together.',
  },
}) {}
