import { FabricMSPConfig, MSPConfig } from '../../model/messages/msp-config.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import { ChannelError } from '../errors.ts'
import { anyOf, type PolicyExpression, signaturePolicy, signedBy } from '../policy/policy-expression.ts'
import type { PolicyDefinitions } from './definition.ts'

/** Of the channel as a whole (Fabric: sampleconfig/configtx.yaml). */
export const CHANNEL_POLICIES: PolicyDefinitions = Object.freeze({
  Readers: 'ANY Readers',
  Writers: 'ANY Writers',
  Admins: 'MAJORITY Admins',
})

/** Of the application section. */
export const APPLICATION_POLICIES: PolicyDefinitions = Object.freeze({
  ...CHANNEL_POLICIES,
  Endorsement: 'MAJORITY Endorsement',
  LifecycleEndorsement: 'MAJORITY Endorsement',
})

/** Of the orderer section. */
export const ORDERER_POLICIES: PolicyDefinitions = Object.freeze({ ...CHANNEL_POLICIES, BlockValidation: 'ANY Writers' })

/**
 * Policies of an organisation with peers, as Fabric's samples have them. Where its MSP tells roles apart (NodeOUs), reading
 * takes an
 * admin, peer or client, writing an admin or client, endorsing a peer; else any member may do each. Admins takes an admin.
 *
 * @throws ChannelError CHANNEL_BAD_DEFINITION for an MSP definition that does not decode
 */
export function applicationOrganizationPolicies(mspId: string, mspConfig: Uint8Array): PolicyDefinitions {
  if (!(fabricMspOf(mspConfig, mspId)?.fabricNodeOus?.enable ?? false)) {
    return { ...ordererOrganizationPolicies(mspId), Endorsement: one(signedBy(mspId, 'member')) }
  }
  const [admin, peer, client] = [signedBy(mspId, 'admin'), signedBy(mspId, 'peer'), signedBy(mspId, 'client')]
  return { Readers: one(admin, peer, client), Writers: one(admin, client), Admins: one(admin), Endorsement: one(peer) }
}

/** Policies of an organisation with ordering nodes. */
export function ordererOrganizationPolicies(mspId: string): PolicyDefinitions {
  const member = one(signedBy(mspId, 'member'))
  return { Readers: member, Writers: member, Admins: one(signedBy(mspId, 'admin')) }
}

function one(...rules: PolicyExpression[]) {
  return signaturePolicy(anyOf(...rules))
}

/** The X.509 definition inside a serialized msp.MSPConfig; undefined for an MSP of another type. */
export function fabricMspOf(mspConfig: Uint8Array, organization: string): FabricMSPConfig | undefined {
  try {
    const { type, config } = MSPConfig.decode(mspConfig)
    return type === 0 ? FabricMSPConfig.decode(config) : undefined
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ChannelError(
      'CHANNEL_BAD_DEFINITION',
      `the MSP definition of ${organization} does not decode`,
      { organization },
      { cause },
    )
  }
}
