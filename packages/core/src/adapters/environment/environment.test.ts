import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { HeddleError } from '../../model/errors.ts'
import { manualClock, systemClock } from './clock.ts'
import { MemoryMetrics, noMetrics, prometheusMetrics } from './metrics.ts'
import { pinoLogger } from './pino-logger.ts'
import { seededRandom, systemRandom } from './random.ts'
import { silentLogger } from './silent-logger.ts'

describe('manual clock', () => {
  it('stands still until it is moved, and runs timers in the order in which they fall due', () => {
    const clock = manualClock(1_000_000)
    const ran: string[] = []
    const note = (name: string) => (): void => void ran.push(`${name}@${clock.monotonic()}`)
    clock.setTimer(20, note('late'))
    clock.setTimer(10, () => {
      note('early')()
      clock.setTimer(5, note('nested'))
    })
    clock.setTimer(20, note('second late'))
    clock.setTimer(15, note('cancelled')).cancel()
    assert.equal(clock.untilNext, 10)
    clock.advance(9)
    assert.deepEqual(ran, [])
    clock.advance(11)
    assert.deepEqual(ran, ['early@10', 'nested@15', 'late@20', 'second late@20'])
    assert.equal(clock.now(), 1_000_020)
    assert.equal(clock.untilNext, undefined)
  })

  it('its wall clock may be set without timers noticing', () => {
    const clock = manualClock(0)
    let ran = false
    clock.setTimer(10, () => {
      ran = true
    })
    clock.setTime(1e12)
    assert.equal(ran, false)
    assert.equal(clock.monotonic(), 0)
    clock.advance(10)
    assert.equal(ran, true)
    assert.equal(clock.now(), 1e12 + 10)
  })
})

describe('system clock', () => {
  it('runs a timer once, not before its time, and not when cancelled', async () => {
    const start = systemClock.monotonic()
    let cancelled = true
    systemClock
      .setTimer(1, () => {
        cancelled = false
      })
      .cancel()
    await new Promise<void>((resolve) => {
      systemClock.setTimer(5, resolve)
      // The timer does not keep the process alive; this test does.
      setTimeout(() => {}, 50)
    })
    assert.ok(systemClock.monotonic() - start >= 4)
    assert.equal(cancelled, true)
  })
})

describe('random', () => {
  it('a seed gives the same stream everywhere', () => {
    assert.equal(
      Buffer.from(seededRandom('heddle').bytes(16)).toString('hex'),
      Buffer.from(seededRandom('heddle').bytes(16)).toString('hex'),
    )
    // SHA-256(SHA-256("heddle random\0" || "vector") || u64 0), as the documentation says.
    assert.equal(Buffer.from(seededRandom('vector').bytes(8)).toString('hex'), '6e27ca0f1aff0740')
    assert.notDeepEqual(seededRandom('a').bytes(8), seededRandom('b').bytes(8))
  })

  it('the stream does not depend on the sizes in which it is drawn', () => {
    const whole = seededRandom(1).bytes(100)
    const parts = seededRandom(1)
    const joined = [1, 31, 32, 33, 3].flatMap((length) => [...parts.bytes(length)])
    assert.deepEqual(joined, [...whole])
  })

  it('a fork depends on its label and not on what was drawn before', () => {
    const parent = seededRandom(1)
    const first = parent.fork('x').bytes(8)
    parent.bytes(50)
    assert.deepEqual(parent.fork('x').bytes(8), first)
    assert.notDeepEqual(parent.fork('y').bytes(8), first)
  })

  it('floats are in [0, 1) and spread', () => {
    for (const random of [seededRandom(1), systemRandom()]) {
      const floats = Array.from({ length: 2000 }, () => random.float())
      assert.ok(floats.every((float) => float >= 0 && float < 1))
      const mean = floats.reduce((sum, float) => sum + float, 0) / floats.length
      assert.ok(mean > 0.45 && mean < 0.55)
    }
  })

  it('the system never gives the same bytes again, in small draws and large', () => {
    const random = systemRandom()
    const seen = new Set(Array.from({ length: 2000 }, () => Buffer.from(random.bytes(24)).toString('hex')))
    assert.equal(seen.size, 2000)
    assert.equal(random.bytes(100_000).length, 100_000)
  })
})

describe('logs', () => {
  it('are JSON lines with level, fields and message; a subsystem has its own level', async () => {
    const lines: Record<string, unknown>[] = []
    const log = await pinoLogger({
      level: 'warn',
      subsystems: { ledger: 'debug', gateway: 'silent' },
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
    })
    log.info({}, 'not shown')
    log.child({ subsystem: 'ledger', channel: 'c' }).debug({ block: 7 }, 'shown')
    log.child({ subsystem: 'gateway' }).fatal({}, 'not shown')
    log.child({ subsystem: 'other' }).error({ error: new HeddleError('SOME_CODE', 'retry', 'why') }, 'failed')
    assert.equal(lines.length, 2)
    const [debug, error] = lines
    assert.deepEqual(
      [debug!.level, debug!.subsystem, debug!.channel, debug!.block, debug!.msg],
      ['debug', 'ledger', 'c', 7, 'shown'],
    )
    assert.equal((error!.error as { code: string }).code, 'SOME_CODE')
    assert.equal(log.isEnabled('info'), false)
    assert.equal(log.child({ subsystem: 'ledger' }).isEnabled('debug'), true)
  })

  it('the silent logger is silent through and through', () => {
    assert.equal(silentLogger.child({ subsystem: 'x' }).isEnabled('fatal'), false)
  })
})

describe('metrics', () => {
  it('are what Prometheus reads; the same name and labels are the same instrument', async () => {
    const metrics = await prometheusMetrics({ shared: { node: 'peer0' } })
    metrics.counter('heddle_blocks_total', 'Blocks', { channel: 'a' }).add()
    metrics.counter('heddle_blocks_total', 'Blocks', { channel: 'a' }).add(2)
    metrics.counter('heddle_blocks_total', 'Blocks', { channel: 'b' }).add()
    metrics.gauge('heddle_height', 'Height').set(5)
    metrics.histogram('heddle_commit_seconds', 'Commit', {}, [0.1, 1]).observe(0.5)
    const text = await metrics.text()
    assert.match(text, /heddle_blocks_total\{channel="a",node="peer0"\} 3/)
    assert.match(text, /heddle_blocks_total\{channel="b",node="peer0"\} 1/)
    assert.match(text, /heddle_height\{node="peer0"\} 5/)
    assert.match(text, /heddle_commit_seconds_bucket\{le="1",node="peer0"\} 1/)
  })

  it('in memory can be read by name and labels', () => {
    const metrics = new MemoryMetrics()
    metrics.counter('c', '', { b: '2', a: '1' }).add(3)
    metrics.gauge('g', '').set(4)
    metrics.histogram('h', '').observe(5)
    assert.equal(metrics.value('c', { a: '1', b: '2' }), 3)
    assert.equal(metrics.value('c'), undefined)
    assert.equal(metrics.value('g'), 4)
    assert.deepEqual(metrics.observed('h'), [5])
    noMetrics.counter('c', '').add()
  })
})

describe('imports', () => {
  it('pino, prom-client and classic-level are loaded only when used', async () => {
    const modules = [
      './pino-logger.ts',
      './metrics.ts',
      './in-process-transport.ts',
      '../block-files/plugin.ts',
      '../state-level/plugin.ts',
      '../state-memory/plugin.ts',
      '../history/open-history.ts',
    ].map((path) => new URL(path, import.meta.url).href)
    const script = `
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve: (specifier, context, next) => (seen.push(specifier), next(specifier, context)) })
      for (const url of ${JSON.stringify(modules)}) await import(url)
      console.log(seen.filter((name) => /^(pino|prom-client|classic-level)/.test(name)).join())`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    assert.equal(stdout.trim(), '')
  })
})
