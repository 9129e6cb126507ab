import { SerializedIdentity } from '../../model/messages/identities.ts'
import { FabricMSPConfig, MSPConfig } from '../../model/messages/msp-config.ts'
import { utf8Bytes } from '../../model/utf8.ts'

/** Organizational units that stand for the four roles. A role without a unit is nobody's. */
export interface NodeOus {
  readonly client?: string
  readonly peer?: string
  readonly admin?: string
  readonly orderer?: string
  /** PEM of the authority that must have issued the certificate; any authority of the MSP when absent. */
  readonly certifier?: string
}

/** Fabric's usual names of the role units. */
export const DEFAULT_NODE_OUS: NodeOus = { client: 'client', peer: 'peer', admin: 'admin', orderer: 'orderer' }

/** An MSP in terms of PEM texts, as it stands in a channel configuration or a folder. */
export interface MspDefinition {
  readonly mspId: string
  readonly roots: readonly string[]
  readonly intermediates?: readonly string[]
  /** Certificates of administrators named one by one; needed only without NodeOUs. */
  readonly admins?: readonly string[]
  readonly revocationLists?: readonly string[]
  /** Default: the four usual names. `false` switches NodeOUs off. */
  readonly nodeOus?: NodeOus | false
  /** Units of which every member must have one. */
  readonly organizationalUnits?: readonly { readonly unit: string; readonly certificate: string }[]
  readonly tlsRoots?: readonly string[]
  readonly tlsIntermediates?: readonly string[]
}

const texts = (list: readonly string[] | undefined): Uint8Array[] => (list ?? []).map(utf8Bytes)

/** Bytes of msp.MSPConfig: the value MSP of an organisation in the channel configuration. */
export function mspConfig(definition: MspDefinition): Uint8Array {
  const nodeOus = definition.nodeOus ?? DEFAULT_NODE_OUS
  const unit = (name: string, certifier: string | undefined) => ({
    organizationalUnitIdentifier: name,
    certificate: utf8Bytes(certifier ?? ''),
  })
  const role = (ous: NodeOus, name: string | undefined) => (name === undefined ? undefined : unit(name, ous.certifier))
  const config = FabricMSPConfig.encode({
    name: definition.mspId,
    rootCerts: texts(definition.roots),
    intermediateCerts: texts(definition.intermediates),
    admins: texts(definition.admins),
    revocationList: texts(definition.revocationLists),
    organizationalUnitIdentifiers: (definition.organizationalUnits ?? []).map((entry) => unit(entry.unit, entry.certificate)),
    cryptoConfig: { signatureHashFamily: 'SHA2', identityIdentifierHashFunction: 'SHA256' },
    tlsRootCerts: texts(definition.tlsRoots),
    tlsIntermediateCerts: texts(definition.tlsIntermediates),
    fabricNodeOus:
      nodeOus === false
        ? undefined
        : {
            enable: true,
            clientOuIdentifier: role(nodeOus, nodeOus.client),
            peerOuIdentifier: role(nodeOus, nodeOus.peer),
            adminOuIdentifier: role(nodeOus, nodeOus.admin),
            ordererOuIdentifier: role(nodeOus, nodeOus.orderer),
          },
  })
  return MSPConfig.encode({ type: 0, config })
}

/** Bytes of msp.SerializedIdentity: what stands as creator and endorser. */
export function serializeIdentity(mspId: string, certificate: string): Uint8Array {
  return SerializedIdentity.encode({ mspid: mspId, idBytes: utf8Bytes(certificate) })
}
