import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Subject } from '@heddle/testkit/simulator'

/** The repository. */
export const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)))

/** URL of the module of a subject: of this repository by short name, or a path, or a package. @throws RangeError when there is none */
export function subjectUrl(name: string): string {
  for (const folder of [`consensus-${name}`, name]) {
    const file = join(root, 'packages', folder, 'sim', 'subject.ts')
    if (/^[a-z0-9-]+$/.test(name) && existsSync(file)) return pathToFileURL(file).href
  }
  const path = resolve(name)
  if (/[./\\]/.test(name) && existsSync(path)) return pathToFileURL(path).href
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'x.js')).resolve(name)).href
  } catch {
    throw new RangeError(`no subject ${name}; there are: ${subjectNames().join(', ')}, or a path or package that exports one`)
  }
}

/** Short names of the subjects of this repository. */
export function subjectNames(): string[] {
  return readdirSync(join(root, 'packages'))
    .filter((folder) => existsSync(join(root, 'packages', folder, 'sim', 'subject.ts')))
    .map((folder) => folder.replace(/^consensus-/, ''))
}

export async function loadSubject(name: string): Promise<Subject> {
  const module = (await import(subjectUrl(name))) as { default?: Subject }
  const subject = module.default
  if (subject === undefined || typeof subject.name !== 'string' || !('plugin' in subject || 'simulate' in subject))
    throw new RangeError(`${name} has no subject as its default export`)
  return subject
}
