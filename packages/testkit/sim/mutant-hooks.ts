// Loaded before anything else in a child process: this repository's packages come from their sources, and one of them is changed as
// the environment variable HEDDLE_SIM_MUTANT says. Nothing in what ships knows of it.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Mutant } from '@heddle/testkit/simulator'

const root = process.env.HEDDLE_ROOT!
const mutant = process.env.HEDDLE_SIM_MUTANT === undefined ? undefined : (JSON.parse(process.env.HEDDLE_SIM_MUTANT) as Mutant)
const target = mutant === undefined ? undefined : pathToFileURL(join(root, mutant.file)).href

function sourceOf(specifier: string): string | undefined {
  const match = /^@heddle\/([a-z-]+)(?:\/([a-z-]+))?$/.exec(specifier)
  if (match === null) return undefined
  const [, name, entry = 'index'] = match
  const files = [`${entry}.ts`, `${entry}/index.ts`].map((file) => join(root, 'packages', name!, 'src', file))
  return files.find((file) => existsSync(file))
}

registerHooks({
  resolve(specifier, context, next) {
    const source = sourceOf(specifier)
    return source === undefined ? next(specifier, context) : { url: pathToFileURL(source).href, shortCircuit: true }
  },
  load(url, context, next) {
    const loaded = next(url, context)
    if (url !== target) return loaded
    const text = Buffer.from(loaded.source as Uint8Array).toString()
    const parts = text.split(mutant!.find)
    if (parts.length !== 2)
      throw new Error(`${fileURLToPath(url)}: the text of "${mutant!.name}" stands there ${parts.length - 1} times`)
    return { ...loaded, source: parts.join(mutant!.replace) }
  },
})
