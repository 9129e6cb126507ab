// Messages of peer/lifecycle/lifecycle.proto.

import { bool, bytes, embed, int64, mapOf, oneof, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { CollectionConfigPackage } from './collection.ts'

export const InstallChaincodeArgs = message('lifecycle.InstallChaincodeArgs', {
  chaincodeInstallPackage: bytes(1),
})
export type InstallChaincodeArgs = Infer<typeof InstallChaincodeArgs>

export const InstallChaincodeResult = message('lifecycle.InstallChaincodeResult', {
  packageId: string(1),
  label: string(2),
})
export type InstallChaincodeResult = Infer<typeof InstallChaincodeResult>

export const QueryInstalledChaincodeArgs = message('lifecycle.QueryInstalledChaincodeArgs', {
  packageId: string(1),
})
export type QueryInstalledChaincodeArgs = Infer<typeof QueryInstalledChaincodeArgs>

export const QueryInstalledChaincodeResultChaincode = message('lifecycle.QueryInstalledChaincodeResult.Chaincode', {
  name: string(1),
  version: string(2),
})
export type QueryInstalledChaincodeResultChaincode = Infer<typeof QueryInstalledChaincodeResultChaincode>

export const QueryInstalledChaincodeResultReferences = message('lifecycle.QueryInstalledChaincodeResult.References', {
  chaincodes: repeated(embed(1, QueryInstalledChaincodeResultChaincode)),
})
export type QueryInstalledChaincodeResultReferences = Infer<typeof QueryInstalledChaincodeResultReferences>

export const QueryInstalledChaincodeResult = message('lifecycle.QueryInstalledChaincodeResult', {
  packageId: string(1),
  label: string(2),
  references: mapOf(3, embed(2, QueryInstalledChaincodeResultReferences)),
})
export type QueryInstalledChaincodeResult = Infer<typeof QueryInstalledChaincodeResult>

export const GetInstalledChaincodePackageArgs = message('lifecycle.GetInstalledChaincodePackageArgs', {
  packageId: string(1),
})
export type GetInstalledChaincodePackageArgs = Infer<typeof GetInstalledChaincodePackageArgs>

export const GetInstalledChaincodePackageResult = message('lifecycle.GetInstalledChaincodePackageResult', {
  chaincodeInstallPackage: bytes(1),
})
export type GetInstalledChaincodePackageResult = Infer<typeof GetInstalledChaincodePackageResult>

export const QueryInstalledChaincodesArgs = message('lifecycle.QueryInstalledChaincodesArgs', {})
export type QueryInstalledChaincodesArgs = Infer<typeof QueryInstalledChaincodesArgs>

export const InstalledChaincodeReference = message('lifecycle.QueryInstalledChaincodesResult.Chaincode', {
  name: string(1),
  version: string(2),
})
export type InstalledChaincodeReference = Infer<typeof InstalledChaincodeReference>

export const InstalledChaincodeReferences = message('lifecycle.QueryInstalledChaincodesResult.References', {
  chaincodes: repeated(embed(1, InstalledChaincodeReference)),
})
export type InstalledChaincodeReferences = Infer<typeof InstalledChaincodeReferences>

export const InstalledChaincode = message('lifecycle.QueryInstalledChaincodesResult.InstalledChaincode', {
  packageId: string(1),
  label: string(2),
  references: mapOf(3, embed(2, InstalledChaincodeReferences)),
})
export type InstalledChaincode = Infer<typeof InstalledChaincode>

export const QueryInstalledChaincodesResult = message('lifecycle.QueryInstalledChaincodesResult', {
  installedChaincodes: repeated(embed(1, InstalledChaincode)),
})
export type QueryInstalledChaincodesResult = Infer<typeof QueryInstalledChaincodesResult>

export const ChaincodeSourceUnavailable = message('lifecycle.ChaincodeSource.Unavailable', {})
export type ChaincodeSourceUnavailable = Infer<typeof ChaincodeSourceUnavailable>

export const ChaincodeSourceLocal = message('lifecycle.ChaincodeSource.Local', {
  packageId: string(1),
})
export type ChaincodeSourceLocal = Infer<typeof ChaincodeSourceLocal>

export const ChaincodeSource = message('lifecycle.ChaincodeSource', {
  unavailable: oneof('type', embed(1, ChaincodeSourceUnavailable)),
  localPackage: oneof('type', embed(2, ChaincodeSourceLocal)),
})
export type ChaincodeSource = Infer<typeof ChaincodeSource>

export const ApproveChaincodeDefinitionForMyOrgArgs = message('lifecycle.ApproveChaincodeDefinitionForMyOrgArgs', {
  sequence: int64(1),
  name: string(2),
  version: string(3),
  endorsementPlugin: string(4),
  validationPlugin: string(5),
  validationParameter: bytes(6),
  collections: embed(7, CollectionConfigPackage),
  initRequired: bool(8),
  source: embed(9, ChaincodeSource),
})
export type ApproveChaincodeDefinitionForMyOrgArgs = Infer<typeof ApproveChaincodeDefinitionForMyOrgArgs>

export const ApproveChaincodeDefinitionForMyOrgResult = message('lifecycle.ApproveChaincodeDefinitionForMyOrgResult', {})
export type ApproveChaincodeDefinitionForMyOrgResult = Infer<typeof ApproveChaincodeDefinitionForMyOrgResult>

export const CommitChaincodeDefinitionArgs = message('lifecycle.CommitChaincodeDefinitionArgs', {
  sequence: int64(1),
  name: string(2),
  version: string(3),
  endorsementPlugin: string(4),
  validationPlugin: string(5),
  validationParameter: bytes(6),
  collections: embed(7, CollectionConfigPackage),
  initRequired: bool(8),
})
export type CommitChaincodeDefinitionArgs = Infer<typeof CommitChaincodeDefinitionArgs>

export const CommitChaincodeDefinitionResult = message('lifecycle.CommitChaincodeDefinitionResult', {})
export type CommitChaincodeDefinitionResult = Infer<typeof CommitChaincodeDefinitionResult>

export const CheckCommitReadinessArgs = message('lifecycle.CheckCommitReadinessArgs', {
  sequence: int64(1),
  name: string(2),
  version: string(3),
  endorsementPlugin: string(4),
  validationPlugin: string(5),
  validationParameter: bytes(6),
  collections: embed(7, CollectionConfigPackage),
  initRequired: bool(8),
})
export type CheckCommitReadinessArgs = Infer<typeof CheckCommitReadinessArgs>

export const CheckCommitReadinessResultMismatches = message('lifecycle.CheckCommitReadinessResult.Mismatches', {
  items: repeated(string(1)),
})
export type CheckCommitReadinessResultMismatches = Infer<typeof CheckCommitReadinessResultMismatches>

export const CheckCommitReadinessResult = message('lifecycle.CheckCommitReadinessResult', {
  approvals: mapOf(1, bool(2)),
  mismatches: mapOf(2, embed(2, CheckCommitReadinessResultMismatches)),
})
export type CheckCommitReadinessResult = Infer<typeof CheckCommitReadinessResult>

export const QueryApprovedChaincodeDefinitionArgs = message('lifecycle.QueryApprovedChaincodeDefinitionArgs', {
  name: string(1),
  sequence: int64(2),
})
export type QueryApprovedChaincodeDefinitionArgs = Infer<typeof QueryApprovedChaincodeDefinitionArgs>

export const QueryApprovedChaincodeDefinitionResult = message('lifecycle.QueryApprovedChaincodeDefinitionResult', {
  sequence: int64(1),
  version: string(2),
  endorsementPlugin: string(3),
  validationPlugin: string(4),
  validationParameter: bytes(5),
  collections: embed(6, CollectionConfigPackage),
  initRequired: bool(7),
  source: embed(8, ChaincodeSource),
})
export type QueryApprovedChaincodeDefinitionResult = Infer<typeof QueryApprovedChaincodeDefinitionResult>

export const QueryApprovedChaincodeDefinitionsArgs = message('lifecycle.QueryApprovedChaincodeDefinitionsArgs', {})
export type QueryApprovedChaincodeDefinitionsArgs = Infer<typeof QueryApprovedChaincodeDefinitionsArgs>

export const QueryApprovedChaincodeDefinitionsResultDefinition = message(
  'lifecycle.QueryApprovedChaincodeDefinitionsResult.ApprovedChaincodeDefinition',
  {
    name: string(1),
    sequence: int64(2),
    version: string(3),
    endorsementPlugin: string(4),
    validationPlugin: string(5),
    validationParameter: bytes(6),
    collections: embed(7, CollectionConfigPackage),
    initRequired: bool(8),
    source: embed(9, ChaincodeSource),
  },
)
export type QueryApprovedChaincodeDefinitionsResultDefinition = Infer<typeof QueryApprovedChaincodeDefinitionsResultDefinition>

export const QueryApprovedChaincodeDefinitionsResult = message('lifecycle.QueryApprovedChaincodeDefinitionsResult', {
  approvedChaincodeDefinitions: repeated(embed(1, QueryApprovedChaincodeDefinitionsResultDefinition)),
})
export type QueryApprovedChaincodeDefinitionsResult = Infer<typeof QueryApprovedChaincodeDefinitionsResult>

export const QueryChaincodeDefinitionArgs = message('lifecycle.QueryChaincodeDefinitionArgs', {
  name: string(1),
})
export type QueryChaincodeDefinitionArgs = Infer<typeof QueryChaincodeDefinitionArgs>

export const QueryChaincodeDefinitionResult = message('lifecycle.QueryChaincodeDefinitionResult', {
  sequence: int64(1),
  version: string(2),
  endorsementPlugin: string(3),
  validationPlugin: string(4),
  validationParameter: bytes(5),
  collections: embed(6, CollectionConfigPackage),
  initRequired: bool(7),
  approvals: mapOf(8, bool(2)),
})
export type QueryChaincodeDefinitionResult = Infer<typeof QueryChaincodeDefinitionResult>

export const QueryChaincodeDefinitionsArgs = message('lifecycle.QueryChaincodeDefinitionsArgs', {})
export type QueryChaincodeDefinitionsArgs = Infer<typeof QueryChaincodeDefinitionsArgs>

export const QueryChaincodeDefinitionsResultDefinition = message(
  'lifecycle.QueryChaincodeDefinitionsResult.ChaincodeDefinition',
  {
    name: string(1),
    sequence: int64(2),
    version: string(3),
    endorsementPlugin: string(4),
    validationPlugin: string(5),
    validationParameter: bytes(6),
    collections: embed(7, CollectionConfigPackage),
    initRequired: bool(8),
  },
)
export type QueryChaincodeDefinitionsResultDefinition = Infer<typeof QueryChaincodeDefinitionsResultDefinition>

export const QueryChaincodeDefinitionsResult = message('lifecycle.QueryChaincodeDefinitionsResult', {
  chaincodeDefinitions: repeated(embed(1, QueryChaincodeDefinitionsResultDefinition)),
})
export type QueryChaincodeDefinitionsResult = Infer<typeof QueryChaincodeDefinitionsResult>
