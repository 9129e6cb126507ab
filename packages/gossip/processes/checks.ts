/** One thing that was tried, as `test:*` scripts report it. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  readonly complaints: readonly string[]
}

/** Runs checks one after another, a line each, and counts. */
export class Checks {
  passed = 0
  failed = 0
  private readonly print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.print = print
  }

  async check(name: string, run: () => Promise<string | undefined>): Promise<void> {
    try {
      const note = await run()
      this.passed++
      this.print(`ok   ${name}${note === undefined ? '' : ` (${note})`}`)
    } catch (error) {
      this.failed++
      this.print(`FAIL ${name}`)
      for (const line of String((error as Error)?.message ?? error).split('\n')) this.print(`       ${line}`)
    }
  }

  summary(): string {
    return `${this.passed} passed, ${this.failed} failed`
  }
}

/** Resolves when something holds; what it gives out in the meantime is what a failure says. */
export async function eventually(what: string, holds: () => string | undefined, milliseconds = 30_000): Promise<void> {
  const end = performance.now() + milliseconds
  for (;;) {
    const missing = holds()
    if (missing === undefined) return
    if (performance.now() > end) throw new Error(`${what}: not within ${milliseconds / 1000} s: ${missing}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
