import {
  CommitStatusError,
  createNetwork,
  defineChaincode,
  definePlugin,
  EndorseError,
  EvaluateError,
  type ManualClock,
  manualClock,
  type Network,
  SubmitError,
} from '@heddle/core'
import { CommitStatusRequest, SignedCommitStatusRequest } from '@heddle/core/model'
import type { Consenter } from '@heddle/core/plugin'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, text } from './network/asset.fixture.ts'

/** Resolves when a call has reached the part that does not answer. */
let reached: PromiseWithResolvers<void>
/** What the ordering service does not answer until it is released. */
let held: PromiseWithResolvers<void> | undefined
let clock: ManualClock
let network: Network

const stuck = defineChaincode({
  hang: () => {
    reached.resolve()
    return new Promise<never>(() => {})
  },
})

/** Solo that can keep an envelope back. */
const patient = async () => {
  const { default: solo } = await import('@heddle/consensus-solo')
  return definePlugin<'ordering'>({
    name: solo.name,
    provides: 'ordering',
    capabilities: solo.capabilities,
    async create(context) {
      const consenter: Consenter = await solo.create(context, {})
      const join: Consenter['join'] = (host) => {
        const service = consenter.join(host)
        const submit = service.submit.bind(service)
        service.submit = async (submission, signal) => {
          if (held !== undefined) {
            reached.resolve()
            await held.promise
          }
          return submit(submission, signal)
        }
        return service
      }
      return { ...consenter, join }
    },
  })
}

beforeEach(async () => {
  reached = Promise.withResolvers()
  held = undefined
  clock = manualClock(Date.UTC(2031, 0, 1))
  network = await createNetwork({
    organizations: ['Org1'],
    base: import.meta.url,
    clock,
    ordering: await patient(),
    chaincodes: { asset: { chaincode: asset }, stuck: { chaincode: stuck } },
  })
})
// Stops although chaincode hangs.
afterEach(() => network.stop())

const asset1 = () => network.gateway('Org1').contract('asset')
const hanging = () => network.gateway('Org1').contract('stuck')
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('a step that gets no answer within its time', () => {
  it('evaluate: EvaluateError EVALUATE_TIMEOUT', async () => {
    const outcome = failure(hanging().evaluate('hang'))
    await reached.promise
    clock.advance(5_000)
    const error = await outcome
    expect(error).toBeInstanceOf(EvaluateError)
    expect(error).toMatchObject({ code: 'EVALUATE_TIMEOUT', duty: 'retry' })
  })

  it('endorse: EndorseError ENDORSE_TIMEOUT', async () => {
    const outcome = failure(hanging().submit('hang'))
    await reached.promise
    clock.advance(15_000)
    const error = await outcome
    expect(error).toBeInstanceOf(EndorseError)
    expect(error).toMatchObject({ code: 'ENDORSE_TIMEOUT', duty: 'retry' })
  })

  it('submit: SubmitError OUTCOME_UNKNOWN; the same transaction submitted again counts once', async () => {
    const transaction = await asset1().newProposal('add', 'n', '1').endorse()
    held = Promise.withResolvers()
    const outcome = failure(transaction.submit())
    await reached.promise
    clock.advance(15_000)
    const error = await outcome
    expect(error).toBeInstanceOf(SubmitError)
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', duty: 'ask-status' })
    const again = transaction.submit()
    held.resolve()
    expect(await (await again).getStatus()).toMatchObject({ successful: true })
    expect(text(await asset1().evaluate('get', 'n'))).toBe('1')
  })

  it('commit status: CommitStatusError COMMIT_STATUS_TIMEOUT; asked again it has the answer', async () => {
    const transaction = await asset1().newProposal('put', 'a', '1').endorse()
    held = Promise.withResolvers()
    const submitting = transaction.submit()
    await reached.promise
    // Another client knows the transaction only by its bytes, and asks before it is ordered.
    const known = network.gateway('Org1').newCommit(requestFor(transaction.getTransactionId()))
    const outcome = failure(known.getStatus())
    clock.advance(14_000)
    clock.advance(46_000)
    const error = await outcome
    expect(error).toBeInstanceOf(CommitStatusError)
    expect(error).toMatchObject({ code: 'COMMIT_STATUS_TIMEOUT', duty: 'ask-status' })
    held.resolve()
    await failure(submitting)
    expect(await known.getStatus()).toMatchObject({ successful: true })
  })

  it('the time of each step is the gateway’s to say', async () => {
    const impatient = network.gateway('Org1', { timeouts: { evaluate: 10 } })
    const outcome = failure(impatient.contract('stuck').evaluate('hang'))
    await reached.promise
    clock.advance(10)
    expect(await outcome).toMatchObject({ code: 'EVALUATE_TIMEOUT' })
  })

  it('the time of a chaincode: CHAINCODE_TIMEOUT from the peer', async () => {
    await network.channel('main').deploy('brief', { chaincode: stuck, timeout: 100 })
    const outcome = failure(network.gateway('Org1').contract('brief').submit('hang'))
    await reached.promise
    clock.advance(100)
    expect(await outcome).toMatchObject({ data: { details: [{ code: 'CHAINCODE_TIMEOUT' }] } })
  })
})

describe('a signal that aborts', () => {
  it('during evaluate', async () => {
    const abort = new AbortController()
    const outcome = failure(hanging().evaluate('hang', { signal: abort.signal }))
    await reached.promise
    abort.abort(new Error('enough'))
    expect(await outcome).toMatchObject({ code: 'EVALUATE_TIMEOUT', cause: { message: 'enough' } })
  })

  it('during endorse', async () => {
    const abort = new AbortController()
    const outcome = failure(hanging().submit('hang', { signal: abort.signal }))
    await reached.promise
    abort.abort(new Error('enough'))
    expect(await outcome).toMatchObject({ code: 'ENDORSE_TIMEOUT', cause: { message: 'enough' } })
  })

  it('during submit, when the orderer has the transaction: OUTCOME_UNKNOWN', async () => {
    const abort = new AbortController()
    const transaction = await asset1().newProposal('put', 'a', '1', { signal: abort.signal }).endorse()
    held = Promise.withResolvers()
    const outcome = failure(transaction.submit())
    await reached.promise
    abort.abort(new Error('enough'))
    expect(await outcome).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    held.resolve()
  })

  it('before submit: it is known that nothing was sent', async () => {
    const abort = new AbortController()
    const transaction = await asset1().newProposal('put', 'a', '1', { signal: abort.signal }).endorse()
    abort.abort()
    const height = network.channel('main').height
    expect(await failure(transaction.submit())).toMatchObject({ code: 'SUBMIT_UNAVAILABLE', duty: 'retry' })
    await asset1().submit('put', 'b', '1')
    expect(network.channel('main').height).toBe(height + 1)
  })

  it('before a step that would fail: the failure is nobody’s unhandled rejection', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    expect(await failure(asset1().evaluate('fail', { signal }))).toMatchObject({ code: 'EVALUATE_TIMEOUT' })
    expect(await failure(asset1().submit('fail', { signal }))).toMatchObject({ code: 'ENDORSE_TIMEOUT' })
  })

  it('during commit status', async () => {
    const abort = new AbortController()
    const transaction = await asset1().newProposal('put', 'a', '1', { signal: abort.signal }).endorse()
    await network.peer('peer0.org1').stop()
    const commit = await transaction.submit()
    await network.peer('peer0.org1').start()
    abort.abort(new Error('enough'))
    expect(await failure(commit.getStatus())).toMatchObject({
      code: 'COMMIT_STATUS_TIMEOUT',
      cause: { message: 'enough' },
    })
  })
})

describe('nodes that are not there', () => {
  it('no peer: evaluate, endorse and commit status each have their own error', async () => {
    const transaction = await asset1().newProposal('put', 'a', '1').endorse()
    await network.peer('peer0.org1').stop()
    expect(await failure(asset1().evaluate('get', 'a'))).toMatchObject({ code: 'EVALUATE_UNAVAILABLE' })
    expect(await failure(asset1().newProposal('put', 'a', '1').endorse())).toMatchObject({ code: 'ENDORSE_UNAVAILABLE' })
    const commit = await transaction.submit()
    expect(await failure(commit.getStatus())).toMatchObject({ code: 'COMMIT_STATUS_UNAVAILABLE', duty: 'ask-status' })
    await network.peer('peer0.org1').start()
    expect(await commit.getStatus()).toMatchObject({ successful: true })
  })

  it('a peer that stops while a status is waited for: COMMIT_STATUS_UNAVAILABLE, and not lost', async () => {
    const transaction = await asset1().newProposal('put', 'a', '1').endorse()
    const known = network.gateway('Org1').newCommit(requestFor(transaction.getTransactionId()))
    const outcome = failure(known.getStatus())
    await network.peer('peer0.org1').stop()
    expect(await outcome).toMatchObject({ code: 'COMMIT_STATUS_UNAVAILABLE' })
    await network.peer('peer0.org1').start()
    await transaction.submit()
    expect(await known.getStatus()).toMatchObject({ successful: true })
  })

  it('chaincode that hangs does not hold back the stop of its peer; the client hears of it', async () => {
    const outcome = failure(hanging().submit('hang'))
    await reached.promise
    await network.peer('peer0.org1').stop()
    expect(await outcome).toMatchObject({ code: 'ENDORSE_UNAVAILABLE', data: { details: [{ code: 'ENDORSER_STOPPED' }] } })
  })
})

function requestFor(transactionId: string): Uint8Array {
  const request = CommitStatusRequest.encode({
    transactionId,
    channelId: 'main',
    identity: network.organization('Org1').identity('client').identity,
  })
  return SignedCommitStatusRequest.encode({ request })
}
