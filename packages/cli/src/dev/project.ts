import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { CommandError } from '../errors.ts'

/** A folder with a chaincode package as it was written for Fabric. */
export interface ChaincodeProject {
  readonly folder: string
  /** Of the chaincode on the channel, where the user gives none. */
  readonly name: string
  /** Absolute path of the module to load; of TypeScript sources, what it is compiled from. */
  readonly entry: string
  /** Undefined for JavaScript. */
  readonly typescript: { readonly sources: string } | undefined
}

/**
 * Recognises what stands in a folder: JavaScript by the `main` of its package.json, TypeScript by a tsconfig.json beside sources, in the
 * layouts of Fabric's samples (`src/index.ts`, compiled to `dist/index.js`, named by `main`).
 *
 * @throws CommandError COMMAND_NO_CHAINCODE
 */
export async function readProject(given: string): Promise<ChaincodeProject> {
  const folder = resolve(given)
  const manifest = await readManifest(folder)
  const name = nameOf(manifest.name ?? basename(folder))
  const main = typeof manifest.main === 'string' ? manifest.main : 'index.js'
  const source = await typescriptEntry(folder, main)
  if (source !== undefined) return { folder, name, entry: source.entry, typescript: { sources: source.sources } }
  for (const candidate of [main, `${main}.js`, join(main, 'index.js')]) {
    const entry = join(folder, candidate)
    if (await isFile(entry)) return { folder, name, entry, typescript: undefined }
  }
  throw new CommandError('COMMAND_NO_CHAINCODE', `${folder}: package.json names the main module ${main}, which is not there`, {
    folder,
    main,
  })
}

async function readManifest(folder: string): Promise<{ readonly name?: string; readonly main?: unknown }> {
  const path = join(folder, 'package.json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new CommandError('COMMAND_NO_CHAINCODE', `${folder} has no package.json`, { folder }, { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CommandError('COMMAND_NO_CHAINCODE', `${path} is not JSON: ${(cause as Error).message}`, { folder }, { cause })
  }
}

async function typescriptEntry(folder: string, main: string): Promise<{ entry: string; sources: string } | undefined> {
  if (!(await isFile(join(folder, 'tsconfig.json')))) return undefined
  const stem = basename(main).replace(/\.[cm]?js$/, '')
  for (const sources of ['src', 'lib', '.']) {
    for (const each of new Set([stem, 'index'])) {
      const entry = join(folder, sources, `${each}.ts`)
      if (await isFile(entry)) return { entry, sources: join(folder, sources) }
    }
  }
  return undefined
}

/** Chaincode names have letters, digits, dashes and underscores; a package may have a scope. */
function nameOf(packageName: string): string {
  const name = packageName
    .replace(/^@[^/]*\//, '')
    .replace(/[^\w-]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '')
  return name === '' ? 'chaincode' : name
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
