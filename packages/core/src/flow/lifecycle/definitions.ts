import { ApplicationPolicy } from '../../model/messages/application-policy.ts'
import { ChaincodeData } from '../../model/messages/chaincode.ts'
import { ChaincodeEndorsementInfo, ChaincodeValidationInfo } from '../../model/messages/chaincode-definition.ts'
import { CollectionConfigPackage, type StaticCollectionConfig } from '../../model/messages/collection.ts'
import { LifecycleStateData, LifecycleStateMetadata } from '../../model/messages/lifecycle-db.ts'
import { LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { StateReader, VersionedValue } from '../../ports/state-db.ts'
import { DefinitionError } from './definition-errors.ts'
import { fieldKey, metadataKey, NAMESPACES } from './state-layout.ts'

/** Namespace in which Fabric's first lifecycle kept its definitions; channels that were upgraded still have them. */
export const LEGACY_LIFECYCLE_NAMESPACE = 'lscc'

/** What a channel agreed on about a chaincode. */
export interface ChaincodeDefinition {
  readonly name: string
  /** 1 for the first definition; 0 for one of the legacy lifecycle. */
  readonly sequence: number
  readonly version: string
  readonly initRequired: boolean
  readonly endorsementPlugin: string
  readonly validationPlugin: string
  /** Serialized ApplicationPolicy; empty when the definition names none. */
  readonly validationParameter: Uint8Array
  /** `validationParameter`, decoded; undefined when it is empty or does not decode, and then nobody can endorse. */
  readonly endorsementPolicy: ApplicationPolicy | undefined
  readonly collections: readonly StaticCollectionConfig[]
  readonly isLegacy: boolean
}

const DEFINITION_TYPE = 'ChaincodeDefinition'
const NONE = new Uint8Array(0)

/**
 * Reads the committed definition of a chaincode, undefined when there is none. `_lifecycle` itself has no definition.
 *
 * Fabric: core/chaincode/lifecycle/lifecycle.go, ChaincodeDefinitionIfDefined.
 *
 * @throws DefinitionError DEFINITION_MALFORMED
 */
export async function readDefinition(reader: StateReader, chaincode: string): Promise<ChaincodeDefinition | undefined> {
  const keys = [
    metadataKey(NAMESPACES, chaincode),
    fieldKey(NAMESPACES, chaincode, 'Sequence'),
    fieldKey(NAMESPACES, chaincode, 'EndorsementInfo'),
    fieldKey(NAMESPACES, chaincode, 'ValidationInfo'),
    fieldKey(NAMESPACES, chaincode, 'Collections'),
  ]
  const [metadata, sequence, endorsement, validation, collections] = await reader.getMany(LIFECYCLE_NAMESPACE, keys)
  if (metadata === undefined) return readLegacyDefinition(reader, chaincode)
  return decoding(chaincode, () => {
    const { datatype } = LifecycleStateMetadata.decode(metadata.value)
    if (datatype !== DEFINITION_TYPE) throw malformed(chaincode, `it is a ${datatype}`)
    const { version, initRequired, endorsementPlugin } = ChaincodeEndorsementInfo.decode(bytesOf(chaincode, endorsement))
    const { validationPlugin, validationParameter } = ChaincodeValidationInfo.decode(bytesOf(chaincode, validation))
    const { config } = CollectionConfigPackage.decode(bytesOf(chaincode, collections))
    return {
      name: chaincode,
      sequence: integerOf(chaincode, sequence),
      version,
      initRequired,
      endorsementPlugin,
      validationPlugin,
      validationParameter,
      endorsementPolicy: policyOf(validationParameter),
      collections: config.flatMap(({ staticCollectionConfig }) => staticCollectionConfig ?? []),
      isLegacy: false,
    }
  })
}

async function readLegacyDefinition(reader: StateReader, chaincode: string): Promise<ChaincodeDefinition | undefined> {
  const data = await reader.get(LEGACY_LIFECYCLE_NAMESPACE, chaincode)
  if (data === undefined) return undefined
  return decoding(chaincode, () => {
    const { version, escc, vscc, policy } = ChaincodeData.decode(data.value)
    const endorsementPolicy = policy && { signaturePolicy: policy, channelConfigPolicyReference: undefined }
    return {
      name: chaincode,
      sequence: 0,
      version,
      initRequired: false,
      endorsementPlugin: escc,
      validationPlugin: vscc,
      validationParameter: endorsementPolicy === undefined ? NONE : ApplicationPolicy.encode(endorsementPolicy),
      endorsementPolicy,
      collections: [],
      isLegacy: true,
    }
  })
}

/** Chaincodes whose definition a set of keys written to the lifecycle namespace changes. */
export function definedChaincodes(keys: Iterable<string>): string[] {
  const prefix = fieldKey(NAMESPACES, '', '').slice(0, -1)
  const names: string[] = []
  for (const key of keys) {
    if (!key.startsWith(prefix) || !key.endsWith('/Sequence')) continue
    const name = key.slice(prefix.length, -'/Sequence'.length)
    if (name !== '' && !name.includes('/')) names.push(name)
  }
  return names
}

function policyOf(bytes: Uint8Array): ApplicationPolicy | undefined {
  if (bytes.length === 0) return undefined
  try {
    return ApplicationPolicy.decode(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

function bytesOf(chaincode: string, field: VersionedValue | undefined): Uint8Array {
  if (field === undefined) return NONE
  const { bytes, int64, string } = LifecycleStateData.decode(field.value)
  if (int64 !== undefined || string !== undefined) throw malformed(chaincode, 'a field that should hold bytes does not')
  return bytes ?? NONE
}

function integerOf(chaincode: string, field: VersionedValue | undefined): number {
  if (field === undefined) return 0
  const { bytes, int64, string } = LifecycleStateData.decode(field.value)
  if (bytes !== undefined || string !== undefined) throw malformed(chaincode, 'a field that should hold a number does not')
  return Number(int64 ?? 0)
}

function decoding<T>(chaincode: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) throw malformed(chaincode, error.message, { cause: error })
    throw error
  }
}

function malformed(chaincode: string, reason: string, options?: ErrorOptions): DefinitionError {
  return new DefinitionError('DEFINITION_MALFORMED', `definition of chaincode ${chaincode}: ${reason}`, { chaincode }, options)
}
