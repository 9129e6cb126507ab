import { type Contract, HeddleError } from '@heddle/core'

/** What became of the transactions of a load. */
export interface Outcome {
  /** Keys whose transaction was committed, as its client was told. */
  readonly acknowledged: readonly string[]
  /** Errors by code. */
  readonly failed: ReadonlyMap<string, number>
}

/** Clients that submit one transaction after the other, each to a key of its own, until they are told to end. */
export class Load {
  private readonly acknowledged: string[] = []
  private readonly failed = new Map<string, number>()
  private readonly clients: Promise<void>[]
  private ended = false
  private wake: () => void = () => {}
  private next = 0

  /** @param prefix of the keys */
  constructor(contracts: readonly Contract[], prefix: string, clients = 8) {
    this.clients = Array.from({ length: clients }, (_, i) => this.run(contracts[i % contracts.length]!, prefix))
  }

  /** Resolves when so many more transactions are committed. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count
    const end = Date.now() + 60_000
    while (this.acknowledged.length < goal) {
      if (Date.now() > end)
        throw new Error(`${this.acknowledged.length} of ${goal} after a minute: ${JSON.stringify([...this.failed])}`)
      await new Promise<void>((resolve) => {
        this.wake = resolve
        setTimeout(resolve, 1000)
      })
    }
  }

  async end(): Promise<Outcome> {
    this.ended = true
    await Promise.all(this.clients)
    return { acknowledged: this.acknowledged, failed: this.failed }
  }

  private async run(contract: Contract, prefix: string): Promise<void> {
    while (!this.ended) {
      const key = `${prefix}${this.next++}`
      try {
        await contract.submit('put', key, 'value')
        this.acknowledged.push(key)
        this.wake()
      } catch (error) {
        const code = error instanceof HeddleError ? error.code : `untyped ${(error as Error).message}`
        this.failed.set(code, (this.failed.get(code) ?? 0) + 1)
        // Somebody is away: a client waits a little, as a person would.
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
}
