import { createPrivateKey, randomBytes } from 'node:crypto'
import * as grpc from '@grpc/grpc-js'
import { createNetwork, defineChaincode, type Network } from '@heddle/core'
import { type FabricServices, serveFabric } from '@heddle/fabric'
import { type ConnectOptions, connect, type Gateway, GatewayError, signers } from '@hyperledger/fabric-gateway'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const asset = defineChaincode({
  async put(stub, key = '', value = '') {
    await stub.putState(key, Buffer.from(value))
    stub.setEvent('put', Buffer.from(key))
    return value
  },
  async get(stub, key = '') {
    const value = await stub.getState(key)
    if (value.length === 0) throw new Error(`there is no ${key}`)
    return value
  },
})

let network: Network
let services: FabricServices
const clients: grpc.Client[] = []
const gateways: Gateway[] = []

beforeEach(async () => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: "AND('Org1MSP.peer','Org2MSP.peer')" } },
  })
  services = await serveFabric(network)
})
afterEach(async () => {
  for (const gateway of gateways.splice(0)) gateway.close()
  for (const client of clients.splice(0)) client.close()
  await services.stop()
  await network.stop()
})

function client(node = 'peer0.org1'): grpc.Client {
  const made = new grpc.Client(services.address(node)!, grpc.credentials.createInsecure())
  clients.push(made)
  return made
}

/** The stock client, as an application would use it. */
function gateway(options: Partial<ConnectOptions> = {}, organization = 'Org1', node = 'peer0.org1'): Gateway {
  const { mspId, certificate, privateKey } = network.organization(organization).identity('client')
  const made = connect({
    client: client(node),
    identity: { mspId, credentials: Buffer.from(certificate) },
    signer: signers.newPrivateKeySigner(createPrivateKey(privateKey)),
    ...options,
  })
  gateways.push(made)
  return made
}

const contract = (options: Partial<ConnectOptions> = {}, organization = 'Org1', node = 'peer0.org1') =>
  gateway(options, organization, node).getNetwork('main').getContract('asset')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const failure = (work: Promise<unknown>): Promise<GatewayError> =>
  work.then(
    () => Promise.reject(new Error('no error')),
    (error) => error,
  )

describe('the stock client of Fabric', () => {
  it('submits and evaluates', async () => {
    expect(text(await contract().submitTransaction('put', 'a', '1'))).toBe('1')
    expect(text(await contract().evaluateTransaction('get', 'a'))).toBe('1')
    expect(text(await contract({}, 'Org2', 'peer0.org2').evaluateTransaction('get', 'a'))).toBe('1')
  })

  it('goes step by step, and learns the block', async () => {
    const proposal = contract().newProposal('put', { arguments: ['b', '2'] })
    const transaction = await proposal.endorse()
    expect(text(transaction.getResult())).toBe('2')
    const commit = await transaction.submit()
    const status = await commit.getStatus()
    expect(status).toMatchObject({ successful: true, code: 0, transactionId: proposal.getTransactionId() })
    expect((await network.peer('peer0.org1').block('main', Number(status.blockNumber)))?.data).toHaveLength(1)
  })

  it('signs offline, each step', async () => {
    const sign = signers.newPrivateKeySigner(createPrivateKey(network.organization('Org1').identity('client').privateKey))
    const offline = gateway({ signer: undefined as never })
    const draft = offline
      .getNetwork('main')
      .getContract('asset')
      .newProposal('put', { arguments: ['c', '3'] })
    const proposal = offline.newSignedProposal(draft.getBytes(), await sign(draft.getDigest()))
    const unsigned = await proposal.endorse()
    const transaction = offline.newSignedTransaction(unsigned.getBytes(), await sign(unsigned.getDigest()))
    const waiting = await transaction.submit()
    const commit = offline.newSignedCommit(waiting.getBytes(), await sign(waiting.getDigest()))
    expect(await commit.getStatus()).toMatchObject({ successful: true })
  })

  it('gets chaincode events, from a block on, and goes on after a checkpoint', async () => {
    for (const key of ['a', 'b', 'c']) await contract().submitTransaction('put', key, '1')
    const seen: string[] = []
    let second: { blockNumber: bigint; transactionId: string } | undefined
    const from = gateway().getNetwork('main')
    await using events = disposable(await from.getChaincodeEvents('asset', { startBlock: 0n }))
    for await (const event of events.of) {
      seen.push(text(event.payload))
      if (seen.length === 2) second = event
      if (seen.length === 3) break
    }
    expect(seen).toEqual(['a', 'b', 'c'])
    const checkpoint = { getBlockNumber: () => second!.blockNumber, getTransactionId: () => second!.transactionId }
    await using later = disposable(await from.getChaincodeEvents('asset', { checkpoint }))
    for await (const event of later.of) {
      expect(text(event.payload)).toBe('c')
      break
    }
  })

  it('gets block events, whole and filtered', async () => {
    await contract().submitTransaction('put', 'a', '1')
    const from = gateway().getNetwork('main')
    await using blocks = disposable(await from.getBlockEvents({ startBlock: 0n }))
    const numbers: number[] = []
    for await (const block of blocks.of) {
      numbers.push(block.getHeader()!.getNumber())
      if (numbers.length === network.channel('main').height) break
    }
    expect(numbers).toEqual(numbers.map((_, i) => i))
    await using filtered = disposable(await from.getFilteredBlockEvents({ startBlock: BigInt(numbers.length - 1) }))
    for await (const block of filtered.of) {
      const [transaction] = block.getFilteredTransactionsList()
      expect(block.getChannelId()).toBe('main')
      expect(transaction?.getTxValidationCode()).toBe(0)
      const [action] = transaction!.getTransactionActions()!.getChaincodeActionsList()
      expect(action?.getChaincodeEvent()?.getEventName()).toBe('put')
      expect(action?.getChaincodeEvent()?.getPayload()).toHaveLength(0)
      break
    }
  })
})

describe('errors as Fabric gives them', () => {
  it('what the chaincode refuses to evaluate is UNKNOWN, with its words', async () => {
    const error = await failure(contract().evaluateTransaction('get', 'nothing'))
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({
      code: grpc.status.UNKNOWN,
      message: expect.stringContaining('chaincode response 500, there is no nothing'),
    })
    expect(error.details).toMatchObject([
      { mspId: 'Org1MSP', address: services.address('peer0.org1'), message: expect.stringContaining('there is no nothing') },
    ])
  })

  it('what the chaincode refuses to endorse is ABORTED, with what each endorser said', async () => {
    const error = await failure(contract().submitTransaction('get', 'nothing'))
    expect(error).toMatchObject({ code: grpc.status.ABORTED })
    expect(error.details[0]).toMatchObject({ mspId: 'Org1MSP', message: expect.stringContaining('there is no nothing') })
  })

  it('an unknown chaincode fails the evaluation', async () => {
    const unknown = gateway().getNetwork('main').getContract('nobody')
    expect(await failure(unknown.evaluateTransaction('get', 'a'))).toMatchObject({ code: grpc.status.FAILED_PRECONDITION })
  })

  it('organisations without a peer cannot be planned: UNAVAILABLE', async () => {
    const error = await failure(contract().submit('put', { arguments: ['a', '1'], endorsingOrganizations: ['Org9MSP'] }))
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE })
  })

  it('a stranger is refused', async () => {
    const { certificate } = network.organization('Org2').identity('client')
    const stranger = contract({ identity: { mspId: 'Org1MSP', credentials: Buffer.from(certificate) } })
    expect(await failure(stranger.evaluateTransaction('get', 'a'))).toMatchObject({ code: grpc.status.FAILED_PRECONDITION })
  })

  it('a commit status that somebody else signed is PERMISSION_DENIED', async () => {
    const proposal = contract().newProposal('put', { arguments: ['a', '1'] })
    const commit = await (await proposal.endorse()).submit()
    const forged = gateway().newSignedCommit(commit.getBytes(), randomBytes(70))
    expect(await failure(forged.getStatus())).toMatchObject({ code: grpc.status.PERMISSION_DENIED })
  })

  it('no orderer: UNAVAILABLE', async () => {
    const transaction = await contract()
      .newProposal('put', { arguments: ['a', '1'] })
      .endorse()
    await network.orderer('orderer0.orderer').stop()
    expect(await failure(transaction.submit())).toMatchObject({ code: grpc.status.UNAVAILABLE })
  })
})

function disposable<T>(of: T & { close(): void }): { of: T } & AsyncDisposable {
  return { of, [Symbol.asyncDispose]: async () => of.close() }
}
