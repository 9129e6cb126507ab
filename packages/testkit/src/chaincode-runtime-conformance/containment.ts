import assert from 'node:assert/strict'
import type { Bench } from './bench.ts'
import { LedgerRefusal } from './fake-ledger.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** The chaincode answers again. */
async function assertAlive(bench: Bench, instance: Awaited<ReturnType<Bench['load']>>): Promise<void> {
  assert.equal(text((await bench.invoke(instance, ['text'])).payload), 'grüße')
}

/** Why the endorser gives up. */
const timeLimit = (): Error => new LedgerRefusal('CHAINCODE_TIMEOUT', 'the time limit of the invocation is over')

async function errorCode(outcome: unknown): Promise<unknown> {
  return ((await outcome) as { error?: { code?: unknown } }).error?.code
}

/** Chaincode that does not answer, and the end of a runtime. */
export const containmentTests: Record<string, (bench: Bench) => Promise<void>> = {
  'an invocation that hangs does not hold up others, before and after its time limit': async (bench) => {
    const specimen = await bench.load()
    const { abort } = await bench.begin(specimen, 'hangs')
    await assertAlive(bench, specimen)
    abort.abort(timeLimit())
    await assertAlive(bench, specimen)
  },

  'isolated: an endless loop ends at its time limit, and the chaincode answers again': async (bench) => {
    const specimen = await bench.load()
    const { abort, outcome } = await bench.begin(specimen, 'loops')
    abort.abort(timeLimit())
    const code = await bench.settled(errorCode(outcome), 'the end of the loop')
    assert.ok(code === 'CHAINCODE_TIMEOUT' || code === 'CHAINCODE_CRASHED', `code ${String(code)}`)
    await assertAlive(bench, specimen)
  },

  'isolated: an endless loop does not hold up other chaincodes': async (bench) => {
    const [looping, other] = [await bench.load('looping'), await bench.load('other')]
    const { abort, outcome } = await bench.begin(looping, 'loops')
    await assertAlive(bench, other)
    abort.abort(timeLimit())
    await bench.settled(errorCode(outcome), 'the end of the loop')
  },

  'isolated: process.exit ends the chaincode, not the host': async (bench) => {
    const specimen = await bench.load()
    const { outcome } = await bench.begin(specimen, 'exits')
    assert.equal(await bench.settled(errorCode(outcome), 'the end of the chaincode'), 'CHAINCODE_CRASHED')
    await assertAlive(bench, specimen)
  },

  'isolated: an error outside an invocation ends the chaincode, not the host': async (bench) => {
    const specimen = await bench.load()
    for (const habit of ['throwsOutside', 'rejectsOutside']) {
      const { outcome } = await bench.begin(specimen, habit)
      assert.equal(await bench.settled(errorCode(outcome), 'the end of the chaincode'), 'CHAINCODE_CRASHED', habit)
      await assertAlive(bench, specimen)
    }
  },

  'isolated: invocations that ran beside a crash get an answer too': async (bench) => {
    const specimen = await bench.load()
    const beside = await bench.begin(specimen, 'hangs')
    const { outcome } = await bench.begin(specimen, 'exits')
    await bench.settled(errorCode(outcome), 'the end of the chaincode')
    // It went down with the other, or ran elsewhere and goes on until its time limit.
    beside.abort.abort(timeLimit())
    const code = await bench.settled(errorCode(beside.outcome), 'an answer for the other')
    assert.ok(code === 'CHAINCODE_CRASHED' || code === 'CHAINCODE_TIMEOUT', `code ${String(code)}`)
    await assertAlive(bench, specimen)
  },

  'a closed chaincode leaves others alone': async (bench) => {
    const [closed, other] = [await bench.load('closed'), await bench.load('other')]
    await bench.settled(closed.close(), 'the end of close')
    await bench.settled(closed.close(), 'the end of close')
    await assertAlive(bench, other)
  },

  'a stopped runtime runs nothing: CHAINCODE_RUNTIME_STOPPED': async (bench) => {
    const specimen = await bench.load()
    await assertAlive(bench, specimen)
    await bench.settled(bench.runtime.stop(), 'the end of stop')
    await bench.settled(bench.runtime.stop(), 'the end of stop')
    await assert.rejects(bench.invoke(specimen, ['text']), { code: 'CHAINCODE_RUNTIME_STOPPED' })
  },

  'stopping does not wait for what hangs': async (bench) => {
    const specimen = await bench.load()
    await bench.begin(specimen, 'hangs')
    await bench.settled(bench.runtime.stop(), 'the end of stop')
  },
}
