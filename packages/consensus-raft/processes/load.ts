import type { Gateway, Transaction } from '@heddle/core'
import type { Random } from '@heddle/core/plugin'
import { CHANNEL } from './kill-network.ts'

const WORKERS = 16
const PAUSE = 50

/** Clients outside the orderers' processes: each sends a transaction until it is acknowledged, the same bytes again and again, then the next. */
export class Load {
  /** Ids of transactions that an orderer acknowledged as ordered. */
  readonly acknowledged = new Set<string>()
  /** How often which error came. */
  readonly refused = new Map<string, number>()
  readonly #gateways: readonly Gateway[]
  readonly #random: Random
  readonly #work: Promise<unknown>
  #isEnding = false
  #isOver = false
  #count = 0
  #waiting: (() => void)[] = []

  constructor(gateways: readonly Gateway[], random: Random) {
    this.#gateways = gateways
    this.#random = random
    this.#work = Promise.all(Array.from({ length: WORKERS }, () => this.#worker()))
  }

  /** Resolves with true at the next acknowledgement, with false when there is none for so many milliseconds. */
  next(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }

  /** Begins nothing new; resolves when everything that was sent is acknowledged, or the time is over. */
  async end(milliseconds: number): Promise<boolean> {
    this.#isEnding = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds)
    })
    const done = await Promise.race([this.#work.then(() => true), late])
    clearTimeout(timer)
    this.#isOver = true
    return done
  }

  /**
   * Number of a block behind everything that was acknowledged so far: that of one more transaction. (What was sent twice may yet come in
   * blocks after it.)
   */
  async last(): Promise<number> {
    const contract = this.#gateways[0]!.channel(CHANNEL).contract('kv')
    for (;;) {
      try {
        const transaction = await contract.newProposal('put', 'last', '').endorse()
        const { blockNumber } = await (await transaction.submit()).getStatus()
        return blockNumber
      } catch (error) {
        this.#note(error)
        await pause()
      }
    }
  }

  async #worker(): Promise<void> {
    while (!this.#isEnding) {
      const count = this.#count++
      const gateway = this.#gateways[count % this.#gateways.length]!
      let transaction: Transaction
      try {
        transaction = await gateway.channel(CHANNEL).contract('kv').newProposal('put', `key${count}`, `value ${count}`).endorse()
      } catch (error) {
        this.#note(error)
        await pause()
        continue
      }
      // The same bytes twice at once, now and then: only one of them may count.
      const twice = this.#random.float() < 0.05
      await Promise.all([this.#send(transaction), twice ? this.#send(transaction) : undefined])
    }
  }

  async #send(transaction: Transaction): Promise<void> {
    while (!this.#isOver) {
      try {
        await transaction.submit()
        this.acknowledged.add(transaction.getTransactionId())
        for (const tell of this.#waiting.splice(0)) tell()
        return
      } catch (error) {
        this.#note(error)
        await pause()
      }
    }
  }

  #note(error: unknown): void {
    const code = (error as { code?: string }).code ?? String(error)
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE))
