import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** Root of the repository. */
export const root: string = resolve(import.meta.dirname, '..')

/** One import of a source file. */
export interface Import {
  /** As written. */
  readonly specifier: string
  /** Path of the file below the root, for relative imports. */
  readonly target: string | undefined
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** Below the root, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly isTest: boolean
}

/** Files below a folder of the root, generated and installed ones left out. */
export function filesBelow(folder: string): string[] {
  const found: string[] = []
  const walk = (path: string): void => {
    for (const name of readdirSync(path)) {
      if (['node_modules', 'dist', '.git', 'vectors', '.heddle', '.cache', 'coverage', 'api'].includes(name)) continue
      const full = join(path, name)
      if (statSync(full).isDirectory()) walk(full)
      else found.push(relative(root, full).replaceAll('\\', '/'))
    }
  }
  walk(join(root, folder))
  return found.sort()
}

const STATEMENT =
  /^(?:import|export)\s+(type\s+)?(?:[\w*{][^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

/** Reads every TypeScript source below a folder. */
export function sourcesBelow(folder: string): SourceFile[] {
  return filesBelow(folder)
    .filter((path) => /\.(ts|mts|mjs)$/.test(path) && !path.endsWith('.d.ts'))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const imports: Import[] = []
      for (const [, type, fixed, dynamic] of withoutComments(text).matchAll(STATEMENT)) {
        const specifier = fixed ?? dynamic ?? ''
        const target = specifier.startsWith('.')
          ? relative(root, resolve(root, dirname(path), specifier)).replaceAll('\\', '/')
          : undefined
        imports.push({ specifier, target, typeOnly: type !== undefined })
      }
      return { path, text, imports, isTest: /\.(test|fixture)\.ts$|\/(test|bench|fuzz|crash)\//.test(path) }
    })
}

/** The text with comments blanked out, line numbers kept. Good enough for import statements and banned calls. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/(^|[\s;{}(,])\/\/[^\n]*/g, '$1')
}
