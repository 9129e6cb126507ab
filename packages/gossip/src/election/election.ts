import type { Random } from '@heddle/core/plugin'

/** Milliseconds. */
export interface ElectionTimes {
  /** Between two claims of a leader. */
  readonly claimInterval: number
  /** Silence of a leader after which another takes its place. */
  readonly leaderTimeout: number
  /** How long a peer that starts looks for a leader at most. */
  readonly patience: number
  /** How long a leader that could not do its work lets others try. */
  readonly rest: number
}

/** What a peer says of itself: its claim to lead, or the end of it. */
export interface Claim {
  readonly peer: string
  /** Ascends from claim to claim of a peer. */
  readonly madeAt: number
  readonly resigns: boolean
}

/** What the election wants done. */
export type ElectionEffect = { readonly do: 'claim' | 'resign' } | { readonly do: 'lead' | 'follow' }

type Role =
  | { readonly is: 'waiting'; readonly until: number }
  | { readonly is: 'following'; readonly leader: string; readonly until: number }
  | { readonly is: 'leading'; readonly nextClaim: number }

/** Peers whose claims are remembered. An organisation's leaders change rarely; a flood of names must not fill memory. */
const MAX_REMEMBERED = 256

/**
 * Leader of an organisation, as one of its peers sees it: a pure state machine over a clock and random numbers that it is given.
 *
 * A leader claims its place again and again, and keeps it. Who hears nothing from a leader for `leaderTimeout` waits a random while more
 * and claims it. When two leaders hear of each other, the one with the smaller identity stays; until they do, both bring blocks from the
 * orderer, which costs bandwidth and nothing else. A claim counts once: `madeAt` ascends, so that nobody keeps a dead leader alive with
 * what it once said.
 *
 * Times are milliseconds of a monotonic clock.
 */
export class Election {
  readonly self: string
  private readonly times: ElectionTimes
  private readonly random: Random
  private readonly fixed: 'leader' | 'follower' | undefined
  private role: Role | undefined
  /** The last claim of each peer, the one longest silent first. */
  private readonly heard = new Map<string, number>()
  /** Leaders that did not do their work, until when they do not count. */
  private readonly distrusted = new Map<string, number>()
  /** Heard before the start. */
  private early: Claim | undefined
  private restsUntil = Number.NEGATIVE_INFINITY

  /** @param fixed where leaders are named instead of elected: whether this peer is one */
  constructor(self: string, times: ElectionTimes, random: Random, fixed?: 'leader' | 'follower') {
    this.self = self
    this.times = times
    this.random = random
    this.fixed = fixed
  }

  get isLeader(): boolean {
    return this.role?.is === 'leading'
  }

  /** As far as this peer knows. */
  get leader(): string | undefined {
    if (this.role?.is === 'leading') return this.self
    return this.role?.is === 'following' ? this.role.leader : undefined
  }

  /** @param alone no other peer of the organisation is known, so that nobody need be waited for */
  start(now: number, alone: boolean): ElectionEffect[] {
    if (this.fixed === 'leader') {
      // Nobody has to be told.
      this.role = { is: 'leading', nextClaim: Number.POSITIVE_INFINITY }
      return [{ do: 'lead' }]
    }
    this.role = { is: 'waiting', until: alone ? now : now + this.times.patience * (0.5 + this.random.float() / 2) }
    const { early } = this
    this.early = undefined
    if (early !== undefined) this.hear(early, now)
    return this.tick(now)
  }

  /** Everybody of the organisation who can be reached was reached, and told of no leader that is not known by now. */
  explored(now: number): ElectionEffect[] {
    const { role } = this
    if (role?.is === 'waiting' && this.fixed === undefined && this.restsUntil <= now)
      this.role = {
        is: 'waiting',
        until: Math.min(role.until, now + this.times.claimInterval * (0.1 + this.random.float() / 10)),
      }
    return []
  }

  /** To be called at `wakeAt`, at the latest. */
  tick(now: number): ElectionEffect[] {
    const { role } = this
    if (role === undefined || this.fixed !== undefined) return []
    if (role.is === 'leading') {
      if (now < role.nextClaim) return []
      this.role = { is: 'leading', nextClaim: now + this.times.claimInterval }
      return [{ do: 'claim' }]
    }
    if (now < role.until) return []
    if (role.is === 'following') {
      // Others noticed as well: a random while apart, so that the first one's claim reaches them.
      this.role = { is: 'waiting', until: now + this.random.float() * this.times.claimInterval }
      return []
    }
    return this.lead(now)
  }

  hear({ peer, madeAt, resigns }: Claim, now: number): ElectionEffect[] {
    const { role } = this
    if (peer === this.self || this.fixed !== undefined) return []
    if (role === undefined) {
      // Neighbours may be faster than the start.
      this.early = { peer, madeAt, resigns }
      return []
    }
    if (madeAt <= (this.heard.get(peer) ?? Number.NEGATIVE_INFINITY)) return []
    this.remember(peer, madeAt)
    if (resigns) {
      if (role.is !== 'following' || role.leader !== peer) return []
      this.role = { is: 'waiting', until: this.notBefore(now + this.random.float() * this.times.patience) }
      return []
    }
    if ((this.distrusted.get(peer) ?? Number.NEGATIVE_INFINITY) > now) return []
    if (role.is === 'leading') {
      if (this.self < peer) return []
      return [...this.follow(peer, now), { do: 'follow' }]
    }
    // The first leader keeps its place; among several the smallest.
    if (role.is === 'following' && role.leader < peer && now < role.until) return []
    return this.follow(peer, now)
  }

  /** The leader is there, and blocks do not come: somebody else has to bring them, this peer if nobody does. */
  distrust(now: number): ElectionEffect[] {
    const { role } = this
    if (role?.is !== 'following' || this.fixed !== undefined) return []
    this.distrusted.set(role.leader, now + this.times.rest)
    if (this.distrusted.size > MAX_REMEMBERED) this.distrusted.delete(this.distrusted.keys().next().value!)
    this.role = { is: 'waiting', until: now + this.random.float() * this.times.claimInterval }
    return []
  }

  /** This peer cannot do a leader's work now: others may try, and it does again after a rest. */
  giveUp(now: number): ElectionEffect[] {
    if (this.role?.is !== 'leading' || this.fixed !== undefined) return []
    this.restsUntil = now + this.times.rest
    this.role = { is: 'waiting', until: this.restsUntil }
    return [{ do: 'resign' }, { do: 'follow' }]
  }

  stop(): ElectionEffect[] {
    const wasLeading = this.role?.is === 'leading'
    this.role = undefined
    return wasLeading ? [{ do: 'resign' }, { do: 'follow' }] : []
  }

  /** When `tick` has something to do; undefined for never. */
  get wakeAt(): number | undefined {
    if (this.role === undefined || this.fixed !== undefined) return undefined
    return this.role.is === 'leading' ? this.role.nextClaim : this.role.until
  }

  private lead(now: number): ElectionEffect[] {
    this.role = { is: 'leading', nextClaim: now + this.times.claimInterval }
    return [{ do: 'lead' }, { do: 'claim' }]
  }

  private follow(leader: string, now: number): ElectionEffect[] {
    this.role = { is: 'following', leader, until: this.notBefore(now + this.times.leaderTimeout) }
    return []
  }

  private notBefore(time: number): number {
    return Math.max(time, this.restsUntil)
  }

  private remember(peer: string, madeAt: number): void {
    this.heard.delete(peer)
    this.heard.set(peer, madeAt)
    if (this.heard.size > MAX_REMEMBERED) this.heard.delete(this.heard.keys().next().value!)
  }
}
