import { describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import { parseApplicationPolicy } from '../../channel/policy/application-policy.ts'
import { parseSignaturePolicy } from '../../channel/policy/policy-text.ts'
import { ChaincodeData } from '../../model/messages/chaincode.ts'
import { LifecycleStateData, LifecycleStateMetadata } from '../../model/messages/lifecycle-db.ts'
import { definitionWrites } from '../validate/test-ledger.fixture.ts'
import { definedChaincodes, readDefinition } from './definitions.ts'
import { fieldKey, metadataKey, NAMESPACES } from './state-layout.ts'

const version = { blockNumber: 1, txNumber: 0 }

function stateWith(changes: Record<string, Uint8Array> = {}): MemoryStateDB {
  const state = new MemoryStateDB()
  const writes = definitionWrites('cc', { endorsement: "OR('Org1MSP.peer')", collections: { col: null }, blockToLive: 3 })
  const changed = Object.entries(changes).map(([key, value]) => ({
    namespace: '_lifecycle',
    key,
    value,
    metadata: undefined,
    version,
  }))
  state.commit([...writes, ...changed], version)
  return state
}

describe('a chaincode definition', () => {
  it('is read as Fabric stores it', async () => {
    const definition = await readDefinition(stateWith(), 'cc')
    expect(definition).toMatchObject({
      name: 'cc',
      sequence: 1,
      version: '1',
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      isLegacy: false,
    })
    expect(definition!.endorsementPolicy).toEqual(parseApplicationPolicy("OR('Org1MSP.peer')"))
    expect(definition!.collections.map(({ name, blockToLive }) => [name, blockToLive])).toEqual([['col', 3]])
  })

  it('is absent where there is none', async () => {
    expect(await readDefinition(stateWith(), 'other')).toBeUndefined()
  })

  it('has no policy where the bytes are none', async () => {
    const { validationParameter, endorsementPolicy } = (await readDefinition(stateWith(), 'cc'))!
    expect(validationParameter.length).toBeGreaterThan(0)
    expect(endorsementPolicy).toBeDefined()
    const emptied = stateWith({
      [fieldKey(NAMESPACES, 'cc', 'ValidationInfo')]: LifecycleStateData.encode({ bytes: new Uint8Array(0) }),
    })
    expect(await readDefinition(emptied, 'cc')).toMatchObject({ endorsementPolicy: undefined, validationPlugin: '' })
  })

  it.each<[string, Record<string, Uint8Array>]>([
    ['of another type', { [metadataKey(NAMESPACES, 'cc')]: LifecycleStateMetadata.encode({ datatype: 'Other' }) }],
    ['with metadata that do not decode', { [metadataKey(NAMESPACES, 'cc')]: Uint8Array.of(0xff) }],
    ['with a number for bytes', { [fieldKey(NAMESPACES, 'cc', 'Collections')]: LifecycleStateData.encode({ int64: 1 }) }],
    ['with text for the sequence', { [fieldKey(NAMESPACES, 'cc', 'Sequence')]: LifecycleStateData.encode({ string: '1' }) }],
  ])('%s is refused', async (_, changes) => {
    await expect(readDefinition(stateWith(changes), 'cc')).rejects.toMatchObject({ code: 'DEFINITION_MALFORMED' })
  })

  it('of the legacy lifecycle is read where the new one has none', async () => {
    const state = new MemoryStateDB()
    const policy = parseSignaturePolicy("OR('Org1MSP.peer')")
    const value = ChaincodeData.encode({ name: 'old', version: '7', vscc: 'vscc', policy })
    state.commit([{ namespace: 'lscc', key: 'old', value, metadata: undefined, version }], version)
    const definition = await readDefinition(state, 'old')
    expect(definition).toMatchObject({ version: '7', sequence: 0, validationPlugin: 'vscc', isLegacy: true, collections: [] })
    expect(definition!.endorsementPolicy?.signaturePolicy).toEqual(policy)
  })

  it('changes with its sequence key', () => {
    const keys = [
      'namespaces/fields/cc/Sequence',
      'namespaces/fields/cc/Collections',
      'namespaces/metadata/cc',
      'namespaces/fields/a/b/Sequence',
      'x',
    ]
    expect(definedChaincodes(keys)).toEqual(['cc'])
  })
})
