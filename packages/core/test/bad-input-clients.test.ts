import { type Gateway, HeddleError, type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommitStatusRequest, PreparedTransaction, SignedCommitStatusRequest } from '../src/model/messages/gateway.ts'
import { type Actor, client, expectHealthy, failure, member, startNetwork, stranger } from './bad-input.fixture.ts'

let network: Network
let gateway: Gateway
let mallory: Actor
beforeAll(async () => {
  network = await startNetwork()
  mallory = await member(network)
  gateway = network.gateway('Org1')
})
afterAll(() => network.stop())

const statusRequest = (transactionId: string, channelId = 'main') =>
  SignedCommitStatusRequest.encode({ request: CommitStatusRequest.encode({ transactionId, channelId }) })

/** What a careless caller in plain JavaScript may pass. */
const anything = (value: unknown) => value as never
async function codeOf(work: () => unknown): Promise<string | undefined> {
  const error = await failure((async () => work())())
  expect(error).toBeInstanceOf(HeddleError)
  return error.code
}

describe('arguments of a call that are none are refused by name', () => {
  const contract = () => gateway.contract('asset')
  const calls: Record<string, () => unknown> = {
    'a number': () => contract().submit('put', anything(1)),
    'a list': () => contract().submit('put', anything(['a'])),
    'null as the last argument': () => contract().submit('put', anything(null)),
    'an unknown option': () => contract().submit('put', anything({ tranisent: {} })),
    'no function name': () => contract().submit(anything(undefined)),
    'transient data that is no text or bytes': () => contract().submit('put', { transient: anything({ a: 1 }) }),
    'transient data that is no object': () => contract().submit('put', { transient: anything('secret') }),
    'arguments that are no list': () => contract().submit('put', { arguments: anything('abc') }),
    'arguments that hold a number': () => contract().submit('put', { arguments: anything([1]) }),
    'organisations that are no list': () => contract().submit('put', { endorsingOrganizations: anything('Org1MSP') }),
    'organisations that are none': () => contract().submit('put', { endorsingOrganizations: [] }),
    'an organisation that is a number': () => contract().submit('put', { endorsingOrganizations: anything([1]) }),
    'retries without number': () => contract().submit('put', { retryConflicts: Number.NaN }),
    'retries without end': () => contract().submit('put', { retryConflicts: Number.POSITIVE_INFINITY }),
    'retries below zero': () => contract().submit('put', { retryConflicts: -1 }),
    'a signal that is none': () => contract().submit('put', { signal: anything({}) }),
  }
  for (const [name, call] of Object.entries(calls)) it(name, async () => expect(await codeOf(call)).toBe('GATEWAY_BAD_ARGUMENT'))

  it('a deadline that is none', async () => {
    for (const endorse of [Number.NaN, -1, Number.POSITIVE_INFINITY, anything('5')])
      expect(await codeOf(() => network.gateway('Org1', { timeouts: { endorse } }))).toBe('GATEWAY_BAD_ARGUMENT')
  })

  it('an identity without bytes', async () => {
    expect(await codeOf(() => network.gateway(anything({})))).toBe('GATEWAY_BAD_ARGUMENT')
    expect(await codeOf(() => network.gateway(anything(undefined)))).toBe('GATEWAY_BAD_ARGUMENT')
  })

  it('an unknown channel or organisation', async () => {
    expect(await codeOf(() => gateway.channel('mian'))).toBe('GATEWAY_UNKNOWN_CHANNEL')
    expect(await codeOf(() => network.gateway('Org3'))).toBe('NETWORK_UNKNOWN_NAME')
    expect(await codeOf(() => network.gateway('__proto__'))).toBe('NETWORK_UNKNOWN_NAME')
  })
})

describe('event streams', () => {
  async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
    for await (const each of stream) return each
    return undefined
  }

  it('from a block number that is none are refused', async () => {
    for (const startBlock of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, anything('0')]) {
      expect(await codeOf(() => first(gateway.channel('main').blockEvents({ startBlock })))).toBe('GATEWAY_BAD_ARGUMENT')
      expect(await codeOf(() => first(gateway.channel('main').chaincodeEvents('asset', { startBlock })))).toBe(
        'GATEWAY_BAD_ARGUMENT',
      )
    }
  })
})

describe('the fate of a transaction', () => {
  it('asked for many times at once is told to everybody', async () => {
    const submitted = await gateway.contract('asset').submitAsync('put', 'a', '1')
    const status = await submitted.getStatus()
    const again = () => gateway.newCommit(statusRequest(status.transactionId)).getStatus()
    expect(await Promise.all(Array.from({ length: 100 }, again))).toEqual(Array(100).fill(status))
  })

  it('can be asked for after somebody submitted garbage under its id', async () => {
    const { transactionId, ...fate } = await (await gateway.contract('asset').submitAsync('put', 'a', '2')).getStatus()
    const hostile = network.gateway(client(mallory))
    const { connection } = (hostile as unknown as { context: { connection: import('@heddle/core').GatewayConnection } }).context
    const call = { channel: 'main', transactionId, payload: Uint8Array.of(1), signature: Uint8Array.of(1) }
    await expect(connection.submit(call, undefined)).rejects.toMatchObject({ code: 'SUBMIT_REFUSED' })
    expect(await gateway.newCommit(statusRequest(transactionId)).getStatus()).toMatchObject(fate)
    // While the garbage is on its way.
    const submitting = failure(connection.submit(call, undefined))
    expect(await gateway.newCommit(statusRequest(transactionId)).getStatus()).toMatchObject(fate)
    await submitting
  })

  it('cannot be asked for under an id that is too long to be one, or on an unknown channel', async () => {
    expect(await codeOf(() => gateway.newCommit(statusRequest('x'.repeat(1_000_000))).getStatus())).toBe('GATEWAY_BAD_ARGUMENT')
    expect(await codeOf(() => gateway.newCommit(statusRequest('aa', 'other')).getStatus())).toBe('GATEWAY_UNKNOWN_CHANNEL')
  })

  it('of a transaction that nobody sent is a time-out that leaves nothing behind', async () => {
    const hasty = network.gateway('Org1', { timeouts: { commitStatus: 1 } })
    const asking = Array.from({ length: 2_000 }, (_, i) => failure(hasty.newCommit(statusRequest(`nothing ${i}`)).getStatus()))
    for (const error of await Promise.all(asking)) expect(error).toMatchObject({ code: 'COMMIT_STATUS_TIMEOUT' })
    const once = Array.from({ length: 2_000 }, () => failure(hasty.newCommit(statusRequest('nothing')).getStatus()))
    await Promise.all(once)
    expect(waiting()).toBe(0)
  })

  it('of a transaction that was refused leaves nothing behind either', async () => {
    const evil = network.gateway(client(stranger()))
    for (let i = 0; i < 100; i++) {
      const bytes = PreparedTransaction.encode({ transactionId: '', envelope: { payload: Uint8Array.of(0x12, 1, i) } })
      await failure((async () => evil.newTransaction(bytes).submit())())
    }
    expect(waiting()).toBe(0)
    await expectHealthy(network)
    expect(waiting()).toBe(0)
  })

  /** Transactions that peers remember because somebody may ask. */
  function waiting(): number {
    const { core } = network as unknown as { core: import('../src/compose/network-core.ts').NetworkCore }
    return core.nodes.channelPeers('main').reduce((sum, { notifier }) => sum + notifier.size, 0)
  }
})
