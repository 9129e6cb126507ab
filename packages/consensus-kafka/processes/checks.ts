import process from 'node:process'

/** Milliseconds after which a check that hangs has failed. */
const PATIENCE = 90_000

/** Runs checks one after another and prints a line for each. */
export class Checks {
  passed = 0
  failed = 0
  private readonly only: RegExp | undefined

  /** @param only checks whose name matches; default: all */
  constructor(only?: RegExp) {
    this.only = only
  }

  wants(name: string): boolean {
    return this.only === undefined || this.only.test(name)
  }

  /** `body` may give a remark for the line. */
  async check(name: string, body: () => Promise<string | undefined> | Promise<void>, patience = PATIENCE): Promise<void> {
    if (!this.wants(name)) return
    const began = performance.now()
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`not over after ${patience / 1000} s`)), patience)
      })
      const remark = await Promise.race([body(), late])
      this.passed++
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      process.stdout.write(`ok   ${name}${remark === undefined ? '' : `: ${remark}`} (${seconds} s)\n`)
    } catch (error) {
      this.failed++
      process.stdout.write(`FAIL ${name}\n`)
      const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
      for (const line of said.split('\n').slice(0, 12)) process.stdout.write(`       ${line}\n`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** What a conformance suite takes for a test runner; `run` then runs what it registered. */
  suite(
    register: (api: {
      describe(name: string, body: () => void): void
      it(name: string, body: () => Promise<void> | void): void
    }) => void,
  ): () => Promise<void> {
    const tests: [string, () => Promise<void> | void][] = []
    let suite = ''
    register({
      describe: (name, body) => {
        suite = name
        body()
      },
      it: (name, body) => void tests.push([`${suite}: ${name}`, body]),
    })
    return async () => {
      for (const [name, body] of tests) await this.check(name, async () => void (await body()))
    }
  }

  summary(): string {
    return `${this.passed} passed, ${this.failed} failed`
  }
}
