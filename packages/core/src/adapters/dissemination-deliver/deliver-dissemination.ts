import type { DeliverEndpoint, Dissemination, PeerChannelHost } from '../../ports/dissemination.ts'
import type { Logger } from '../../ports/logger.ts'

export interface DeliverOptions {
  /** Milliseconds before an orderer that failed is tried again; doubles up to `maxBackOff`. Default 50. */
  readonly minBackOff?: number
  /** Milliseconds. Default 5,000. */
  readonly maxBackOff?: number
}

interface Pull {
  readonly channel: PeerChannelHost
  readonly abort: AbortController
  readonly done: Promise<void>
  source: string | undefined
  failures: number
  refused: Record<string, number>
}

/** Each peer pulls its blocks from one orderer, and goes on to the next when that one fails or gives a bad block. */
export class DeliverDissemination implements Dissemination {
  private readonly pulls = new Map<string, Pull>()
  private readonly minBackOff: number
  private readonly maxBackOff: number

  constructor({ minBackOff = 50, maxBackOff = 5_000 }: DeliverOptions = {}) {
    this.minBackOff = minBackOff
    this.maxBackOff = maxBackOff
  }

  async start(): Promise<void> {}

  async join(channel: PeerChannelHost): Promise<void> {
    await this.leave(channel.channel)
    const abort = new AbortController()
    const pull = { channel, abort, source: undefined, failures: 0, refused: {} } as Omit<Pull, 'done'> as Pull
    this.pulls.set(channel.channel, Object.assign(pull, { done: this.run(pull) }))
  }

  async leave(channel: string): Promise<void> {
    const pull = this.pulls.get(channel)
    if (pull === undefined) return
    this.pulls.delete(channel)
    pull.abort.abort()
    await pull.done
  }

  async stop(): Promise<void> {
    await Promise.all([...this.pulls.keys()].map((channel) => this.leave(channel)))
  }

  status(channel: string): Readonly<Record<string, unknown>> {
    const pull = this.pulls.get(channel)
    return pull === undefined ? {} : { source: pull.source, failures: pull.failures, refused: pull.refused }
  }

  private async run(pull: Pull): Promise<void> {
    const { channel, abort } = pull
    const { environment } = channel
    const logger = environment.logger.child({ subsystem: 'dissemination', channel: channel.channel })
    const random = environment.random.fork(`deliver ${channel.channel}`)
    // Peers start at different orderers, so that no orderer feeds them all.
    let turn = Math.floor(random.float() * 1000)
    let wait = this.minBackOff
    while (!abort.signal.aborted) {
      const orderers = channel.orderers()
      const orderer = orderers[turn % Math.max(1, orderers.length)]
      const before = channel.height
      if (orderer !== undefined) await this.pullFrom(orderer, pull, logger)
      if (abort.signal.aborted) return
      turn++
      if (channel.height > before) wait = this.minBackOff
      // A round without any block: nobody is alive or gives good blocks. Half of the wait is random, so that peers do not return at once.
      if (orderers.length === 0 || turn % orderers.length === 0 || channel.height === before) {
        await pause(channel, wait * (0.5 + random.float() / 2), abort.signal)
        wait = Math.min(wait * 2, this.maxBackOff)
      }
    }
  }

  private async pullFrom(orderer: DeliverEndpoint, pull: Pull, logger: Logger): Promise<void> {
    const { channel } = pull
    // An end of its own: leaving the loop must end the orderer's side as well.
    const ended = new AbortController()
    const end = () => ended.abort()
    pull.abort.signal.addEventListener('abort', end, { once: true })
    pull.source = orderer.name
    try {
      for await (const block of orderer.deliver(channel.height, ended.signal)) {
        const verdict = await channel.receive(block, orderer.name)
        if (verdict === 'refused') {
          pull.refused[orderer.name] = (pull.refused[orderer.name] ?? 0) + 1
          logger.warn({ orderer: orderer.name, block: block.number }, 'refused a block; going on with another orderer')
          return
        }
        // Another source was faster, or a block is missing between: begin again where the channel is now.
        if (verdict === 'ahead') return
      }
    } catch (error) {
      if (pull.abort.signal.aborted) return
      pull.failures++
      logger.debug({ orderer: orderer.name, err: error }, 'deliver ended; going on with another orderer')
    } finally {
      pull.source = undefined
      pull.abort.signal.removeEventListener('abort', end)
      ended.abort()
    }
  }
}

function pause(channel: PeerChannelHost, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = channel.environment.clock.setTimer(milliseconds, done)
    signal.addEventListener('abort', done, { once: true })
  })
}
