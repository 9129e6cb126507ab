/** Keys of chaincode lifecycle in the state, as Fabric lays it out (core/chaincode/lifecycle/lifecycle.go, serializer.go). */

export const NAMESPACES = 'namespaces'
export const CHAINCODE_SOURCES = 'chaincode-sources'

/** Key of the record that says which fields a thing has. */
export function metadataKey(table: string, name: string): string {
  return `${table}/metadata/${name}`
}

export function fieldKey(table: string, name: string, field: string): string {
  return `${table}/fields/${name}/${field}`
}

/** Name under which an organisation's approval of one sequence stands in its implicit collection. */
export function approvalName(chaincode: string, sequence: number): string {
  return `${chaincode}#${sequence}`
}

/** Types of record, with their fields in Fabric's order: the order is part of what organisations compare. */
export const RECORDS = {
  ChaincodeDefinition: ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections'],
  ChaincodeParameters: ['EndorsementInfo', 'ValidationInfo', 'Collections'],
  ChaincodeLocalPackage: ['PackageID'],
} as const
