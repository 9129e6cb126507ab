// A process of its own: starts the ordering plugin that its argument names, on the sources, and prints the modules that were loaded.
import process from 'node:process'
import { recordLoadedModules, sourceOf } from '../../../test/loaded-modules.fixture.ts'

const loaded = recordLoadedModules()
const [ordering = ''] = process.argv.slice(2)

const { memoryDisk, noMetrics, seededRandom, silentLogger, systemClock } = await import('@heddle/core/testing')
const { default: plugin } = (await import(
  sourceOf(ordering === 'brokers' ? '@heddle/consensus-kafka' : ordering)!
)) as typeof import('../src/index.ts')
const environment = {
  clock: systemClock,
  random: seededRandom('child'),
  disk: memoryDisk(),
  logger: silentLogger,
  metrics: noMetrics,
  transport: undefined as never,
}
const context = {
  node: 'orderer0',
  mspId: 'OrdererMSP',
  identity: new Uint8Array(0),
  signatures: undefined as never,
  environment,
}
const consenter = await plugin.create(context, ordering === 'brokers' ? { brokers: ['127.0.0.1:1'] } : {})
await consenter.start()
await consenter.stop()
process.stdout.write(`${JSON.stringify(loaded)}\n`)
process.exit(0)
