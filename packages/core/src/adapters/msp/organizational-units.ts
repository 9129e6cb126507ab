import type { FabricMSPConfig, FabricOUIdentifier } from '../../model/messages/msp-config.ts'
import { MSPRoleType } from '../../model/messages/msp-principal.ts'
import { sameBytes } from './chain.ts'
import { IdentityError } from './errors.ts'
import type { MspAuthorities } from './msp-authorities.ts'

interface NodeUnit {
  readonly role: number
  readonly unit: string
  /** Empty when any chain of the MSP will do. */
  readonly certifiers: Uint8Array
}

/**
 * What an MSP demands of organizational units: those that members must have (one of them), and the NodeOUs that tell client, peer,
 * admin and orderer apart (exactly one). Rules of Fabric's MSP since 1.4.3, which capability V2_0 selects.
 */
export class OrganizationalUnits {
  readonly #mspId: string
  readonly #demanded: readonly { readonly unit: string; readonly certifiers: Uint8Array }[]
  readonly #nodes: readonly NodeUnit[]
  /** Whether identities are told apart by NodeOUs. */
  readonly enforced: boolean

  /** Throws IdentityError (IDENTITY_BAD_MSP_CONFIG). */
  constructor(config: FabricMSPConfig, authorities: MspAuthorities) {
    this.#mspId = config.name
    this.#demanded = config.organizationalUnitIdentifiers.map((entry) => ({
      unit: entry.organizationalUnitIdentifier,
      certifiers: authorities.certifiersFor(entry.certificate, `organizational unit ${entry.organizationalUnitIdentifier}`),
    }))
    const nodeOus = config.fabricNodeOus
    const nodes: NodeUnit[] = []
    const add = (role: number, entry: FabricOUIdentifier | undefined): void => {
      if (entry === undefined) return
      const unit = entry.organizationalUnitIdentifier
      const certifiers =
        entry.certificate.length === 0 ? new Uint8Array(0) : authorities.certifiersFor(entry.certificate, `NodeOU ${unit}`)
      nodes.push({ role, unit, certifiers })
    }
    add(MSPRoleType.CLIENT, nodeOus?.clientOuIdentifier)
    add(MSPRoleType.PEER, nodeOus?.peerOuIdentifier)
    add(MSPRoleType.ADMIN, nodeOus?.adminOuIdentifier)
    add(MSPRoleType.ORDERER, nodeOus?.ordererOuIdentifier)
    this.#nodes = nodes
    this.enforced = nodeOus?.enable === true && nodes.length > 0
  }

  /** Whether a unit of its own stands for administrators. */
  get hasAdminUnit(): boolean {
    return this.#nodes.some((node) => node.role === MSPRoleType.ADMIN)
  }

  /** Throws IdentityError (IDENTITY_BAD_ROLE). */
  check(units: readonly string[], certifiers: Uint8Array): void {
    const refuse = (reason: string): IdentityError =>
      new IdentityError('IDENTITY_BAD_ROLE', `MSP ${this.#mspId}: ${reason}; the certificate has [${units.join(', ')}]`, {
        mspId: this.#mspId,
        reason,
        organizationalUnits: units,
      })
    if (
      this.#demanded.length > 0 &&
      !units.some((unit) => this.#demanded.some((entry) => entry.unit === unit && sameBytes(entry.certifiers, certifiers)))
    )
      throw refuse('none of the organizational units that the MSP demands')
    if (!this.enforced) return
    let found = 0
    for (const unit of units) {
      // Two roles with one unit: the last stands, as in Fabric.
      const node = this.#nodes.findLast((candidate) => candidate.unit === unit)
      if (node === undefined) continue
      if (node.certifiers.length > 0 && !sameBytes(node.certifiers, certifiers))
        throw refuse(`organizational unit ${unit} of another authority`)
      if (++found > 1) break
    }
    if (found === 0) throw refuse('no organizational unit of client, peer, admin or orderer')
    if (found > 1) throw refuse('more than one of the roles client, peer, admin and orderer')
  }

  /** Bit n is set for role n of msp.MSPRole that the units give. Only where enforced. */
  roles(units: readonly string[]): number {
    if (!this.enforced) return 0
    let roles = 0
    for (const node of this.#nodes) if (units.includes(node.unit)) roles |= 1 << node.role
    return roles
  }
}
