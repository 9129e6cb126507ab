import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, root, type SourceFile, sourcesBelow, withoutComments } from './source-tree.ts'

const packages = sourcesBelow('packages')
const examples = sourcesBelow('examples')
const everything = [...packages, ...examples, ...sourcesBelow('test'), ...sourcesBelow('scripts')]
const shipped = packages.filter((file) => !file.isTest && file.path.includes('/src/'))
const core = shipped.filter((file) => file.path.startsWith('packages/core/src/'))

/** Layers of core, innermost first: a file imports from its own layer and from those before it. */
const LAYERS: readonly (readonly string[])[] = [
  ['model'],
  ['injection.ts', 'ports'],
  ['channel'],
  ['flow', 'adapters', 'client', 'config', 'verify'],
  ['node'],
  ['compose'],
  ['plugin.ts', 'testing.ts'],
  ['index.ts'],
]

const layerOf = (path: string): number => {
  const first = path.slice('packages/core/src/'.length).split('/')[0] ?? ''
  return LAYERS.findIndex((names) => names.includes(first))
}

const offences = (files: readonly SourceFile[], find: (file: SourceFile) => readonly string[]): string[] =>
  files.flatMap((file) => find(file).map((offence) => `${file.path}: ${offence}`))

describe('dependencies point inward', () => {
  it('every file of core belongs to a layer', () => {
    expect(core.filter((file) => layerOf(file.path) < 0).map((file) => file.path)).toEqual([])
  })

  it('core: compose → node → flow, client, adapters, config → channel → ports → model', () => {
    const wrong = offences(core, (file) =>
      file.imports.flatMap(({ target, specifier }) =>
        target?.startsWith('packages/core/src/') && layerOf(target) > layerOf(file.path)
          ? [`imports ${specifier} from an outer layer`]
          : [],
      ),
    )
    expect(wrong).toEqual([])
  })

  it('validation never imports commit', () => {
    const wrong = offences(
      core.filter((file) => file.path.includes('/flow/validate/')),
      (file) =>
        file.imports.filter(({ target }) => target?.includes('/flow/commit/')).map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('core names no plugin package', () => {
    const wrong = offences(core, (file) =>
      file.imports.filter(({ specifier }) => /^@heddle\/(?!core)/.test(specifier)).map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('a plugin imports only core, never another plugin', () => {
    const plugins = shipped.filter((file) => !/^packages\/(core|testkit|cli)\//.test(file.path))
    const wrong = offences(plugins, (file) =>
      file.imports
        .filter(({ specifier }) => specifier.startsWith('@heddle/') && !specifier.startsWith('@heddle/core'))
        .map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('testkit imports core only', () => {
    const testkit = shipped.filter((file) => file.path.startsWith('packages/testkit/'))
    const wrong = offences(testkit, (file) =>
      file.imports
        .filter(({ specifier }) => specifier.startsWith('@heddle/') && !specifier.startsWith('@heddle/core'))
        .map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('packages reach each other by published names, never by relative paths', () => {
    const wrong = offences([...shipped, ...examples], (file) => {
      const own = file.path.split('/').slice(0, 2).join('/')
      return file.imports
        .filter(({ target }) => target !== undefined && !target.startsWith(`${own}/`))
        .map(({ specifier }) => `imports ${specifier}`)
    })
    expect(wrong).toEqual([])
  })

  it('only injection.ts imports tsyringe and reflect-metadata', () => {
    const wrong = offences(shipped, (file) =>
      file.path === 'packages/core/src/injection.ts'
        ? []
        : file.imports
            .filter(({ specifier }) => /^(tsyringe|reflect-metadata)/.test(specifier))
            .map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('there are no import cycles', () => {
    const graph = new Map(
      shipped.map((file) => [file.path, file.imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ target }) => target ?? [])]),
    )
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
        return
      }
      if (done.has(path)) return
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
    expect(cycles).toEqual([])
  })
})

describe('determinism', () => {
  /** Folders whose code gets time, randomness and timers from the environment port only. */
  const pure = shipped.filter((file) =>
    /^packages\/(core\/src\/(model|ports|channel|flow|node)|consensus-[a-z]+\/src)\//.test(file.path),
  )

  it('model, channel, flow, node and consensus take time and randomness from the environment', () => {
    const wrong = offences(pure, (file) => {
      const found = withoutComments(file.text).match(
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\(|\bprocess\.hrtime|\brandomBytes\(/g,
      )
      return found ?? []
    })
    expect(wrong).toEqual([])
  })

  it('a consensus core is a pure state machine: it imports only from its folder, and knows no promises, time or timers', () => {
    const cores = shipped.filter((file) => /^packages\/consensus-[a-z]+\/src\/core\//.test(file.path))
    expect(cores.length).toBeGreaterThan(0)
    const wrong = offences(cores, (file) => {
      const folder = file.path.split('/').slice(0, 4).join('/')
      const foreign = file.imports
        .filter(({ target }) => target === undefined || !target.startsWith(`${folder}/`))
        .map(({ specifier }) => `imports ${specifier}`)
      const impure = withoutComments(file.text).match(
        /\b(?:async|await|Promise|queueMicrotask|Date|performance|Math\.random|set(?:Timeout|Interval|Immediate)|process|globalThis)\b/g,
      )
      return [...foreign, ...(impure ?? [])]
    })
    expect(wrong).toEqual([])
  })

  it('model, channel, flow and consensus open no files and no sockets', () => {
    const wrong = offences(
      // Certificates and passwords for the connection to Kafka's brokers stand in files of the operator.
      pure.filter(({ path }) => !path.includes('/node/') && path !== 'packages/consensus-kafka/src/cluster/settings.ts'),
      (file) =>
        file.imports
          .filter(({ specifier }) => /^node:(fs|net|http|https|tls|dgram|child_process|worker_threads)/.test(specifier))
          .map(({ specifier }) => `imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('style', () => {
  it('names are kebab-case', () => {
    const wrong = everything
      .map((file) => file.path)
      .filter((path) => !/^(\.?[a-z0-9-]+\/)*[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(path))
    expect(wrong).toEqual([])
  })

  it('no folder or file is a drawer for everything', () => {
    expect(
      everything.map((file) => file.path).filter((path) => /(^|\/)(utils?|helpers?|misc|common-utils)(\/|\.)/.test(path)),
    ).toEqual([])
  })

  it('sources stay below 500 lines, tests below 1,000', () => {
    const wrong = everything.flatMap((file) => {
      const lines = file.text.split('\n').length
      return lines > (file.isTest ? 1000 : 500) ? [`${file.path}: ${lines} lines`] : []
    })
    expect(wrong).toEqual([])
  })

  it('no file is a chain of re-exports, apart from the entry points', () => {
    const entries = /^packages\/[a-z-]+\/src\/(index|plugin|testing|benchmark|simulator|model\/index)\.ts$/
    const wrong = shipped
      .filter((file) => !entries.test(file.path) && /^export \* from/m.test(file.text))
      .map((file) => file.path)
    expect(wrong).toEqual([])
  })

  it('no source file is dead: each is reached from an entry point, a worker URL or a test', () => {
    const reached = new Set<string>()
    const byPath = new Map(everything.map((file) => [file.path, file]))
    const visit = (path: string): void => {
      const file = byPath.get(path)
      if (file === undefined || reached.has(path)) return
      reached.add(path)
      for (const { target } of file.imports) if (target !== undefined) visit(target)
      // A worker is started by URL, a program by its path.
      for (const [, name] of file.text.matchAll(/['"]\.\/([a-z0-9-]+\.ts)['"]/g)) visit(path.replace(/[^/]+$/, name ?? ''))
    }
    for (const file of packages)
      if (/\/src\/(index|plugin|testing|benchmark|simulator|model\/index|verify\/main|main)\.ts$/.test(file.path))
        visit(file.path)
    expect(shipped.map((file) => file.path).filter((path) => !reached.has(path))).toEqual([])
  })

  it('no test is left alone or skipped without a reason', () => {
    const wrong = offences(
      everything.filter((file) => file.isTest && !file.path.endsWith('tidy.test.ts')),
      (file) =>
        withoutComments(file.text).match(
          /\b(?:it|test|describe)\.(?:only|todo)\(|\b(?:it|test|describe)\.skip\((?!\s*[`'"][^`'"]*(?:because|needs|without|not installed|reason))/g,
        ) ?? [],
    )
    expect(wrong).toEqual([])
  })

  it('nothing speaks of the machine that it was written on', () => {
    const wrong = filesBelow('.')
      .filter((path) => /\.(ts|mjs|json|md|ya?ml)$/.test(path) && !path.endsWith('tidy.test.ts'))
      .filter((path) =>
        /\/work\/(main|shared)|\.\.\/shared\/|\/tmp\/(brief|ref)|registry\.npmjs\.org/.test(
          readFileSync(join(root, path), 'utf8'),
        ),
      )
    expect(wrong).toEqual([])
  })

  it('every direct dependency has its reason in docs/dependencies.md', () => {
    const listed = existsSync(join(root, 'docs/dependencies.md')) ? readFileSync(join(root, 'docs/dependencies.md'), 'utf8') : ''
    const missing = filesBelow('.')
      .filter((path) => path.endsWith('package.json'))
      .flatMap((path) => {
        const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, Record<string, string> | undefined>
        return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap((kind) =>
          Object.keys(manifest[kind] ?? {}),
        )
      })
      .filter((name) => !name.startsWith('@heddle/') && !listed.includes(`\`${name}\``))
    expect([...new Set(missing)]).toEqual([])
  })
})
