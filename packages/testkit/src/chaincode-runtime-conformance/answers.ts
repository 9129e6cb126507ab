import assert from 'node:assert/strict'
import type { ChaincodeResponse } from '@heddle/core/plugin'
import type { Bench } from './bench.ts'
import { FakeLedger } from './fake-ledger.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const hasCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean => {
    const { code } = error as { code?: unknown }
    assert.ok(codes.includes(code as string), `code ${String(code)}, not ${codes.join(' or ')}: ${String(error)}`)
    return true
  }

function assertSuccess(response: ChaincodeResponse, payload: string): void {
  assert.deepEqual([response.status, response.message, text(response.payload)], [200, '', payload])
}

/** What a chaincode is told, and how what it returns or throws becomes a response. */
export const answerTests: Record<string, (bench: Bench) => Promise<void>> = {
  'bytes, text, nothing and promises of them are successes with that payload': async (bench) => {
    const specimen = await bench.load()
    assertSuccess(await bench.invoke(specimen, ['text']), 'grüße')
    assertSuccess(await bench.invoke(specimen, ['nothing']), '')
    assertSuccess(await bench.invoke(specimen, ['later']), 'later')
    const every = Uint8Array.from({ length: 256 }, (_, i) => i)
    const { status, payload } = await bench.invoke(specimen, ['bytes', every])
    assert.equal(status, 200)
    assert.deepEqual([...payload], [...every])
  },

  'a response is passed on as it stands': async (bench) => {
    const { status, message, payload } = await bench.invoke(await bench.load(), ['response'])
    assert.deepEqual([status, message, [...payload]], [404, 'no such letter', [1, 2, 3]])
  },

  'what chaincode throws or rejects with is a response of status 500': async (bench) => {
    const specimen = await bench.load()
    for (const habit of ['throws', 'rejects']) {
      const { status, message, payload } = await bench.invoke(specimen, [habit])
      assert.deepEqual([status, payload.length], [500, 0], habit)
      assert.match(message, /no letter without a bank/)
    }
    assert.match((await bench.invoke(specimen, ['throwsText'])).message, /a text/)
    for (const habit of ['throwsNothing', 'throwsTrap', 'unknown habit'])
      assert.equal((await bench.invoke(specimen, [habit])).status, 500, habit)
    assertSuccess(await bench.invoke(specimen, ['text']), 'grüße')
  },

  'garbage is no answer: CHAINCODE_BAD_RESPONSE, and the chaincode goes on': async (bench) => {
    const specimen = await bench.load()
    for (const habit of ['number', 'plainObject', 'statusNaN', 'statusText', 'payloadNumber', 'cyclic', 'uncloneable']) {
      await assert.rejects(bench.invoke(specimen, [habit]), hasCode('CHAINCODE_BAD_RESPONSE'), habit)
      assertSuccess(await bench.invoke(specimen, ['text']), 'grüße')
    }
  },

  'a megabyte arrives whole; what is over a limit is an error with a code': async (bench) => {
    const specimen = await bench.load()
    const { payload } = await bench.invoke(specimen, ['large', `${1 << 20}`])
    assert.equal(payload.length, 1 << 20)
    assert.ok(payload.every((byte) => byte === 7))
    for (const args of [
      ['large', `${64 << 20}`],
      ['longMessage', `${16 << 20}`],
    ]) {
      const outcome = await bench.invoke(specimen, args).then(
        ({ payload, message }) => payload.length + message.length,
        (error: unknown) => hasCode('CHAINCODE_RESPONSE_TOO_LARGE')(error) && Number(args[1]),
      )
      assert.equal(outcome, Number(args[1]), 'neither whole nor refused')
    }
    assertSuccess(await bench.invoke(specimen, ['text']), 'grüße')
  },

  'the chaincode is told what the proposal states': async (bench) => {
    const given = {
      txId: 'abcdef',
      channelId: 'finance',
      transient: new Map([['secret', Uint8Array.of(0, 255)]]),
      timestamp: { seconds: 1_900_000_000, nanos: 123_000_000 },
    }
    const { payload } = await bench.invoke(await bench.load(), ['facts', Uint8Array.of(0, 128, 255), ''], new FakeLedger(), given)
    assert.deepEqual(JSON.parse(text(payload)), {
      txId: 'abcdef',
      channel: 'finance',
      args: [[...Buffer.from('facts')], [0, 128, 255], []],
      creator: ['Org1MSP', [1, 2, 3]],
      transient: [['secret', [0, 255]]],
      timestamp: [1_900_000_000, 123_000_000],
    })
  },

  'an invocation as init calls init': async (bench) => {
    const specimen = await bench.load()
    assertSuccess(await bench.invoke(specimen, ['text'], new FakeLedger(), { isInit: true, txId: 'first' }), 'init first')
  },

  'each load makes an instance of its own': async (bench) => {
    const [one, other] = [await bench.load('one'), await bench.load('other')]
    assertSuccess(await bench.invoke(one, ['count']), '1')
    assertSuccess(await bench.invoke(one, ['count']), '2')
    assertSuccess(await bench.invoke(other, ['count']), '1')
  },

  'what cannot be loaded is CHAINCODE_LOAD_FAILED, and hinders nobody': async (bench) => {
    const sources = ['noChaincode', 'Unbuildable', 'absent'].map((name) => bench.source(name))
    const missing = { kind: 'module' as const, url: new URL('./no-such-module.mjs', import.meta.url).href }
    for (const source of [...sources, missing])
      await assert.rejects(bench.settled(bench.runtime.load('bad', source), 'a refusal'), hasCode('CHAINCODE_LOAD_FAILED'))
    assertSuccess(await bench.invoke(await bench.load(), ['text']), 'grüße')
  },
}
