import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The source file that a name of one of the packages stands for; undefined for every other name. */
export function sourceOf(specifier: string): string | undefined {
  const [, name, entry = 'index'] = /^@heddle\/([a-z-]+)(?:\/([a-z-]+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const urls = [`${entry}.ts`, `${entry}/index.ts`].map((file) => new URL(`../packages/${name}/src/${file}`, import.meta.url))
  return urls.find((url) => existsSync(fileURLToPath(url)))?.href
}

/** From now on packages are loaded from their sources, and the URL of every module that is loaded is added to the list. */
export function recordLoadedModules(): readonly string[] {
  const loaded: string[] = []
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
  return loaded
}
