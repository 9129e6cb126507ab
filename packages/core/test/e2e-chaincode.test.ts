import {
  createNetwork,
  defineChaincode,
  KeyEndorsementPolicy,
  type Network,
  type NetworkOptions,
  parseSignaturePolicy,
} from '@heddle/core'
import {
  ApplicationPolicy,
  ApproveChaincodeDefinitionForMyOrgArgs,
  CheckCommitReadinessArgs,
  CheckCommitReadinessResult,
  CommitChaincodeDefinitionArgs,
  QueryChaincodeDefinitionArgs,
  QueryChaincodeDefinitionResult,
} from '@heddle/core/model'
import { afterEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

let network: Network
afterEach(() => network?.stop())
const open = async (options: Partial<NetworkOptions> = {}): Promise<Network> => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    ...options,
  })
  return network
}
const contract = (name: string, who = 'Org1') => network.gateway(who).channel('main').contract(name)
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the lifecycle of a chaincode, call by call', () => {
  const lifecycle = (who: string) => network.gateway(who, { as: 'admin' }).contract('_lifecycle')
  const definition = {
    sequence: 1,
    name: 'mine',
    version: '1.0',
    endorsementPlugin: 'escc',
    validationPlugin: 'vscc',
    validationParameter: ApplicationPolicy.encode({ signaturePolicy: parseSignaturePolicy("OR('Org1MSP.peer')") }),
    initRequired: false,
  }
  const approve = (who: string) =>
    lifecycle(who).submit('ApproveChaincodeDefinitionForMyOrg', ApproveChaincodeDefinitionForMyOrgArgs.encode(definition), {
      endorsingOrganizations: [`${who}MSP`],
    })
  const readiness = async () =>
    Object.fromEntries(
      CheckCommitReadinessResult.decode(
        await lifecycle('Org1').evaluate('CheckCommitReadiness', CheckCommitReadinessArgs.encode(definition)),
      ).approvals,
    )
  const commit = () => lifecycle('Org1').submit('CommitChaincodeDefinition', CommitChaincodeDefinitionArgs.encode(definition))

  it('approvals show in the commit readiness; a majority commits, fewer do not', async () => {
    await open()
    expect(await readiness()).toEqual({ Org1MSP: false, Org2MSP: false })
    await approve('Org1')
    expect(await readiness()).toEqual({ Org1MSP: true, Org2MSP: false })
    expect(await failure(commit())).toMatchObject({ code: 'ENDORSE_REFUSED', message: expect.stringContaining('Org2MSP') })
    await approve('Org2')
    await network.channel('main').synchronize()
    expect(await readiness()).toEqual({ Org1MSP: true, Org2MSP: true })
    await commit()
    const answer = await lifecycle('Org2').evaluate(
      'QueryChaincodeDefinition',
      QueryChaincodeDefinitionArgs.encode({ name: 'mine' }),
    )
    const { sequence, version, approvals } = QueryChaincodeDefinitionResult.decode(answer)
    expect({ sequence: Number(sequence), version, approvals: Object.fromEntries(approvals) }).toEqual({
      sequence: 1,
      version: '1.0',
      approvals: { Org1MSP: true, Org2MSP: true },
    })
  })

  it('only an administrator approves, and only for the own organisation', async () => {
    await open()
    const args = ApproveChaincodeDefinitionForMyOrgArgs.encode(definition)
    const asClient = network.gateway('Org1').contract('_lifecycle')
    expect(
      await failure(asClient.submit('ApproveChaincodeDefinitionForMyOrg', args, { endorsingOrganizations: ['Org1MSP'] })),
    ).toMatchObject({ code: 'ENDORSE_REFUSED' })
    expect(
      await failure(
        lifecycle('Org1').submit('ApproveChaincodeDefinitionForMyOrg', args, { endorsingOrganizations: ['Org2MSP'] }),
      ),
    ).toMatchObject({ code: 'ENDORSE_REFUSED' })
    expect(await readiness()).toEqual({ Org1MSP: false, Org2MSP: false })
  })
})

describe('an upgrade', () => {
  it('what was endorsed before and is ordered after is a read conflict on the definition; proposed anew it counts', async () => {
    await open()
    const before = await contract('asset').newProposal('put', 'a', '1').endorse()
    await network.channel('main').deploy('asset', { chaincode: asset, version: '2', endorsement: BOTH })
    expect(await (await before.submit()).getStatus()).toMatchObject({
      status: 'MVCC_READ_CONFLICT',
      conflict: { namespace: '_lifecycle', key: 'namespaces/fields/asset/Sequence' },
    })
    await contract('asset').submit('put', 'a', '1')
  })

  it('none is lost while transactions flow: each is retried until it counts', async () => {
    await open()
    const done = new Set<string>()
    let running = true
    const flow = Promise.all(
      Array.from({ length: 6 }, async (_, worker) => {
        for (let i = 0; running; i++) {
          await contract('asset').submit('put', `${worker}-${i}`, 'x', { retryConflicts: 10 })
          done.add(`${worker}-${i}`)
        }
      }),
    )
    for (const version of ['2', '3', '4'])
      await network.channel('main').deploy('asset', { chaincode: asset, version, endorsement: BOTH })
    running = false
    await flow
    for (const key of done) expect(text(await contract('asset').evaluate('get', key))).toBe('x')
    await network.channel('main').synchronize()
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
  })

  it('of the endorsement policy alone counts from its block', async () => {
    await open()
    await network.channel('main').deploy('asset', { chaincode: asset, endorsement: "OR('Org2MSP.peer')" })
    const transaction = await contract('asset').newProposal('put', 'a', '1').endorse()
    expect(transaction.getEndorsers()).toEqual(['Org2MSP'])
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    const wrong = contract('asset').submit('put', 'a', '2', { endorsingOrganizations: ['Org1MSP'] })
    expect(await failure(wrong)).toMatchObject({ data: { status: 'ENDORSEMENT_POLICY_FAILURE' } })
  })

  it('other code under a version that the peers know is refused: they would go on with the old code', async () => {
    await open()
    const other = defineChaincode({ get: async () => 'other' })
    expect(await failure(network.channel('main').deploy('asset', { chaincode: other, endorsement: BOTH }))).toMatchObject({
      code: 'NETWORK_CHAINCODE_NOT_DEPLOYED',
      message: expect.stringContaining("version '1.0'"),
    })
    await network.channel('main').deploy('asset', { chaincode: other, version: '1.1', endorsement: BOTH })
    expect(text(await contract('asset').evaluate('get', 'a'))).toBe('other')
  })

  it('a peer that was down meanwhile runs the new code when it is back', async () => {
    await open({ organizations: ['Org1', { name: 'Org2', peers: 2 }] })
    await network.peer('peer1.org2').stop()
    const other = defineChaincode({ get: async () => 'other' })
    await network.channel('main').deploy('asset', { chaincode: other, version: '2', endorsement: BOTH })
    await network.peer('peer1.org2').start()
    await network.channel('main').synchronize()
    await network.peer('peer0.org2').stop()
    expect(text(await contract('asset', 'Org2').evaluate('get', 'a'))).toBe('other')
  })
})

describe('a chaincode that asks for initialisation', () => {
  it('is refused before it, runs init once, and goes on', async () => {
    const withInit = {
      async init(stub: { putState(key: string, value: string): Promise<void> }) {
        await stub.putState('began', 'yes')
      },
      async invoke(stub: { getState(key: string): Promise<Buffer> }) {
        return stub.getState('began')
      },
    }
    await open({ chaincodes: { fresh: { chaincode: withInit, initRequired: true, endorsement: BOTH } } })
    expect(await failure(contract('fresh').evaluate('get'))).toMatchObject({ code: 'EVALUATE_REFUSED' })
    await contract('fresh').submit('init', { isInit: true } as never)
    expect(text(await contract('fresh').evaluate('get'))).toBe('yes')
    expect(await failure(contract('fresh').submit('init', { isInit: true } as never))).toMatchObject({ code: 'ENDORSE_REFUSED' })
  })
})

describe('policies of single keys', () => {
  const keyed = defineChaincode({
    async put(stub, key = '', value = '') {
      await stub.putState(key, value)
    },
    async own(stub, key = '', mspId = '') {
      const policy = new KeyEndorsementPolicy()
      policy.addOrgs('PEER', mspId)
      await stub.setStateValidationParameter(key, policy.getPolicy())
    },
    async get(stub, key = '') {
      return stub.getState(key)
    },
  })

  it('replace the chaincode’s for that key, and the gateway asks those whom they name', async () => {
    await open({ chaincodes: { keyed: { chaincode: keyed, endorsement: "OR('Org1MSP.peer','Org2MSP.peer')" } } })
    await contract('keyed').submit('put', 'a', '1')
    await contract('keyed').submit('own', 'a', 'Org2MSP')
    const transaction = await contract('keyed').newProposal('put', 'a', '2').endorse()
    expect(transaction.getEndorsers()).toContain('Org2MSP')
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    const wrong = contract('keyed').submit('put', 'a', '3', { endorsingOrganizations: ['Org1MSP'] })
    expect(await failure(wrong)).toMatchObject({ data: { status: 'ENDORSEMENT_POLICY_FAILURE' } })
    expect((await contract('keyed').newProposal('put', 'b', '1').endorse()).getEndorsers()).toEqual(['Org1MSP'])
    expect(text(await contract('keyed').evaluate('get', 'a'))).toBe('2')
  })
})

describe('private data', () => {
  it('each call is refused with PRIVATE_DATA_NOT_SUPPORTED, which the client reads', async () => {
    const calls = {
      get: (stub: Stub) => stub.getPrivateData('c', 'k'),
      put: (stub: Stub) => stub.putPrivateData('c', 'k', Buffer.from('v')),
      remove: (stub: Stub) => stub.deletePrivateData('c', 'k'),
      purge: (stub: Stub) => stub.purgePrivateData('c', 'k'),
      range: (stub: Stub) => stub.getPrivateDataByRange('c', 'a', 'b'),
      query: (stub: Stub) => stub.getPrivateDataQueryResult('c', '{}'),
    }
    type Stub = Parameters<Parameters<typeof defineChaincode>[0][string]>[0]
    const secretive = defineChaincode(
      Object.fromEntries(
        Object.entries(calls).map(([name, call]) => [
          name,
          async (stub: Stub) => {
            try {
              await call(stub)
            } catch (error) {
              return (error as { code: string }).code
            }
            return 'no error'
          },
        ]),
      ),
    )
    await open({ chaincodes: { secretive: { chaincode: secretive } } })
    for (const name of Object.keys(calls))
      expect(text(await contract('secretive').evaluate(name))).toBe('PRIVATE_DATA_NOT_SUPPORTED')
  })
})
