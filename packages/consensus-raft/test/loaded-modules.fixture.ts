// A process of its own: starts a network with the ordering that its argument names, and prints the modules that were loaded.
import { registerHooks } from 'node:module'
import process from 'node:process'

const loaded: string[] = []

registerHooks({
  load(url, context, next) {
    loaded.push(url)
    return next(url, context)
  },
})

const { createNetwork } = await import('@heddle/core')
const network = await createNetwork({ base: import.meta.url, organizations: ['Org1'], ordering: process.argv[2]! })
await network.stop()
process.stdout.write(`${JSON.stringify(loaded)}\n`)
process.exit(0)
