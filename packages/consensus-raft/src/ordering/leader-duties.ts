import type { ChannelHost, ConfigSubmission, OrderingConfig } from '@heddle/core/plugin'
import type { Alarms } from '../driver/alarms.ts'
import type { Replica } from '../driver/replica.ts'
import type { ConsenterSet } from '../membership/consenters.ts'
import { assertQuorumStays, membershipChange, targetOf } from '../membership/membership-change.ts'
import { encodeBatch, encodeConfig } from './entry-payload.ts'
import type { CutBatch, Proposed } from './leader-intake.ts'

export interface LeaderDutiesParts {
  readonly host: ChannelHost
  readonly id: number
  readonly replica: Replica
  readonly alarms: Alarms
  readonly set: () => ConsenterSet
  readonly heartbeat: number
  readonly electionTimeout: number
  /** Whether a member was heard of lately. */
  readonly isAlive: (member: number) => boolean
  /** Something that was refused may be tried again. */
  readonly retry: () => void
}

const NOTHING = new Uint8Array(0)
/** A learner this close to the end of the log has caught up: what is missing is on its way. */
const CLOSE = 100

/** What a leader does with the log: proposes batches and config entries, and sees to it that members come and go safely. */
export class LeaderDuties {
  readonly #parts: LeaderDutiesParts
  /** Since when a change waits for signs of life of those whom it would leave alone. */
  #doubtedAt: number | undefined

  constructor(parts: LeaderDutiesParts) {
    this.#parts = parts
  }

  propose({ items, config }: CutBatch): Proposed {
    const { replica } = this.#parts
    const envelopes = items.map(({ submission }) => submission.envelope.bytes)
    const result =
      config === undefined ? replica.propose([encodeBatch(envelopes)]) : this.#proposeConfig(envelopes[0]!, config.next)
    if (result === undefined) return { reason: 'not-leader' }
    if (result.accepted) return result
    this.#tryAgain()
    return { reason: result.reason }
  }

  /**
   * Whether a config update may be proposed now. A leader that it removes, or whose certificate it changes, hands leadership over first.
   *
   * @throws OrderError ORDER_CONFIG_REFUSED for what would cost the quorum
   */
  admitConfig({ next }: ConfigSubmission): 'now' | 'later' {
    const { replica, id, set, isAlive } = this.#parts
    const change = membershipChange(set(), next)
    if (change.added === 0 && change.removed === 0 && change.rotated === 0) return 'now'
    const { membership } = replica.status
    if (membership.outgoing.length > 0) return this.#later()
    try {
      assertQuorumStays(membership, change, (member) => member === id || isAlive(member))
      this.#doubtedAt = undefined
    } catch (error) {
      // After a pause of this very process everybody else looks dead for a moment.
      const now = this.#parts.host.environment.clock.monotonic()
      this.#doubtedAt ??= now
      if (now - this.#doubtedAt < this.#parts.electionTimeout) return this.#later()
      this.#doubtedAt = undefined
      throw error
    }
    if ((change.removed === id || change.rotated === id) && membership.voters.length > 1) {
      replica.transfer()
      return this.#later()
    }
    return 'now'
  }

  /** Looks after learners, as long as there are any. */
  watchLearners(): void {
    const { alarms, host, heartbeat, replica, set } = this.#parts
    const { role, membership, peers, lastIndex } = replica.status
    if (role !== 'leader' || membership.learners.length === 0) return
    alarms.set('learners', host.environment.clock.monotonic() + heartbeat, () => this.watchLearners())
    if (membership.outgoing.length > 0) return
    const ready = peers.find(
      ({ id, active, state, match }) =>
        active &&
        state === 'replicate' &&
        lastIndex - match <= CLOSE &&
        membership.learners.includes(id) &&
        set().ids.ids.includes(id),
    )
    if (ready === undefined) return
    const target = { voters: [...membership.voters, ready.id], learners: membership.learners.filter((id) => id !== ready.id) }
    const result = replica.proposeConfig(NOTHING, target)
    if (result?.accepted === true) host.environment.logger.info({ consenter: ready.id }, 'a consenter has caught up and votes')
  }

  #proposeConfig(envelope: Uint8Array, next: OrderingConfig) {
    const { replica, set } = this.#parts
    const change = membershipChange(set(), next)
    return replica.proposeConfig(encodeConfig({ envelope, consenters: change.ids }), targetOf(replica.status.membership, change))
  }

  #later(): 'later' {
    this.#tryAgain()
    return 'later'
  }

  #tryAgain(): void {
    const { alarms, host, heartbeat, retry } = this.#parts
    alarms.set('retry', host.environment.clock.monotonic() + heartbeat, retry, true)
  }
}
