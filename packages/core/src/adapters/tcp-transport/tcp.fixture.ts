import type { Membership } from '../../ports/identity.ts'
import { CertificateAuthority, type EnrolmentRole } from '../ca/certificate-authority.ts'
import { mspConfig, serializeIdentity } from '../ca/msp-definition.ts'
import { systemClock } from '../environment/clock.ts'
import { MemoryMetrics } from '../environment/metrics.ts'
import { systemRandom } from '../environment/random.ts'
import { silentLogger } from '../environment/silent-logger.ts'
import { X509IdentityProvider } from '../msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../signature-pool/inline-signature-pool.ts'
import type { Credentials } from './admission.ts'
import { type KnownNode, MspAdmission } from './msp-admission.ts'
import { TcpTransport, type TcpTransportOptions } from './tcp-transport.ts'

/** Someone with a certificate and its key. */
export interface TestIdentity {
  readonly identity: Uint8Array
  readonly credentials: Credentials
  /** PEM. */
  readonly certificate: string
}

/** Organisations with authorities, and nodes of one network on loopback. */
export class TestNetwork {
  readonly provider = new X509IdentityProvider(new InlineSignaturePool())
  readonly authorities = new Map<string, CertificateAuthority>()
  readonly intermediates = new Map<string, CertificateAuthority>()
  readonly nodes = new Map<string, KnownNode & { address?: { host: string; port: number } }>()
  readonly started: TcpTransport[] = []
  readonly #secrets = new Map<string, string>()

  constructor(mspIds: readonly string[] = ['Org1MSP']) {
    for (const mspId of mspIds) this.authority(mspId)
  }

  authority(mspId: string, environment = { clock: systemClock, random: systemRandom() }): CertificateAuthority {
    let known = this.authorities.get(mspId)
    if (known === undefined) {
      known = CertificateAuthority.createRoot({ commonName: `ca of ${mspId}` }, environment)
      this.authorities.set(mspId, known)
    }
    return known
  }

  /** Enrols somebody; the chain that they present holds the intermediate authority, if there is one. */
  enrol(
    mspId: string,
    name: string,
    role: EnrolmentRole = 'peer',
    options: { lifetime?: number; notBefore?: number } = {},
  ): TestIdentity {
    const intermediate = this.intermediates.get(mspId)
    const authority = intermediate ?? this.authority(mspId)
    const registration = `${mspId} ${name}`
    const secret = this.#secrets.get(registration) ?? authority.register({ enrolmentId: name, role })
    this.#secrets.set(registration, secret)
    const { certificate, privateKey } = authority.enrol(name, secret, options)
    return {
      identity: serializeIdentity(mspId, certificate),
      certificate,
      credentials: { certificates: certificate + (intermediate?.certificate ?? ''), privateKey: privateKey! },
    }
  }

  membership(mspIds: readonly string[] = [...this.authorities.keys()], isRevoking = false): Membership {
    return this.provider.createMembership(
      mspIds.map((mspId) =>
        mspConfig({
          mspId,
          roots: [this.authority(mspId).certificate],
          intermediates: [this.intermediates.get(mspId)?.certificate].filter((each) => each !== undefined),
          revocationLists: isRevoking ? [(this.intermediates.get(mspId) ?? this.authority(mspId)).revocationList()] : [],
        }),
      ),
    )
  }

  admission(clock = systemClock): MspAdmission {
    return new MspAdmission({ clock, base: this.membership(), nodes: (name) => this.nodes.get(name) })
  }

  /** A node that listens, on a port that the system chooses; others know it from then on. */
  async node(
    name: string,
    options: Partial<TcpTransportOptions> & { mspId?: string; who?: TestIdentity } = {},
  ): Promise<TcpTransport> {
    const { mspId = 'Org1MSP', who = this.enrol(mspId, name), ...rest } = options
    if (!this.nodes.has(name)) this.nodes.set(name, { mspId, role: 'peer' })
    const transport = this.transport(name, who, { listen: { host: '127.0.0.1', port: 0 }, ...rest })
    await transport.start()
    this.nodes.set(name, { ...this.nodes.get(name)!, address: transport.endpoint! })
    return transport
  }

  transport(self: string, who: TestIdentity, options: Partial<TcpTransportOptions> = {}): TcpTransport {
    const transport = new TcpTransport({
      self,
      identity: who.identity,
      credentials: who.credentials,
      addressOf: (name) => this.nodes.get(name)?.address,
      admission: this.admission(),
      clock: systemClock,
      random: systemRandom(),
      metrics: new MemoryMetrics(),
      logger: silentLogger,
      ...options,
    })
    this.started.push(transport)
    return transport
  }

  async stop(): Promise<void> {
    await Promise.all(this.started.map((transport) => transport.stop()))
  }
}
