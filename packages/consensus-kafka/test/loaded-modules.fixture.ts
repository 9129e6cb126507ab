// A process of its own: starts the ordering plugin that its argument names, on the sources, and prints the modules that were loaded.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const loaded: string[] = []
const [ordering = ''] = process.argv.slice(2)

function sourceOf(specifier: string): string | undefined {
  const [, name, entry = 'index'] = /^@heddle\/([a-z-]+)(?:\/([a-z-]+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const urls = [`${entry}.ts`, `${entry}/index.ts`].map((file) => new URL(`../../${name}/src/${file}`, import.meta.url))
  return urls.find((url) => existsSync(fileURLToPath(url)))?.href
}

registerHooks({
  resolve(specifier, context, next) {
    const source = sourceOf(specifier)
    return source === undefined ? next(specifier, context) : { url: source, shortCircuit: true }
  },
  load(url, context, next) {
    loaded.push(url)
    return next(url, context)
  },
})

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
