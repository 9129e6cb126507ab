import type { TestApi } from '../src/test-api.ts'

/** A test runner in a map: registers tests, and tells which of them fail. */
export function collector(): { readonly api: TestApi; failures(): Promise<string[]> } {
  const tests: [string, () => Promise<void> | void][] = []
  return {
    api: {
      describe: (_name, body) => body(),
      it: (name, body) => {
        tests.push([name, body])
      },
    },
    async failures() {
      const failed: string[] = []
      for (const [name, body] of tests) {
        try {
          await body()
        } catch {
          failed.push(name)
        }
      }
      return failed
    },
  }
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
