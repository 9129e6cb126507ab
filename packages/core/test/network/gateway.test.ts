import { createHash, createPrivateKey, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChaincodeEvent, createNetwork, fileCheckpointer, inMemoryCheckpointer, type Network } from '@heddle/core'
import { PreparedTransaction, ProposedTransaction } from '@heddle/core/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './asset.fixture.ts'

let network: Network
beforeAll(async () => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2', 'Org3'],
    base: import.meta.url,
    chaincodes: {
      asset: { chaincode: asset, endorsement: BOTH },
      either: { chaincode: asset, endorsement: "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')" },
      random: { chaincode: { invoke: async (stub: never) => putRandom(stub) }, endorsement: BOTH },
    },
  })
})
afterAll(() => network.stop())

let drawn = 0
async function putRandom(stub: { putState(key: string, value: Uint8Array): Promise<void> }): Promise<void> {
  await stub.putState('dice', Buffer.from(String(drawn++)))
}

const contract = (name = 'asset') => network.gateway('Org1').contract(name)

describe('the steps of a transaction', () => {
  it('proposal → transaction → commit, each with what it knows', async () => {
    const proposal = contract().newProposal('put', 'steps', '1')
    const transaction = await proposal.endorse()
    expect(transaction.getTransactionId()).toBe(proposal.getTransactionId())
    expect([...transaction.getEndorsers()].sort()).toEqual(['Org1MSP', 'Org2MSP'])
    const commit = await transaction.submit()
    const status = await commit.getStatus()
    expect(status).toMatchObject({ successful: true, code: 0, status: 'VALID', transactionId: proposal.getTransactionId() })
    expect(await network.channel('main').block(status.blockNumber)).toBeDefined()
  })

  it('the fate of a transaction can be asked again, later, by whoever kept the bytes', async () => {
    const gateway = network.gateway('Org2')
    const submitted = await (await contract().newProposal('put', 'later', '1').endorse()).submit()
    const status = await submitted.getStatus()
    expect(await gateway.newCommit(submitted.getBytes()).getStatus()).toEqual(status)
  })

  it('asks only as many endorsers as the policy needs, those of the client first', async () => {
    const transaction = await network.gateway('Org2').contract('either').newProposal('put', 'a', '1').endorse()
    expect(transaction.getEndorsers()).toEqual(['Org2MSP'])
  })

  it('a peer that refuses because it is behind is asked again, so that what one client committed the next one can build on', async () => {
    const second = network.peer('peer0.org2')
    await second.stop()
    for (let i = 0; i < 10; i++) await contract('either').submit('put', `behind-${i}`, 'x')
    await second.start()
    expect(second.height('main')).toBeLessThan(network.peer('peer0.org1').height('main'))
    await contract('either').submit('move', 'behind-9', 'moved', { endorsingOrganizations: ['Org2MSP'] })
    await expect(contract('either').submit('move', 'behind-9', 'moved')).rejects.toMatchObject({ code: 'ENDORSE_REFUSED' })
  })

  it('asks the organisations that the client chose', async () => {
    const transaction = await contract('either')
      .newProposal('put', 'a', '1', { endorsingOrganizations: ['Org3MSP', 'Org2MSP'] })
      .endorse()
    expect(transaction.getEndorsers()).toEqual(['Org3MSP', 'Org2MSP'])
  })

  it('signs offline: bytes and digest go out, the signature comes back, at each step', async () => {
    const user = network.organization('Org1').identity('client')
    const key = createPrivateKey(user.privateKey)
    // Stands for a device that holds the key: it sees digests elsewhere; here it signs the bytes under them.
    const { mspId, identity } = user
    const offline = network.gateway({ mspId, identity })
    const unsigned = offline.contract('asset').newProposal('put', 'offline', '1')
    await expect(unsigned.endorse()).rejects.toMatchObject({ code: 'GATEWAY_NO_SIGNER' })
    const signer = user.signer as { sign(message: Uint8Array): Promise<Uint8Array> | Uint8Array }
    const { proposalBytes } = decodeProposal(unsigned.getBytes())
    expect(Buffer.from(unsigned.getDigest())).toEqual(createHash('sha256').update(proposalBytes).digest())
    const proposal = offline.newSignedProposal(unsigned.getBytes(), await signer.sign(proposalBytes))
    const prepared = await proposal.endorse()
    const payload = decodePrepared(prepared.getBytes())
    const transaction = offline.newSignedTransaction(prepared.getBytes(), await signer.sign(payload))
    expect((await (await transaction.submit()).getStatus()).successful).toBe(true)
    expect(sign('sha256', payload, key).length).toBeGreaterThan(60)
  })
})

describe('errors of the steps', () => {
  it('a chaincode that throws is not endorsed; the error tells each endorser and its words', async () => {
    await expect(contract().submit('fail')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
      message: expect.stringContaining('refused by the rules'),
      data: { details: [{ mspId: 'Org1MSP' }, { mspId: 'Org2MSP' }] },
    })
    await expect(contract().evaluate('fail')).rejects.toMatchObject({ code: 'EVALUATE_REFUSED', data: { status: 500 } })
  })

  it('endorsers that disagree: the error shows the difference', async () => {
    await expect(contract('random').submit('roll')).rejects.toMatchObject({
      code: 'ENDORSERS_DISAGREE',
      data: { difference: { kind: 'write', namespace: 'random', key: 'dice' } },
    })
  })

  it('a transaction that too few endorsed is committed as invalid', async () => {
    const error = await contract()
      .submit('put', 'a', '1', { endorsingOrganizations: ['Org1MSP'] })
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'TRANSACTION_INVALID', data: { status: 'ENDORSEMENT_POLICY_FAILURE' } })
  })

  it('a read conflict names the key, both versions and the transaction that won', async () => {
    await contract().submit('put', 'hot', '1')
    const [first, second] = await Promise.all([0, 1].map(() => contract().newProposal('add', 'hot', '1').endorse()))
    expect((await (await first!.submit()).getStatus()).successful).toBe(true)
    const status = await (await second!.submit()).getStatus()
    expect(status).toMatchObject({
      successful: false,
      status: 'MVCC_READ_CONFLICT',
      conflict: { namespace: 'asset', key: 'hot', transactionId: first!.getTransactionId() },
    })
    expect(status.conflict?.read).not.toEqual(status.conflict?.committed)
  })

  it('retries read conflicts when asked to: ten clients add to one key and none is lost', async () => {
    await contract().submit('put', 'sum', '0')
    await Promise.all(Array.from({ length: 10 }, () => contract().submit('add', 'sum', '1', { retryConflicts: 20 })))
    expect(text(await contract().evaluate('get', 'sum'))).toBe('10')
  })

  it('refuses what is no argument and an unknown option', () => {
    expect(() => contract().newProposal('put', 1 as never)).toThrow(/argument 1 of 'put' must be a string or bytes, not number/)
    expect(() => contract().newProposal('put', 'a', { retries: 3 } as never)).toThrow(/unknown call option 'retries'/)
  })

  it('times out by the deadline of the step and by a signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(contract().submit('put', 'a', '1', { signal })).rejects.toMatchObject({
      code: 'ENDORSE_TIMEOUT',
      cause: { message: 'enough' },
    })
  })

  it('a closed gateway refuses calls', async () => {
    const gateway = network.gateway('Org1')
    const asset1 = gateway.contract('asset')
    gateway.close()
    await expect(async () => asset1.submit('put', 'a', '1')).rejects.toMatchObject({ code: 'GATEWAY_CLOSED' })
  })
})

describe('events', () => {
  it('chaincode events come in order and resume after a checkpoint, each at least once', async () => {
    const channel = network.gateway('Org1').channel('main')
    const startBlock = network.channel('main').height
    for (const key of ['e1', 'e2', 'e3', 'e4']) await contract().submit('put', key, '1')
    const checkpoint = inMemoryCheckpointer()
    const take = async (count: number): Promise<string[]> => {
      const seen: string[] = []
      for await (const event of channel.chaincodeEvents('asset', { startBlock, checkpoint })) {
        seen.push(text(event.payload))
        await checkpoint.checkpointChaincodeEvent(event)
        if (seen.length === count) break
      }
      return seen
    }
    expect(await take(2)).toEqual(['e1', 'e2'])
    expect(await take(2)).toEqual(['e3', 'e4'])
  })

  it('a stream that began before an event waits for it; invalid transactions give none', async () => {
    const channel = network.gateway('Org1').channel('main')
    const abort = new AbortController()
    const events: ChaincodeEvent[] = []
    const reading = (async () => {
      for await (const event of channel.chaincodeEvents('asset', {
        startBlock: network.channel('main').height,
        signal: abort.signal,
      })) {
        events.push(event)
        if (text(event.payload) === 'last') return
      }
    })()
    await contract()
      .submit('put', 'invalid', '1', { endorsingOrganizations: ['Org1MSP'] })
      .catch(() => {})
    await contract().submit('put', 'last', '1')
    await reading
    expect(events.map((event) => text(event.payload))).toEqual(['last'])
    abort.abort()
  })

  it('block events replay from a block and end with the signal', async () => {
    const channel = network.gateway('Org1').channel('main')
    const numbers: number[] = []
    for await (const block of channel.blockEvents({ startBlock: 0 })) {
      numbers.push(block.number)
      if (numbers.length === 3) break
    }
    expect(numbers).toEqual([0, 1, 2])
    const signal = AbortSignal.abort()
    for await (const block of channel.blockEvents({ signal })) throw new Error(`unexpected block ${block.number}`)
  })

  it('a checkpoint in a file survives; a broken one is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-checkpoint-'))
    try {
      const path = join(folder, 'checkpoint.json')
      await (await fileCheckpointer(path)).checkpointTransaction(7, 'tx')
      expect((await fileCheckpointer(path)).read()).toEqual({ blockNumber: 7, transactionId: 'tx' })
      const { writeFile } = await import('node:fs/promises')
      await writeFile(path, '{"version":1,"blockNumber":-1}')
      await expect(fileCheckpointer(path)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const decodeProposal = (bytes: Uint8Array) => ProposedTransaction.decode(bytes).proposal!
const decodePrepared = (bytes: Uint8Array) => PreparedTransaction.decode(bytes).envelope!.payload
