import { CertificateAuthority } from '../src/adapters/ca/certificate-authority.ts'
import { mspConfig, serializeIdentity } from '../src/adapters/ca/msp-definition.ts'
import { systemClock } from '../src/adapters/environment/clock.ts'
import { noMetrics } from '../src/adapters/environment/metrics.ts'
import { systemRandom } from '../src/adapters/environment/random.ts'
import { silentLogger } from '../src/adapters/environment/silent-logger.ts'
import { X509IdentityProvider } from '../src/adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../src/adapters/signature-pool/inline-signature-pool.ts'
import type { Credentials } from '../src/adapters/tcp-transport/admission.ts'
import type { Endpoint } from '../src/adapters/tcp-transport/listener.ts'
import { MspAdmission } from '../src/adapters/tcp-transport/msp-admission.ts'
import { TcpTransport } from '../src/adapters/tcp-transport/tcp-transport.ts'

const MSP = 'Org1MSP'

/** What two processes must know to be nodes of one network. */
export interface NetworkRecord {
  readonly root: string
  readonly nodes: Readonly<Record<string, Credentials>>
}

/** Two nodes, `a` and `b`, with certificates of one authority. */
export class BenchNetwork {
  readonly record: NetworkRecord
  readonly addresses = new Map<string, Endpoint>()

  constructor(record: NetworkRecord = BenchNetwork.make()) {
    this.record = record
  }

  static make(): NetworkRecord {
    const authority = CertificateAuthority.createRoot({ commonName: 'ca' }, { clock: systemClock, random: systemRandom() })
    const enrol = (name: string): Credentials => {
      const { certificate, privateKey } = authority.issue({ enrolmentId: name, role: 'peer' })
      return { certificates: certificate, privateKey: privateKey! }
    }
    return { root: authority.certificate, nodes: { a: enrol('a'), b: enrol('b') } }
  }

  credentials(name: string): Credentials {
    return this.record.nodes[name]!
  }

  transport(self: string, listen?: Endpoint): TcpTransport {
    const provider = new X509IdentityProvider(new InlineSignaturePool())
    const base = provider.createMembership([mspConfig({ mspId: MSP, roots: [this.record.root] })])
    const credentials = this.credentials(self)
    return new TcpTransport({
      self,
      identity: serializeIdentity(MSP, credentials.certificates),
      credentials,
      ...(listen === undefined ? {} : { listen }),
      addressOf: (name) => this.addresses.get(name),
      admission: new MspAdmission({ clock: systemClock, base, nodes: () => ({ mspId: MSP, role: 'peer' }) }),
      clock: systemClock,
      random: systemRandom(),
      metrics: noMetrics,
      logger: silentLogger,
    })
  }
}
