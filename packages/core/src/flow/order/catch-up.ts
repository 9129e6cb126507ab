import { Block } from '../../model/block.ts'
import { SeekBehavior, SeekInfo } from '../../model/messages/orderer.ts'
import type { Environment } from '../../ports/environment.ts'
import type { Tip } from '../../ports/ordering-service.ts'
import type { BlockAcceptance } from './block-acceptance.ts'
import { OrderError } from './errors.ts'
import type { OrderedChain } from './ordered-chain.ts'

/** Rounds over all other orderers, and the pause after the first one that brought nothing; it doubles. Milliseconds. */
const ROUNDS = 5
const FIRST_PAUSE = 100

export interface CatchUpParts {
  readonly chain: OrderedChain
  readonly environment: Environment
  readonly acceptance: BlockAcceptance
  /** Names of the channel's orderers, this one included. */
  readonly members: () => readonly string[]
  readonly adopted: (tip: Tip, block: Block, durable: Promise<void>) => void
  readonly channel: string
}

/** Takes blocks that this orderer missed from the others: verified one by one, stored as they came, with the others' signatures. */
export class CatchUp {
  private readonly parts: CatchUpParts

  constructor(parts: CatchUpParts) {
    this.parts = parts
  }

  /**
   * @throws OrderError ORDER_CATCH_UP_FAILED when after several rounds nobody gave the blocks
   */
  async pull(from: number, to: number, signal: AbortSignal): Promise<void> {
    const { chain } = this.parts
    let last: unknown
    for (let round = 0; round < ROUNDS; round++) {
      for (const member of this.parts.members()) {
        if (member === this.parts.environment.transport.self) continue
        if (chain.tip.number >= to || signal.aborted) return
        try {
          await this.pullFrom(member, Math.max(from, chain.tip.number + 1), to, signal)
        } catch (error) {
          last = error
          this.parts.environment.logger.warn({ err: error, member, from, to }, 'an orderer did not give missing blocks')
        }
      }
      if (chain.tip.number >= to || signal.aborted) return
      await this.pause(FIRST_PAUSE * 2 ** round, signal)
    }
    throw new OrderError(
      'ORDER_CATCH_UP_FAILED',
      `blocks ${chain.tip.number + 1} to ${to} could not be had`,
      { from, to },
      { cause: last },
    )
  }

  private async pullFrom(member: string, from: number, to: number, signal: AbortSignal): Promise<void> {
    const { chain, environment, acceptance, channel } = this.parts
    const request = SeekInfo.encode({
      start: { specified: { number: from } },
      stop: { specified: { number: to } },
      behavior: SeekBehavior.FAIL_IF_NOT_READY,
    })
    let durable = Promise.resolve()
    for await (const bytes of environment.transport.stream({ to: member, service: 'deliver', channel }, request, signal)) {
      const block = Block.decode(bytes)
      // A decision of consensus may have made it meanwhile.
      if (block.number <= chain.tip.number) continue
      const next = await acceptance.check(chain.config, chain.tip, block)
      const { adopted, durable: stored } = chain.adopt(block, next)
      if (!adopted) continue
      durable = stored
      this.parts.adopted(chain.tip, block, stored)
    }
    await durable
  }

  private pause(delay: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.parts.environment.clock.setTimer(delay, done)
      signal.addEventListener('abort', done)
    })
  }
}
