import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { NetworkConfig, NetworkDefinition } from './definition.ts'
import { ConfigError } from './errors.ts'
import { resolveConfig } from './resolve-config.ts'

/** Largest configuration file that is read: far above any real one. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * Reads network.yaml or network.json. Paths and plugin names in it start from its folder. Problems carry line and column.
 *
 * @throws ConfigError
 */
export async function loadConfigFile(path: string): Promise<NetworkConfig> {
  const { definition, locate } = await readConfigFile(path)
  return resolveConfig(definition, { base: pathToFileURL(resolve(path)).href, from: 'file', locate })
}

/** The definition in a file, parsed but not checked, and where its parts stand. */
export async function readConfigFile(
  path: string,
): Promise<{ definition: NetworkDefinition; locate: (path: readonly (string | number)[]) => string }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigError(
      'CONFIG_FILE_UNREADABLE',
      `cannot read ${path}: ${(error as Error).message}`,
      { path },
      { cause: error },
    )
  }
  if (text.length > MAX_BYTES)
    throw new ConfigError('CONFIG_FILE_UNREADABLE', `${path} is larger than ${MAX_BYTES} bytes`, { path })
  const { LineCounter, parseDocument, isMap, isPair, isSeq } = await import('yaml')
  const lines = new LineCounter()
  // JSON is YAML too; the strict schema keeps `yes` a text and `0777` a number as JSON has it.
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', strict: true, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  const [error] = document.errors
  if (error !== undefined)
    throw new ConfigError('CONFIG_SYNTAX', `${at(error.pos[0])}: ${error.message}`, { path }, { cause: error })
  let definition: NetworkDefinition
  try {
    // Bounded: an alias bomb ends here, as do aliases of nothing.
    definition = document.toJS({ maxAliasCount: 100 }) as NetworkDefinition
  } catch (error) {
    throw new ConfigError('CONFIG_SYNTAX', `${path}: ${(error as Error).message}`, { path }, { cause: error })
  }
  const locate = (parts: readonly (string | number)[]): string => {
    let node: unknown = document.contents
    let offset = 0
    for (const part of parts) {
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => isPair(item) && String((item.key as { value?: unknown } | null)?.value) === String(part),
        )
        if (pair === undefined) break
        offset = (pair.key as { range?: [number, number, number] } | null)?.range?.[0] ?? offset
        node = pair.value
      } else if (isSeq(node)) {
        node = node.items[Number(part)]
        offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset
      } else break
    }
    return at(offset)
  }
  if (definition === null || typeof definition !== 'object' || Array.isArray(definition))
    throw new ConfigError('CONFIG_SYNTAX', `${path}: holds no map of options`, { path })
  return { definition, locate }
}
