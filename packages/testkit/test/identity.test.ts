import { describe, it } from 'vitest'
import { identityConformance } from '../src/identity-conformance/suite.ts'
import { x509Subject } from './x509-identity.fixture.ts'

identityConformance({ describe, it }, { name: 'X.509, OpenSSL', create: () => x509Subject('openssl') })
identityConformance({ describe, it }, { name: 'X.509, noble', create: () => x509Subject('noble') })
