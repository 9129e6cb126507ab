/** What a conformance suite needs of a test runner: vitest, Jest and node:test all have it. Assertions are node:assert. */
export interface TestApi {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void> | void): void
}

/** A rule that an implementation does not keep, and why. Names that match no test are an error, so that skips cannot rot. */
export interface Skip {
  readonly test: string
  readonly reason: string
}

/** Registers the tests of one suite: each gets a fresh subject, which is disposed of whatever happens. */
export function registerSuite<S>(
  api: TestApi,
  name: string,
  create: () => Promise<S> | S,
  dispose: (subject: S) => Promise<void> | void,
  tests: Readonly<Record<string, (subject: S) => Promise<void> | void>>,
  skips: readonly Skip[] = [],
): void {
  for (const { test, reason } of skips) {
    if (!Object.hasOwn(tests, test))
      throw new TypeError(`${name}: no test is called "${test}", which is skipped because ${reason}`)
  }
  api.describe(name, () => {
    for (const [title, body] of Object.entries(tests)) {
      const skip = skips.find(({ test }) => test === title)
      // A skipped rule stays in the report, with its reason.
      if (skip !== undefined) {
        api.it(`${title} (does not apply: ${skip.reason})`, () => {})
        continue
      }
      api.it(title, async () => {
        const subject = await create()
        try {
          await body(subject)
        } finally {
          await dispose(subject)
        }
      })
    }
  })
}
