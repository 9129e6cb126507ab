import type { TestApi } from '../src/test-api.ts'

/** Milliseconds after which a test counts as one that never ends: what is broken may never answer. */
const PATIENCE = 4000

/**
 * A test runner in a map: registers tests, and tells which of them fail.
 *
 * @param wanted only tests with such names are run
 */
export function collector(wanted: RegExp = /./): { readonly api: TestApi; failures(): Promise<string[]> } {
  const tests: [string, () => Promise<void> | void][] = []
  return {
    api: {
      describe: (_name, body) => body(),
      it: (name, body) => {
        if (wanted.test(name)) tests.push([name, body])
      },
    },
    async failures() {
      const failed: string[] = []
      for (const [name, body] of tests) {
        if (!(await passes(body))) failed.push(name)
      }
      return failed
    },
  }
}

async function passes(body: () => Promise<void> | void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), PATIENCE)
  const done = async (): Promise<boolean> => {
    try {
      await body()
      return true
    } catch {
      return false
    }
  }
  const passed = await Promise.race([done(), promise])
  clearTimeout(timer)
  return passed
}

/** A subject that behaves like another, but for some members. What it does not override runs on the original itself. */
export function like<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(changes, name)) return changes[name as keyof T]
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
