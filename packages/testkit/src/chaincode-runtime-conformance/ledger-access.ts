import assert from 'node:assert/strict'
import type { Bench } from './bench.ts'
import { FakeLedger } from './fake-ledger.ts'

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)
const LETTERS = { a1: '1', a2: '2', b1: '3', b2: '4', c1: '5', c2: '6', d1: '7' }

/** Each test on a ledger that answers at once, and on one that answers later. */
function onBothLedgers(body: (bench: Bench, ledger: FakeLedger) => Promise<void>): (bench: Bench) => Promise<void> {
  return async (bench) => {
    for (const slow of [false, true]) await body(bench, new FakeLedger(LETTERS, slow))
  }
}

/** Calls of the stub reach the ledger, answers and errors come back. */
export const ledgerTests: Record<string, (bench: Bench) => Promise<void>> = {
  'reads and writes reach the ledger with their bytes': onBothLedgers(async (bench, ledger) => {
    const specimen = await bench.load()
    assert.equal(text((await bench.invoke(specimen, ['get', 'a1'], ledger)).payload), '1')
    assert.equal((await bench.invoke(specimen, ['get', 'absent'], ledger)).payload.length, 0)
    assert.equal(text((await bench.invoke(specimen, ['many', 'a2', 'absent', 'b1'], ledger)).payload), '["2","","3"]')
    await bench.invoke(specimen, ['put', 'é\u{10FFFF}', 'grüße'], ledger)
    assert.equal(text(ledger.state.get('é\u{10FFFF}')), 'grüße')
    await bench.invoke(specimen, ['del', 'a1'], ledger)
    assert.equal(ledger.state.has('a1'), false)
  }),

  'a value is what it was when it was written': async (bench) => {
    const ledger = new FakeLedger()
    await bench.invoke(await bench.load(), ['putBytes'], ledger)
    assert.deepEqual([...ledger.state.get('bytes')!], new Array(8).fill(1))
  },

  'a write that the chaincode does not wait for arrives before its answer': onBothLedgers(async (bench, ledger) => {
    await bench.invoke(await bench.load(), ['putWithoutWaiting', 'k', 'v'], ledger)
    assert.equal(text(ledger.state.get('k')), 'v')
  }),

  'key policies, private hashes, other chaincodes and events pass through': onBothLedgers(async (bench, ledger) => {
    const specimen = await bench.load()
    assert.equal(text((await bench.invoke(specimen, ['policy', 'a1', 'AND'], ledger)).payload), 'AND')
    assert.equal((await bench.invoke(specimen, ['hash', 'secrets', 'a1'], ledger)).payload.length, 32)
    const called = await bench.invoke(specimen, ['call', 'other', 'elsewhere', 'x', 'y'], ledger)
    assert.equal(text(called.payload), '[201,"called","x+y"]')
    await bench.invoke(specimen, ['event', 'issued'], ledger)
    assert.deepEqual(
      ledger.events.map(([name, payload]) => [name, [...payload]]),
      [['issued', [1, 2]]],
    )
    assert.ok(ledger.calls.includes('getPrivateDataHash secrets a1'))
    assert.ok(ledger.calls.includes('invokeChaincode other x,y elsewhere'))
  }),

  'an error of the ledger reaches the chaincode with its code': onBothLedgers(async (bench, ledger) => {
    const { payload } = await bench.invoke(await bench.load(), ['refused', 'refused key'], ledger)
    assert.deepEqual(JSON.parse(text(payload)), ['CHAINCODE_BAD_KEY', 'refused key is no key', true])
  }),

  'an error of the ledger that the chaincode does not catch is a response of status 500': onBothLedgers(async (bench, ledger) => {
    const { status, message } = await bench.invoke(await bench.load(), ['passOn', 'refused key'], ledger)
    assert.equal(status, 500)
    assert.match(message, /refused key is no key/)
  }),

  'a range is read through its cursor to the end': onBothLedgers(async (bench, ledger) => {
    const { payload } = await bench.invoke(await bench.load(), ['range', 'a1', 'c2'], ledger)
    assert.deepEqual(JSON.parse(text(payload)), ['a1=1', 'a2=2', 'b1=3', 'b2=4', 'c1=5'])
    assert.equal(ledger.open.size, 0)
  }),

  'a query that is closed early is closed at the ledger': onBothLedgers(async (bench, ledger) => {
    const { payload } = await bench.invoke(await bench.load(), ['rangeStart', 'a1', '', '1'], ledger)
    assert.deepEqual(JSON.parse(text(payload)), ['a1=1'])
    assert.equal(ledger.open.size, 0)
    assert.ok(ledger.calls.some((call) => call.startsWith('queryClose')))
  }),

  'two queries of one invocation do not mix': onBothLedgers(async (bench, ledger) => {
    const { payload } = await bench.invoke(await bench.load(), ['twoRanges'], ledger)
    assert.deepEqual(JSON.parse(text(payload)), ['a1', 'c1', 'a2', 'c2'])
  }),

  'pages come with their bookmark': onBothLedgers(async (bench, ledger) => {
    const specimen = await bench.load()
    const page = async (bookmark: string): Promise<unknown> =>
      JSON.parse(text((await bench.invoke(specimen, ['page', 'a1', 'c1', '3', bookmark], ledger)).payload))
    assert.deepEqual(await page(''), [['a1=1', 'a2=2', 'b1=3'], { fetchedRecordsCount: 3, bookmark: 'b2' }])
    assert.deepEqual(await page('b2'), [['b2=4'], { fetchedRecordsCount: 1, bookmark: '' }])
  }),

  'history comes as the ledger gives it': onBothLedgers(async (bench, ledger) => {
    const { payload } = await bench.invoke(await bench.load(), ['history', 'a1'], ledger)
    assert.deepEqual(JSON.parse(text(payload)), ['tx2=new', 'tx1=old'])
  }),

  'a query that the ledger refuses is an error of the chaincode': onBothLedgers(async (bench, ledger) => {
    const { status, message } = await bench.invoke(await bench.load(), ['query', '{}'], ledger)
    assert.equal(status, 500)
    assert.match(message, /no rich queries/)
  }),

  'concurrent invocations each see their own transaction and ledger': async (bench) => {
    const specimen = await bench.load()
    const count = 24
    let arrived = 0
    let open = (): void => {}
    const all = new Promise<void>((resolve) => {
      open = resolve
    })
    // Every invocation waits inside the ledger until all have come: none can run after another.
    const ledgers = Array.from({ length: count }, (_, i) => {
      const ledger = new FakeLedger({ k: `value ${i}` }, i % 2 === 1)
      ledger.onGet = (key) => {
        if (key !== 'gate') return undefined
        if (++arrived === count) open()
        return all
      }
      return ledger
    })
    const answers = await Promise.all(
      ledgers.map((ledger, i) => bench.invoke(specimen, ['interleaved', 'k'], ledger, { txId: `tx${i}` })),
    )
    for (const [i, { payload }] of answers.entries()) {
      assert.equal(text(payload), `tx${i} value ${i}`)
      assert.equal(text(ledgers[i]!.state.get('k 1')), `tx${i}`)
      assert.equal(text(ledgers[i]!.state.get('k 2')), `tx${i}`)
      assert.equal(ledgers[i]!.state.size, 3)
    }
  },
}
