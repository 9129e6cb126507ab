import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { compileApplicationPolicy } from '../../channel/policy/application-policy.ts'
import { type Policy, RejectPolicy } from '../../channel/policy/policy.ts'
import { anyOrganization, outOf, signaturePolicy, signedBy } from '../../channel/policy/policy-expression.ts'
import { compileSignaturePolicy, decodeSignaturePolicy } from '../../channel/policy/signature-policy.ts'
import { HeddleError } from '../../model/errors.ts'
import type { ApplicationPolicy } from '../../model/messages/application-policy.ts'
import type { SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import { implicitCollectionOwner, LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { ChaincodeDefinition } from '../lifecycle/definitions.ts'

const LIFECYCLE_ENDORSEMENT = '/Channel/Application/LifecycleEndorsement'
/** Key-level policies kept compiled, for each configuration. */
const MAX_KEY_POLICIES = 1_000

/** What decides on writes of one chaincode. */
export interface ChaincodePolicies {
  readonly chaincode: Policy
  /** Of a collection; undefined when there is no such collection, and then nobody may write to it. */
  collection(name: string): Policy | undefined
}

/** Endorsement policies compiled under one configuration of the channel, each once. */
export class EndorsementPolicies {
  private readonly config: ChannelConfig
  private readonly byDefinition = new WeakMap<ChaincodeDefinition, ChaincodePolicies>()
  private readonly byKeyPolicy = new Map<string, Policy>()
  private readonly implicit = new Map<string, Policy | undefined>()
  private lifecycle: ChaincodePolicies | undefined

  constructor(config: ChannelConfig) {
    this.config = config
  }

  ofChaincode(definition: ChaincodeDefinition): ChaincodePolicies {
    let policies = this.byDefinition.get(definition)
    if (policies === undefined) {
      policies = this.compile(definition)
      this.byDefinition.set(definition, policies)
    }
    return policies
  }

  /** Of `_lifecycle`, which has no definition: the channel's LifecycleEndorsement policy, or a majority of its organisations. */
  ofLifecycle(): ChaincodePolicies {
    this.lifecycle ??= { chaincode: this.lifecyclePolicy(), collection: (name) => this.implicitCollection(name) }
    return this.lifecycle
  }

  /** A key-level policy: bytes of a SignaturePolicyEnvelope, as chaincode set them. Nobody satisfies bytes that are none. */
  ofKey(bytes: Uint8Array): Policy {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    let policy = this.byKeyPolicy.get(key)
    if (policy === undefined) {
      policy = this.orReject(() => compileSignaturePolicy(decodeSignaturePolicy(bytes), this.config.membership))
      if (this.byKeyPolicy.size >= MAX_KEY_POLICIES) this.byKeyPolicy.clear()
      this.byKeyPolicy.set(key, policy)
    }
    return policy
  }

  private compile(definition: ChaincodeDefinition): ChaincodePolicies {
    const chaincode = this.compileApplication(definition.endorsementPolicy)
    if (definition.isLegacy) return { chaincode, collection: () => chaincode }
    const collections = new Map<string, Policy>()
    for (const { name, endorsementPolicy } of definition.collections) {
      // The first of a name counts. A policy that is present but empty leaves the chaincode's in force, as in Fabric.
      if (collections.has(name)) continue
      const own =
        endorsementPolicy?.signaturePolicy !== undefined || endorsementPolicy?.channelConfigPolicyReference !== undefined
      collections.set(name, own ? this.compileApplication(endorsementPolicy) : chaincode)
    }
    return {
      chaincode,
      collection: (name) => (implicitCollectionOwner(name) === undefined ? collections.get(name) : this.implicitCollection(name)),
    }
  }

  private lifecyclePolicy(): Policy {
    const policy = this.config.policies.policy(LIFECYCLE_ENDORSEMENT)
    if (policy !== undefined) return policy
    const mspIds = this.config.organizations.application.map(({ mspId }) => mspId).sort(compareUtf8)
    const majority = outOf(Math.floor(mspIds.length / 2) + 1, ...mspIds.map((mspId) => signedBy(mspId)))
    return this.compileSignature(signaturePolicy(majority))
  }

  /** Every organisation of the channel has one in every chaincode, under its own endorsement policy. */
  private implicitCollection(name: string): Policy | undefined {
    if (!this.implicit.has(name)) this.implicit.set(name, this.compileImplicit(name))
    return this.implicit.get(name)
  }

  private compileImplicit(name: string): Policy | undefined {
    const owner = implicitCollectionOwner(name)
    const organization = this.config.organizations.application.find(({ mspId }) => mspId === owner)
    if (owner === undefined || organization === undefined) return undefined
    const policy = this.config.policies.policy(`/Channel/Application/${organization.name}/Endorsement`)
    return policy ?? this.compileSignature(signaturePolicy(anyOrganization([owner], 'member')))
  }

  private compileApplication(policy: ApplicationPolicy | undefined): Policy {
    if (policy === undefined) return new RejectPolicy('the chaincode definition holds no endorsement policy')
    return this.orReject(() => compileApplicationPolicy(policy, this.config))
  }

  private compileSignature(envelope: SignaturePolicyEnvelope): Policy {
    return this.orReject(() => compileSignaturePolicy(envelope, this.config.membership))
  }

  private orReject(compile: () => Policy): Policy {
    try {
      return compile()
    } catch (error) {
      if (error instanceof HeddleError) return new RejectPolicy(error.message)
      throw error
    }
  }
}

/** Whether a namespace is that of chaincode lifecycle, whose policy is the channel's. */
export function isLifecycle(namespace: string): boolean {
  return namespace === LIFECYCLE_NAMESPACE
}
