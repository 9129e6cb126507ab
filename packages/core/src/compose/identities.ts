import { CertificateAuthority, type EnrolmentRole } from '../adapters/ca/certificate-authority.ts'
import { type MspDefinition, mspConfig, serializeIdentity } from '../adapters/ca/msp-definition.ts'
import { pemBlock } from '../adapters/crypto/pem.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { NetworkError } from './errors.ts'

/** Someone of an organisation: certificate and key. */
export interface Member {
  readonly name: string
  readonly mspId: string
  readonly role: EnrolmentRole
  /** PEM. */
  readonly certificate: string
  /** PKCS#8 PEM; empty of someone whose key is elsewhere. */
  readonly privateKey: string
  /** SerializedIdentity. */
  readonly identity: Uint8Array
}

/** What stands in the certificate of a new member. */
export interface MemberOptions {
  readonly role?: EnrolmentRole
  /** Put into the certificate; chaincode reads them for access control. */
  readonly attributes?: Readonly<Record<string, string>>
  readonly affiliation?: string
}

/** PKCS#8 DER of a member's key. */
export function privateKeyOf(member: Member): Uint8Array {
  if (member.privateKey === '')
    throw new NetworkError('NETWORK_NOT_HERE', `the key of ${member.name} (${member.mspId}) is not on this machine`, {
      name: member.name,
    })
  return pemBlock(member.privateKey).bytes
}

/** The certificate authority of one organisation and whom it has enrolled. */
export class OrganizationIdentities {
  readonly name: string
  readonly mspId: string
  private readonly ca: CertificateAuthority | undefined
  /** What is known of an organisation whose authority is elsewhere. */
  private readonly definition: MspDefinition | undefined
  private readonly members = new Map<string, Member>()
  private readonly revocationLists: string[] = []

  constructor(
    name: string,
    mspId: string,
    environment: { clock: Clock; random: Random; deterministic: boolean },
    authority?: CertificateAuthority | MspDefinition,
  ) {
    this.name = name
    this.mspId = mspId
    const { clock, deterministic } = environment
    const random = environment.random.fork(`authority of ${mspId}`)
    if (authority !== undefined && 'mspId' in authority) {
      this.definition = authority
      return
    }
    this.ca =
      authority ??
      CertificateAuthority.createRoot(
        { commonName: `ca.${name.toLowerCase()}`, organization: name },
        { clock, random, deterministic },
      )
  }

  /** Issues and revokes certificates. @throws NetworkError NETWORK_NOT_HERE when its key is on another machine */
  get authority(): CertificateAuthority {
    if (this.ca !== undefined) return this.ca
    const message = `the certificate authority of ${this.name} is not on this machine`
    throw new NetworkError('NETWORK_NOT_HERE', message, { organization: this.name })
  }

  /** The authority's key is here, so that members can be enrolled. */
  get isOwn(): boolean {
    return this.ca !== undefined
  }

  /** A member by name; enrolled when there is none of that name yet. */
  member(name: string, options: MemberOptions = {}): Member {
    const known = this.members.get(name)
    if (known !== undefined) return known
    const role = options.role ?? 'client'
    const { attributes, affiliation } = options
    const { certificate, privateKey } = this.authority.issue({
      enrolmentId: name,
      role,
      ...(attributes === undefined ? {} : { attributes }),
      ...(affiliation === undefined ? {} : { affiliation }),
    })
    return this.add({
      name,
      mspId: this.mspId,
      role,
      certificate,
      privateKey: privateKey!,
      identity: serializeIdentity(this.mspId, certificate),
    })
  }

  find(name: string): Member | undefined {
    return this.members.get(name)
  }

  /** One whose certificate and key came from elsewhere. */
  add(member: Member): Member {
    this.members.set(member.name, member)
    return member
  }

  get all(): readonly Member[] {
    return [...this.members.values()]
  }

  /** Revokes a member's certificate. Takes effect on a channel by the config update that carries the returned list (PEM). */
  revoke(name: string): string {
    const member = this.members.get(name)
    if (member !== undefined) this.authority.revoke(member.certificate)
    const list = this.authority.revocationList()
    this.revocationLists.splice(0, this.revocationLists.length, list)
    return list
  }

  /** The MSP as it stands in channel configurations: verifying parts only. */
  mspDefinition(): MspDefinition {
    if (this.definition !== undefined) return this.definition
    return { mspId: this.mspId, roots: [this.authority.certificate], revocationLists: [...this.revocationLists] }
  }

  mspConfig(): Uint8Array {
    return mspConfig(this.mspDefinition())
  }
}
