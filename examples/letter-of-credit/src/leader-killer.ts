import type { Network, Orderer } from '@heddle/core'
import type { Teller } from './story.ts'

/** `--kill-leader` on a network whose ordering has no leader, or cannot do without it. */
export class NoLeaderError extends Error {
  readonly code = 'NO_LEADER_TO_KILL'
}

/** Longest that a network may be without a leader, milliseconds. */
const PATIENCE = 30_000
const LOOK = 20

/** Kills the orderer that leads, without warning, and brings it back later. */
export class LeaderKiller {
  kills = 0
  private readonly network: Network
  private readonly teller: Teller
  private killed: Orderer | undefined

  private constructor(network: Network, teller: Teller) {
    this.network = network
    this.teller = teller
  }

  /** @throws NoLeaderError before anything is done */
  static async of(network: Network, teller: Teller): Promise<LeaderKiller> {
    const { ordering } = network.status()
    const killer = new LeaderKiller(network, teller)
    if (!network.orderers.some((orderer) => roleOf(orderer) !== undefined))
      throw new NoLeaderError(`${ordering} has no leader that --kill-leader could kill; try --ordering raft`)
    if (network.orderers.length < 3)
      throw new NoLeaderError(
        `without one of its ${network.orderers.length} orderers this network orders nothing: it takes three`,
      )
    await killer.leader()
    return killer
  }

  async kill(): Promise<void> {
    const leader = await this.leader()
    this.killed = leader
    this.kills++
    await leader.kill()
    this.teller.note(`${leader.name}, which led the orderers, was killed`)
  }

  /** Starts it again and waits until it has what it missed. */
  async bringBack(): Promise<void> {
    const { killed } = this
    if (killed === undefined) return
    await killed.start()
    const missed = () =>
      this.network.channels.some((channel) => {
        const heights = this.network.orderers.map((orderer) => orderer.height(channel) ?? 0)
        return heights.some((height) => height < Math.max(...heights))
      })
    await this.until(() => (missed() ? undefined : true), `${killed.name} did not catch up`)
    this.teller.note(`${killed.name} is back and has the blocks that it missed`)
  }

  private leader(): Promise<Orderer> {
    return this.until(() => this.network.orderers.find((orderer) => roleOf(orderer) === 'leader'), 'no orderer came to lead')
  }

  private async until<T>(look: () => T | undefined, otherwise: string): Promise<T> {
    for (let waited = 0; waited < PATIENCE; waited += LOOK) {
      const found = look()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, LOOK))
    }
    throw new Error(`${otherwise} within ${PATIENCE / 1000} seconds`)
  }
}

/** The part that an orderer plays in its consensus; undefined where there are no roles. */
function roleOf(orderer: Orderer): unknown {
  return orderer.status().channels[0]?.consensus.role
}
