import { ApplicationPolicy } from '../../../model/messages/application-policy.ts'
import { ChaincodeEndorsementInfo, ChaincodeValidationInfo } from '../../../model/messages/chaincode-definition.ts'
import { CollectionConfigPackage } from '../../../model/messages/collection.ts'
import type { EndorserChannelConfig } from '../../endorse/endorser-channel.ts'
import { type ReadableState, readField, type StateRecord } from './records.ts'
import { LifecycleRefusal } from './refusal.ts'

const DEFAULT_POLICY = '/Channel/Application/Endorsement'
const NONE = new Uint8Array(0)

/** What organisations agree on about a chaincode. */
export interface DefinitionParameters {
  readonly version: string
  readonly endorsementPlugin: string
  readonly initRequired: boolean
  readonly validationPlugin: string
  /** Serialized protos.ApplicationPolicy. */
  readonly validationParameter: Uint8Array
  readonly collections: CollectionConfigPackage | undefined
}

export interface ProposedDefinition extends DefinitionParameters {
  readonly sequence: number
}

interface DefinitionArguments {
  readonly sequence: number | bigint
  readonly version: string
  readonly endorsementPlugin: string
  readonly validationPlugin: string
  readonly validationParameter: Uint8Array
  readonly collections: CollectionConfigPackage | undefined
  readonly initRequired: boolean
}

/** A definition as proposed, with Fabric's defaults for what was left out: escc, vscc, and the channel's endorsement policy. */
export function proposedDefinition(args: DefinitionArguments, config: EndorserChannelConfig): ProposedDefinition {
  return {
    sequence: Number(args.sequence),
    version: args.version,
    endorsementPlugin: args.endorsementPlugin || 'escc',
    initRequired: args.initRequired,
    validationPlugin: args.validationPlugin || 'vscc',
    validationParameter: args.validationParameter.length > 0 ? args.validationParameter : defaultPolicy(config),
    collections: args.collections,
  }
}

function defaultPolicy(config: EndorserChannelConfig): Uint8Array {
  if (config.policies.policy(DEFAULT_POLICY) === undefined) {
    throw new LifecycleRefusal(
      `policy '${DEFAULT_POLICY}' must be defined for the channel before chaincode operations can be attempted`,
    )
  }
  return ApplicationPolicy.encode({ channelConfigPolicyReference: DEFAULT_POLICY })
}

/** The record of an organisation's approval. */
export function parametersRecord(definition: DefinitionParameters): StateRecord {
  return { type: 'ChaincodeParameters', fields: parameterFields(definition) }
}

/** The record of the definition that a channel committed to. */
export function definitionRecord(definition: ProposedDefinition): StateRecord {
  return { type: 'ChaincodeDefinition', fields: { Sequence: { int64: definition.sequence }, ...parameterFields(definition) } }
}

function parameterFields(definition: DefinitionParameters) {
  const { version, initRequired, endorsementPlugin, validationPlugin, validationParameter, collections } = definition
  return {
    EndorsementInfo: { bytes: ChaincodeEndorsementInfo.encode({ version, initRequired, endorsementPlugin }) },
    ValidationInfo: { bytes: ChaincodeValidationInfo.encode({ validationPlugin, validationParameter }) },
    Collections: { bytes: encodeCollections(collections) },
  }
}

function encodeCollections(collections: CollectionConfigPackage | undefined): Uint8Array {
  return collections === undefined ? NONE : CollectionConfigPackage.encode(collections)
}

/** Reads the parameters of a definition or an approval. */
export async function readParameters(state: ReadableState, table: string, name: string): Promise<DefinitionParameters> {
  const bytes = async (field: string) => (await readField(state, table, name, field)).bytes ?? NONE
  const { version, initRequired, endorsementPlugin } = ChaincodeEndorsementInfo.decode(await bytes('EndorsementInfo'))
  const { validationPlugin, validationParameter } = ChaincodeValidationInfo.decode(await bytes('ValidationInfo'))
  const collections = CollectionConfigPackage.decode(await bytes('Collections'))
  return { version, initRequired, endorsementPlugin, validationPlugin, validationParameter, collections }
}

/** The first parameter in which two definitions differ, by the name that Fabric gives it. */
export function firstDifference(a: DefinitionParameters, b: DefinitionParameters): string | undefined {
  if (a.version !== b.version) return 'Version'
  if (a.endorsementPlugin !== b.endorsementPlugin) return 'EndorsementPlugin'
  if (a.initRequired !== b.initRequired) return 'InitRequired'
  if (a.validationPlugin !== b.validationPlugin) return 'ValidationPlugin'
  if (Buffer.compare(a.validationParameter, b.validationParameter) !== 0) return 'ValidationParameter'
  return Buffer.compare(encodeCollections(a.collections), encodeCollections(b.collections)) !== 0 ? 'Collections' : undefined
}
