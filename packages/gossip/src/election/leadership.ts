import type { Logger, PeerChannelHost, Random, Timer } from '@heddle/core/plugin'
import type { Judgement } from '../network.ts'
import type { Signed } from '../wire/messages.ts'
import { makeClaim, readClaim, signedBytes } from './claim.ts'
import { Election, type ElectionEffect, type ElectionTimes } from './election.ts'

export interface LeadershipParts {
  readonly host: PeerChannelHost
  readonly times: ElectionTimes
  /** Names of the nodes that lead; undefined: the organisation elects. */
  readonly leaders: readonly string[] | undefined
  /** Whether claims of other organisations are to be passed on. */
  readonly passesOn: boolean
  readonly random: Random
  readonly logger: Logger
  readonly send: (claim: Signed) => Promise<void>
  readonly onChange: (leads: boolean) => void
}

/** The election of a channel at one peer, with what it needs of the world: signatures, time, and others who hear it. */
export class Leadership {
  private readonly parts: LeadershipParts
  private readonly election: Election
  private timer: Timer | undefined
  private claimedAt = 0
  private stopped = false
  /** Who leads, in the leader's own words. */
  private latest: { readonly signed: Signed; readonly node: string; readonly id: string } | undefined

  constructor(parts: LeadershipParts) {
    const { host, times, leaders, random } = parts
    this.parts = parts
    const fixed = leaders === undefined || leaders.length === 0 ? undefined : leaders.includes(host.node) ? 'leader' : 'follower'
    this.election = new Election(ownId(host), times, random, fixed)
  }

  get leads(): boolean {
    return this.election.isLeader
  }

  get isKnown(): boolean {
    return this.election.leader !== undefined
  }

  /** What the leader said last, to be told to who comes new. */
  get claim(): Signed | undefined {
    return this.latest?.signed
  }

  /** Name of the leading node, as far as it is known. */
  get leader(): string | undefined {
    const { leader, isLeader } = this.election
    if (leader === undefined || isLeader) return isLeader ? this.parts.host.node : undefined
    return this.latest?.id === leader ? this.latest.node : leader
  }

  start(alone: boolean): void {
    this.run(this.election.start(this.now, alone))
  }

  explored(): void {
    this.run(this.election.explored(this.now))
  }

  distrust(): void {
    this.run(this.election.distrust(this.now))
  }

  giveUp(): void {
    this.run(this.election.giveUp(this.now))
  }

  /** Checks a claim that somebody passed on, and takes it in. */
  async judge(signed: Signed): Promise<Judgement> {
    const { host, passesOn } = this.parts
    let statement: ReturnType<typeof readClaim>
    let member: ReturnType<PeerChannelHost['member']>
    try {
      statement = readClaim(signed, host.channel, host.environment.clock.now())
      member = host.member(statement.identity)
    } catch (error) {
      // Of another channel, of long ago, or of somebody whose certificate was revoked since: no fault of who passed it on.
      return (error as { code?: string }).code === 'GOSSIP_BAD_MESSAGE' ? 'reject' : 'ignore'
    }
    const isOwn = member.mspId === host.mspId
    if (!isOwn && !passesOn) return 'ignore'
    if (!(await host.verify(statement.identity, signedBytes(signed.statement), signed.signature))) return 'reject'
    if (!isOwn || this.stopped) return 'accept'
    const { madeAt, resigns, node } = statement
    const { id } = member
    this.run(this.election.hear({ peer: id, madeAt, resigns }, this.now))
    if (this.election.leader === id && !this.leads) this.latest = { signed, node, id }
    return 'accept'
  }

  /** Others need not find out by silence: resolves when they were told. */
  async stop(): Promise<void> {
    this.stopped = true
    this.timer?.cancel()
    const effects = this.election.stop()
    if (effects.some((effect) => effect.do === 'resign')) await this.say(true)
  }

  private get now(): number {
    return this.parts.host.environment.clock.monotonic()
  }

  private run(effects: readonly ElectionEffect[]): void {
    if (this.stopped) return
    const { host, logger, onChange } = this.parts
    for (const effect of effects) {
      if (effect.do === 'claim' || effect.do === 'resign') void this.say(effect.do === 'resign')
      else {
        logger.info({ node: host.node }, effect.do === 'lead' ? 'leads its organisation' : 'follows')
        onChange(effect.do === 'lead')
      }
    }
    this.timer?.cancel()
    const at = this.election.wakeAt
    if (at === undefined || at === Number.POSITIVE_INFINITY) return
    this.timer = host.environment.clock.setTimer(Math.max(0, at - this.now), () => this.run(this.election.tick(this.now)))
  }

  private async say(resigns: boolean): Promise<void> {
    const { host, logger, send } = this.parts
    this.claimedAt = Math.max(this.claimedAt + 1, Math.floor(host.environment.clock.now()))
    try {
      const signed = await makeClaim(host.signer, host.channel, { node: host.node, madeAt: this.claimedAt, resigns })
      if (resigns) this.latest = undefined
      else this.latest = { signed, node: host.node, id: this.election.self }
      await send(signed)
    } catch (err) {
      logger.error({ err }, 'the organisation was not told who leads')
    }
  }
}

/** What the election knows this peer by: its certificate, so that nobody can claim in another's name. */
function ownId(host: PeerChannelHost): string {
  try {
    return host.member(host.signer.identity).id
  } catch {
    // Expired or revoked: nobody will listen, but blocks still come from the orderers that take it.
    return Buffer.from(host.signer.identity).toString('hex')
  }
}
