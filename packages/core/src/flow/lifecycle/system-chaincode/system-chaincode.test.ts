import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../../adapters/state-memory/memory-state-db.ts'
import { HashedRWSet, KVRWSet } from '../../../model/messages/kv-rwset.ts'
import { BlockchainInfo } from '../../../model/messages/ledger.ts'
import {
  CheckCommitReadinessResult,
  CommitChaincodeDefinitionArgs,
  InstallChaincodeArgs,
  InstallChaincodeResult,
  QueryApprovedChaincodeDefinitionArgs,
  QueryApprovedChaincodeDefinitionResult,
  QueryChaincodeDefinitionArgs,
  QueryChaincodeDefinitionResult,
  QueryChaincodeDefinitionsResult,
  QueryInstalledChaincodesResult,
} from '../../../model/messages/lifecycle.ts'
import type { ProposalResponse } from '../../../model/messages/proposal-response.ts'
import { ChannelQueryResponse } from '../../../model/messages/query.ts'
import { TxReadWriteSet } from '../../../model/messages/rwset.ts'
import { ProcessedTransaction } from '../../../model/messages/transaction.ts'
import { hashedNamespace } from '../../../model/namespace.ts'
import type { StateWrite } from '../../../ports/state-db.ts'
import {
  actionOf,
  fakeConfig,
  fakeMembership,
  fakeProvider,
  fakeSignature,
  identityBytes,
  ManualClock,
  object,
  signedProposal,
  type TestPeer,
  testPeer,
  vectorBlock,
} from '../../endorse/endorsement.fixture.ts'
import { Endorser } from '../../endorse/endorser.ts'
import type { EndorserChannel } from '../../endorse/endorser-channel.ts'
import { ConfigChaincode } from './config-chaincode.ts'
import { LedgerChaincode } from './ledger-chaincode.ts'
import { LifecycleChaincode } from './lifecycle-chaincode.ts'
import { PackageRegistry } from './package-registry.ts'

const admin = identityBytes('Org1MSP', 'user.admin')
const adminOf2 = identityBytes('Org2MSP', 'user.admin')

function lifecyclePeer(mspId = 'Org1MSP'): TestPeer {
  return testPeer({
    mspId,
    systemChaincodes: [new LifecycleChaincode(mspId, new PackageRegistry())],
    localMembership: fakeMembership([mspId]),
  })
}

const call = (peer: TestPeer, name: string, args: Uint8Array, creator = admin): Promise<ProposalResponse> =>
  peer.invoke({ chaincode: '_lifecycle', args: [name, args], creator })

const definition = (more: Partial<Parameters<typeof CommitChaincodeDefinitionArgs.encode>[0]> = {}): Uint8Array =>
  CommitChaincodeDefinitionArgs.encode({ sequence: 1, name: 'cc', version: '1.0', ...more })

/** Commits what a response wrote, to the states of all peers, as a block would. */
function apply(response: ProposalResponse, ...peers: TestPeer[]): void {
  expect(response.response).toMatchObject({ status: 200 })
  const writes: Omit<StateWrite, 'version'>[] = []
  for (const { namespace, rwset, collectionHashedRwset } of TxReadWriteSet.decode(actionOf(response).results).nsRwset) {
    for (const { key, value, isDelete } of KVRWSet.decode(rwset).writes) {
      writes.push({ namespace, key, value: isDelete ? undefined : value, metadata: undefined })
    }
    for (const { collectionName, hashedRwset } of collectionHashedRwset) {
      for (const { keyHash, valueHash } of HashedRWSet.decode(hashedRwset).hashedWrites) {
        const key = Buffer.from(keyHash).toString('hex')
        writes.push({ namespace: hashedNamespace(namespace, collectionName), key, value: valueHash, metadata: undefined })
      }
    }
  }
  for (const peer of peers) peer.commit(writes)
}

describe('_lifecycle', () => {
  it('approve, check, commit, query: two organisations agree on a definition, and its chaincode runs', async () => {
    const one = lifecyclePeer('Org1MSP')
    const two = lifecyclePeer('Org2MSP')
    apply(await call(one, 'ApproveChaincodeDefinitionForMyOrg', definition()), one, two)
    const readiness = await call(one, 'CheckCommitReadiness', definition())
    expect([...CheckCommitReadinessResult.decode(readiness.response!.payload).approvals]).toEqual([
      ['Org1MSP', true],
      ['Org2MSP', false],
    ])
    apply(await call(two, 'ApproveChaincodeDefinitionForMyOrg', definition(), adminOf2), one, two)
    const committed = await Promise.all([
      call(one, 'CommitChaincodeDefinition', definition()),
      call(two, 'CommitChaincodeDefinition', definition()),
    ])
    expect(actionOf(committed[0]!).results).toEqual(actionOf(committed[1]!).results)
    apply(committed[0]!, one, two)
    const queried = await call(one, 'QueryChaincodeDefinition', QueryChaincodeDefinitionArgs.encode({ name: 'cc' }))
    expect(QueryChaincodeDefinitionResult.decode(queried.response!.payload)).toMatchObject({
      sequence: 1,
      version: '1.0',
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      approvals: new Map([
        ['Org1MSP', true],
        ['Org2MSP', true],
      ]),
    })
    const all = await call(one, 'QueryChaincodeDefinitions', new Uint8Array(0))
    expect(QueryChaincodeDefinitionsResult.decode(all.response!.payload).chaincodeDefinitions).toMatchObject([
      { name: 'cc', sequence: 1 },
    ])
  })

  it('names the parameters in which an approval differs', async () => {
    const peer = lifecyclePeer()
    apply(await call(peer, 'ApproveChaincodeDefinitionForMyOrg', definition()), peer)
    const { response } = await call(peer, 'CheckCommitReadiness', definition({ version: '2.0' }))
    const { mismatches } = CheckCommitReadinessResult.decode(response!.payload)
    expect(mismatches.get('Org1MSP')?.items).toEqual(['EndorsementInfo'])
    expect(mismatches.get('Org2MSP')?.items).toEqual(['ChaincodeParameters'])
  })

  it('gives back what the own organisation approved', async () => {
    const peer = lifecyclePeer()
    apply(await call(peer, 'ApproveChaincodeDefinitionForMyOrg', definition()), peer)
    const { response } = await call(
      peer,
      'QueryApprovedChaincodeDefinition',
      QueryApprovedChaincodeDefinitionArgs.encode({ name: 'cc' }),
    )
    expect(QueryApprovedChaincodeDefinitionResult.decode(response!.payload)).toMatchObject({
      sequence: 1,
      version: '1.0',
      source: { unavailable: {} },
    })
  })

  it('a peer that lost the private value of its approval says so', async () => {
    const one = lifecyclePeer()
    const bare = lifecyclePeer()
    apply(await call(one, 'ApproveChaincodeDefinitionForMyOrg', definition()), bare)
    const query = call(bare, 'QueryApprovedChaincodeDefinition', QueryApprovedChaincodeDefinitionArgs.encode({ name: 'cc' }))
    await expect(query).rejects.toMatchObject({ code: 'PRIVATE_DATA_UNAVAILABLE' })
  })

  it.each<[string, string, Uint8Array, string]>([
    [
      'a sequence of 0',
      'ApproveChaincodeDefinitionForMyOrg',
      definition({ sequence: 0 }),
      'first definable sequence number is 1',
    ],
    [
      'a sequence that skips one',
      'ApproveChaincodeDefinitionForMyOrg',
      definition({ sequence: 2 }),
      'next available sequence number 1',
    ],
    ['a commit that is not next', 'CommitChaincodeDefinition', definition({ sequence: 2 }), 'must be sequence 1'],
    [
      'a commit that the own organisation did not approve',
      'CommitChaincodeDefinition',
      definition(),
      'not agreed to by this org (Org1MSP)',
    ],
    ['a bad name', 'CommitChaincodeDefinition', definition({ name: '-cc' }), 'invalid chaincode name'],
    ["a system chaincode's name", 'CommitChaincodeDefinition', definition({ name: 'qscc' }), 'system chaincode'],
    ['a bad version', 'CommitChaincodeDefinition', definition({ version: 'a/b' }), 'invalid chaincode version'],
    ['bytes that do not parse', 'CommitChaincodeDefinition', new Uint8Array([0xff]), 'failed to invoke'],
    ['a function that is none', 'Nothing', definition(), 'no such function'],
    [
      'a collection without a member policy',
      'CommitChaincodeDefinition',
      definition({ collections: { config: [{ staticCollectionConfig: { name: 'c' } }] } }),
      'collection member policy is not set',
    ],
  ])('refuses %s', async (_name, called, args, message) => {
    const { response, endorsement } = await call(lifecyclePeer(), called, args)
    expect(response).toMatchObject({ status: 500, message: expect.stringContaining(message) })
    expect(endorsement).toBeUndefined()
  })

  it('refuses an approval that changes nothing', async () => {
    const peer = lifecyclePeer()
    apply(await call(peer, 'ApproveChaincodeDefinitionForMyOrg', definition()), peer)
    const { response } = await call(peer, 'ApproveChaincodeDefinitionForMyOrg', definition())
    expect(response).toMatchObject({ status: 500, message: expect.stringContaining('unchanged content') })
  })

  it('answers 404 for a chaincode that is not defined', async () => {
    const { response } = await call(
      lifecyclePeer(),
      'QueryChaincodeDefinition',
      QueryChaincodeDefinitionArgs.encode({ name: 'none' }),
    )
    expect(response?.status).toBe(404)
  })

  it("lets only the peer's own administrators approve", async () => {
    for (const creator of [identityBytes('Org1MSP', 'user'), adminOf2]) {
      const { response } = await call(lifecyclePeer(), 'ApproveChaincodeDefinitionForMyOrg', definition(), creator)
      expect(response).toMatchObject({ status: 500, message: expect.stringContaining('ACL check') })
    }
  })

  it('an organisation that approves after the commit runs the chaincode from then on', async () => {
    const peer = testPeer({ systemChaincodes: [new LifecycleChaincode('Org1MSP', new PackageRegistry())] })
    await peer.define(
      'cc',
      object(() => 'runs'),
      { approve: false },
    )
    await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_NOT_APPROVED' })
    const args = definition({ validationParameter: Buffer.from('policy') })
    apply(await call(peer, 'ApproveChaincodeDefinitionForMyOrg', args), peer)
    expect(Buffer.from((await peer.invoke({})).response!.payload).toString()).toBe('runs')
  })

  it('installs packages without a channel, for administrators only', async () => {
    const peer = lifecyclePeer()
    const chaincodeInstallPackage = gzipSync(tar('metadata.json', JSON.stringify({ type: 'node', label: 'cc_1.0' })))
    const install = (creator: Uint8Array, bytes: Uint8Array) =>
      peer.invoke({
        channel: '',
        chaincode: '_lifecycle',
        args: ['InstallChaincode', InstallChaincodeArgs.encode({ chaincodeInstallPackage: bytes })],
        creator,
      })
    expect((await install(identityBytes('Org1MSP', 'user'), chaincodeInstallPackage)).response?.status).toBe(500)
    const { packageId } = InstallChaincodeResult.decode((await install(admin, chaincodeInstallPackage)).response!.payload)
    expect(packageId).toMatch(/^cc_1\.0:[0-9a-f]{64}$/)
    for (const bad of [chaincodeInstallPackage, Buffer.from('garbage'), gzipSync(tar('other', '{}'))]) {
      expect((await install(admin, bad)).response?.status).toBe(500)
    }
    const list = await peer.invoke({
      channel: '',
      chaincode: '_lifecycle',
      args: ['QueryInstalledChaincodes', ''],
      creator: admin,
    })
    expect(QueryInstalledChaincodesResult.decode(list.response!.payload).installedChaincodes).toMatchObject([{ packageId }])
  })
})

/** A tar archive of one file. */
function tar(name: string, content: string): Uint8Array {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(content.length.toString(8).padStart(11, '0'), 124)
  return Buffer.concat([header, Buffer.from(content.padEnd(512, '\0')), Buffer.alloc(1024)])
}

describe('qscc and cscc', () => {
  const blocks = [vectorBlock(0), vectorBlock(1), vectorBlock(2)]
  const channel: EndorserChannel = {
    name: 'ch1',
    config: fakeConfig(['Org1MSP']),
    snapshot: () => new MemoryStateDB().snapshot(),
    hasTransaction: () => false,
    chaincode: () => undefined,
    lastConfigBlock: () => 0,
    blocks: {
      height: blocks.length,
      get: (number) => blocks[number],
      byHash: (hash) => blocks.find((block) => Buffer.compare(block.hash(), hash) === 0),
      transaction: (txId) => {
        const blockNumber = blocks.findIndex((block) => block.envelope(0).txId === txId)
        return blockNumber < 0 ? undefined : { blockNumber, txNumber: 0, code: 0 }
      },
    },
  }
  const find = (name: string) => (name === 'ch1' ? channel : undefined)
  const signer = {
    mspId: 'Org1MSP',
    identity: identityBytes('Org1MSP', 'peer0'),
    sign: (message: Uint8Array) => fakeSignature(message, identityBytes('Org1MSP')),
  }
  const endorser = new Endorser({
    signer,
    identityProvider: fakeProvider,
    clock: new ManualClock(),
    channel: find,
    localMembership: fakeMembership(['Org1MSP']),
    systemChaincodes: [new LedgerChaincode(find), new ConfigChaincode(() => [channel])],
  })
  const ask = async (chaincode: string, args: (string | Uint8Array)[], on = 'ch1') =>
    (await endorser.processProposal(signedProposal({ channel: on, chaincode, args }))).response!

  it('show height and hashes of the chain', async () => {
    const info = BlockchainInfo.decode((await ask('qscc', ['GetChainInfo', 'ch1'])).payload)
    expect(info).toMatchObject({ height: 3, currentBlockHash: blocks[2]!.hash(), previousBlockHash: blocks[1]!.hash() })
  })

  it('show blocks by number, hash and transaction, and transactions with their code', async () => {
    const { txId } = blocks[1]!.envelope(0)
    expect((await ask('qscc', ['GetBlockByNumber', 'ch1', '1'])).payload).toEqual(blocks[1]!.encode())
    expect((await ask('qscc', ['GetBlockByHash', 'ch1', blocks[1]!.hash()])).payload).toEqual(blocks[1]!.encode())
    expect((await ask('qscc', ['GetBlockByTxID', 'ch1', txId])).payload).toEqual(blocks[1]!.encode())
    const processed = ProcessedTransaction.decode((await ask('qscc', ['GetTransactionByID', 'ch1', txId])).payload)
    expect([processed.validationCode, processed.transactionEnvelope?.payload]).toEqual([0, blocks[1]!.envelope(0).payload])
  })

  it('refuse what is not there, another channel, and bad arguments', async () => {
    for (const args of [
      ['GetBlockByNumber', 'ch1', '3'],
      ['GetBlockByNumber', 'ch1', '-1'],
      ['GetBlockByNumber', 'ch1'],
      ['GetTransactionByID', 'ch1', 'none'],
      ['GetChainInfo', 'other'],
      ['Nothing', 'ch1', ''],
      [],
    ]) {
      expect((await ask('qscc', args)).status).toBe(500)
    }
  })

  it("list a peer's channels, and a channel's last config block", async () => {
    const { payload } = await ask('cscc', ['GetChannels'], '')
    expect(ChannelQueryResponse.decode(payload).channels).toEqual([{ channelId: 'ch1' }])
    expect((await ask('cscc', ['GetConfigBlock', 'ch1'])).payload).toEqual(blocks[0]!.encode())
    expect((await ask('cscc', ['GetConfigBlock', 'other'])).status).toBe(500)
  })
})
