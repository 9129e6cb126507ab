import { HeddleError } from '../../model/errors.ts'
import type { Clock } from '../../ports/clock.ts'

/** How long a node that could not be reached is passed over, milliseconds: the pause of a transport between its attempts. */
const REST = 1000

/** What this process believes of a node elsewhere: alive, until it could not be reached; then again after a while. */
export class Reachability {
  private readonly clock: Clock
  private notBefore = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  get alive(): boolean {
    return this.notBefore === 0 || this.clock.monotonic() >= this.notBefore
  }

  /** Passes on the outcome of a request, and remembers whether the node was there. */
  async of<T>(request: Promise<T>): Promise<T> {
    try {
      const answer = await request
      this.notBefore = 0
      return answer
    } catch (error) {
      if (error instanceof HeddleError && GONE.has(error.code)) this.notBefore = this.clock.monotonic() + REST
      throw error
    }
  }
}

const GONE: ReadonlySet<string> = new Set([
  'TRANSPORT_UNREACHABLE',
  'TRANSPORT_REFUSED',
  'TRANSPORT_PEER_REFUSED',
  'TRANSPORT_CLOSED',
])
