import { HeddleError } from '../../model/errors.ts'
import type { ConfigGroup } from '../../model/messages/configtx.ts'
import type { ACLs } from '../../model/messages/peer-configuration.ts'
import { type Policy as PolicyMessage, PolicyType } from '../../model/messages/policies.ts'
import { sha256Hex } from '../../model/sha256.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import { fabricMspOf } from '../genesis/default-policies.ts'
import type { ChannelDefinition, OrganizationDefinition, PolicyDefinitions } from '../genesis/definition.ts'
import { policyMessage } from '../genesis/group-builder.ts'
import { mspIdOf } from '../genesis/organization-group.ts'
import { decodeImplicitMetaPolicy, implicitMetaPolicyToString } from '../policy/implicit-meta.ts'
import { signaturePolicyToString } from '../policy/policy-text.ts'
import { decodeSignaturePolicy } from '../policy/signature-policy.ts'
import { absoluteAcls } from './acls.ts'
import type { ChannelConfig } from './channel-config.ts'
import { channelGroupOf } from './config-map.ts'

/** One thing that a channel's definition says otherwise than its ledger. */
export interface ConfigDifference {
  /** Such as `/Channel/Orderer/BatchSize/maxMessageCount`. */
  readonly path: string
  readonly configured: string
  readonly ledger: string
}

const ABSENT = '(none)'

/**
 * Where a definition contradicts the ledger: ordering type, batch, organisations and the roots of their MSPs, policies, access
 * rules. What the definition leaves out is not compared, neither is what ordinary config updates change: revocation lists, anchor
 * peers, metadata.
 */
export function compareConfig(definition: ChannelDefinition, ledger: ChannelConfig): ConfigDifference[] {
  const differences: ConfigDifference[] = []
  const compare = (path: string, configured: string | number | undefined, actual: string | number): void => {
    if (configured !== undefined && configured !== actual)
      differences.push({ path, configured: `${configured}`, ledger: `${actual}` })
  }
  const { ordering, application } = definition
  const { batchSize, batchTimeout, consensusType } = ledger.ordering
  compare('/Channel', definition.channel, ledger.channel)
  compare('/Channel/Consortium', definition.consortium, ledger.consortium)
  compare('/Channel/Orderer/ConsensusType', ordering.type, consensusType)
  for (const name of ['maxMessageCount', 'absoluteMaxBytes', 'preferredMaxBytes'] as const) {
    compare(`/Channel/Orderer/BatchSize/${name}`, ordering.batchSize?.[name], batchSize[name])
  }
  compare('/Channel/Orderer/BatchTimeout', ordering.batchTimeout, batchTimeout)
  const root = channelGroupOf(ledger.config)
  differences.push(...policyDifferences('/Channel', definition.policies, root))
  for (const [name, section] of [
    ['Orderer', ordering],
    ['Application', application],
  ] as const) {
    const path = `/Channel/${name}`
    const group = root.groups.get(name)
    differences.push(
      ...policyDifferences(path, section.policies, group),
      ...organizationDifferences(path, section.organizations, group),
    )
  }
  for (const [resource, policyRef] of absoluteAcls(aclsOf(application.acls)))
    compare(`/Channel/Application/ACLs/${resource}`, policyRef, ledger.acls.get(resource) ?? ABSENT)
  return differences
}

function organizationDifferences(
  path: string,
  configured: readonly OrganizationDefinition[],
  group: ConfigGroup | undefined,
): ConfigDifference[] {
  const differences: ConfigDifference[] = []
  const wanted = new Map(configured.map((organization) => [organization.name, organization]))
  const names = [...new Set([...wanted.keys(), ...(group?.groups.keys() ?? [])])].sort(compareUtf8)
  for (const name of names) {
    const organization = wanted.get(name)
    const onLedger = group?.groups.get(name)
    if (organization === undefined || onLedger === undefined) {
      const [here, there] = organization === undefined ? [ABSENT, name] : [name, ABSENT]
      differences.push({ path: `${path}/${name}`, configured: here, ledger: there })
      continue
    }
    const msp = onLedger.values.get('MSP')?.value ?? new Uint8Array(0)
    const [here, there] = [mspSummary(organization), mspSummary({ name, mspConfig: msp })]
    if (here !== there) differences.push({ path: `${path}/${name}/MSP`, configured: here, ledger: there })
    differences.push(...policyDifferences(`${path}/${name}`, organization.policies, onLedger))
  }
  return differences
}

function aclsOf(references: Readonly<Record<string, string>> = {}): ACLs {
  return { acls: new Map(Object.entries(references).map(([resource, policyRef]) => [resource, { policyRef }])) }
}

/**
 * Identifier and trust anchors of an MSP, which a network's config names; everything else about it may change by config
 * updates.
 */
function mspSummary(organization: OrganizationDefinition): string {
  const msp = fabricMspOf(organization.mspConfig, organization.name)
  if (msp === undefined) return `${mspIdOf(organization)} ${fingerprint(organization.mspConfig)}`
  return [msp.name, ...msp.rootCerts.map(fingerprint)].join(' ')
}

function policyDifferences(
  path: string,
  definitions: PolicyDefinitions | undefined,
  group: ConfigGroup | undefined,
): ConfigDifference[] {
  const differences: ConfigDifference[] = []
  for (const [name, definition] of Object.entries(definitions ?? {})) {
    const wanted = policyMessage(`${path}/${name}`, definition)
    const onLedger = group?.policies.get(name)?.policy
    if (onLedger !== undefined && onLedger.type === wanted.type && Buffer.compare(onLedger.value, wanted.value) === 0) continue
    differences.push({
      path: `${path}/${name}`,
      configured: policyToString(wanted),
      ledger: onLedger === undefined ? ABSENT : policyToString(onLedger),
    })
  }
  return differences
}

/** A policy of the configuration for people; where it has no text form, a fingerprint. */
export function policyToString(policy: PolicyMessage): string {
  try {
    if (policy.type === PolicyType.IMPLICIT_META) return implicitMetaPolicyToString(decodeImplicitMetaPolicy(policy.value))
    if (policy.type === PolicyType.SIGNATURE) return signaturePolicyToString(decodeSignaturePolicy(policy.value))
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
  }
  return `policy of type ${policy.type}, ${fingerprint(policy.value)}`
}

function fingerprint(bytes: Uint8Array): string {
  return `sha256:${sha256Hex(bytes).slice(0, 16)}`
}
