import { HeddleError } from '../../model/errors.ts'
import { MSPPrincipalClassification, MSPRole, MSPRoleType } from '../../model/messages/msp-principal.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import { serializeIdentity } from '../ca/msp-definition.ts'
import { encodePem } from '../crypto/pem.ts'
import { TransportError } from '../environment/transport-errors.ts'
import { type Certificate, parseCertificate } from '../msp/certificate.ts'
import type { Admission, Admitted } from './admission.ts'

/** A node as the network's configuration knows it. */
export interface KnownNode {
  readonly mspId: string
  readonly role: 'peer' | 'orderer'
}

export interface MspAdmissionParts {
  readonly clock: Clock
  /** The network's nodes by name. */
  readonly nodes: (name: string) => KnownNode | undefined
  /** Members before any channel is known, and of organisations that no channel of this node has. */
  readonly base: Membership
}

const ROLES = { peer: MSPRoleType.PEER, orderer: MSPRoleType.ORDERER }

/**
 * Admits members of the network's organisations: those whose certificate the MSPs take under the channel configurations in force. A node
 * is who has the common name of the node, from the authority of the node's organisation, in the node's role; so its certificate may be
 * renewed without a word to anybody. Whoever else is a member connects as a client, under a name that no node can have.
 */
export class MspAdmission implements Admission {
  readonly #parts: MspAdmissionParts
  readonly #channels = new Map<string, Membership>()
  readonly #listeners = new Set<() => void>()
  readonly #roles = new Map<string, { readonly principalClassification: number; readonly principal: Uint8Array }>()

  constructor(parts: MspAdmissionParts) {
    this.#parts = parts
  }

  /** A channel has come, or has a new configuration. */
  setChannel(channel: string, membership: Membership): void {
    this.#channels.set(channel, membership)
    for (const listener of [...this.#listeners]) listener()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  judge(der: Uint8Array): Admitted {
    const certificate = parse(der)
    const { commonName } = certificate.subject
    const known = this.#parts.nodes(commonName)
    const { mspId, identity } = this.#member(certificate, known?.mspId)
    if (identity.expiresAt <= this.#parts.clock.now())
      throw refused('EXPIRED', `the certificate of ${commonName.slice(0, 100)} (${mspId}) has expired`, { mspId })
    const isNode = known !== undefined && known.mspId === mspId && this.#hasRole(identity, known.role)
    return {
      name: isNode ? commonName : `${mspId}/${commonName}`,
      mspId,
      isNode,
      identity: identity.bytes,
      expiresAt: identity.expiresAt,
      certificate: certificate.raw,
    }
  }

  admits(peer: Admitted, channel: string): boolean {
    const membership = this.#channels.get(channel)
    if (membership === undefined) return true
    if (peer.expiresAt <= this.#parts.clock.now()) return false
    try {
      membership.identity(peer.identity)
      return true
    } catch (error) {
      if (error instanceof HeddleError) return false
      throw error
    }
  }

  /** The MSP that takes a certificate: that of the node it names first. */
  #member(certificate: Certificate, preferred: string | undefined): { mspId: string; identity: Identity } {
    const pem = encodePem('CERTIFICATE', certificate.raw)
    const { base } = this.#parts
    const mspIds = new Set(preferred === undefined ? [] : [preferred])
    for (const membership of this.#channels.values()) for (const mspId of membership.mspIds) mspIds.add(mspId)
    for (const mspId of base.mspIds) mspIds.add(mspId)
    let verdict: HeddleError | undefined
    for (const mspId of mspIds) {
      const serialized = serializeIdentity(mspId, pem)
      const channels = [...this.#channels.values()].filter((membership) => membership.mspIds.includes(mspId))
      for (const membership of channels.length === 0 ? [base] : channels) {
        try {
          return { mspId, identity: membership.identity(serialized) }
        } catch (error) {
          if (!(error instanceof HeddleError)) throw error
          // Of several verdicts the one that recognised the certificate says most.
          if (verdict === undefined || error.code === 'IDENTITY_REVOKED' || error.code === 'IDENTITY_BAD_ROLE') verdict = error
        }
      }
    }
    const subject = certificate.subject.commonName.slice(0, 100)
    throw refused(
      verdict?.code ?? 'IDENTITY_UNKNOWN_MSP',
      `the certificate of ${subject} is not accepted: ${verdict?.message ?? 'there are no MSPs'}`,
      { subject },
      verdict,
    )
  }

  #hasRole(identity: Identity, role: KnownNode['role']): boolean {
    const key = `${role} ${identity.mspId}`
    let principal = this.#roles.get(key)
    if (principal === undefined) {
      const { mspId } = identity
      principal = {
        principalClassification: MSPPrincipalClassification.ROLE,
        principal: MSPRole.encode({ mspIdentifier: mspId, role: ROLES[role] }),
      }
      this.#roles.set(key, principal)
    }
    const wanted = principal
    return [...this.#channels.values(), this.#parts.base].some((membership) => {
      try {
        return membership.satisfies(membership.identity(identity.bytes), wanted)
      } catch {
        return false
      }
    })
  }
}

function parse(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der)
  } catch (cause) {
    throw refused('IDENTITY_MALFORMED', `the certificate cannot be read: ${(cause as Error).message}`, {}, cause)
  }
}

function refused(reason: string, message: string, data: object, cause?: unknown): TransportError {
  return new TransportError('TRANSPORT_PEER_REFUSED', message, { reason, ...data }, { cause })
}
