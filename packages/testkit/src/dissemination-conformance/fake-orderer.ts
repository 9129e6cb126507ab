import type { Block } from '@heddle/core/model'
import type { DeliverEndpoint } from '@heddle/core/plugin'

/** How an orderer treats one request for blocks. */
export type Behaviour =
  /** Gives what it has, then what comes. */
  | { readonly kind: 'good' }
  /** Gives that many blocks, then throws. */
  | { readonly kind: 'fails'; readonly after: number }
  /** Gives that many blocks, then ends without an error. */
  | { readonly kind: 'ends'; readonly after: number }
  /** Gives other blocks in place of those of the chain. */
  | { readonly kind: 'forges'; readonly blocks: readonly Block[] }
  /** Leaves out the first block that it is asked for. */
  | { readonly kind: 'skips' }

/** An orderer in the process: a chain that grows, and a list of how it behaves, request by request; good once the list is through. */
export class FakeOrderer implements DeliverEndpoint {
  readonly name: string
  readonly chain: Block[]
  readonly behaviours: Behaviour[]
  /** The block number of each request. */
  readonly requests: number[] = []
  /** Requests that are being answered. */
  open = 0
  /** Blocks handed out, over all requests. */
  given = 0
  readonly #waiting = new Set<() => void>()

  constructor(name: string, chain: readonly Block[], behaviours: readonly Behaviour[] = []) {
    this.name = name
    this.chain = [...chain]
    this.behaviours = [...behaviours]
  }

  append(...blocks: readonly Block[]): void {
    this.chain.push(...blocks)
    for (const wake of [...this.#waiting]) wake()
  }

  async *deliver(from: number, signal: AbortSignal): AsyncGenerator<Block> {
    const behaviour = this.behaviours.shift() ?? { kind: 'good' }
    this.requests.push(from)
    this.open++
    try {
      const chain = behaviour.kind === 'forges' ? behaviour.blocks : this.chain
      const first = behaviour.kind === 'skips' ? from + 1 : from
      for (let number = first; !signal.aborted; number++) {
        if ('after' in behaviour && number - from >= behaviour.after) {
          if (behaviour.kind === 'ends') return
          throw new Error(`${this.name} fails after ${behaviour.after} blocks`)
        }
        while (number >= chain.length && !signal.aborted) await this.#more(signal)
        if (signal.aborted) return
        this.given++
        yield chain[number]!
      }
    } finally {
      this.open--
    }
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
