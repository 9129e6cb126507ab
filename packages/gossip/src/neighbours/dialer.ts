import type { AnchorPeerEndpoint, Clock, DirectoryEntry, Logger, NodeDirectory } from '@heddle/core/plugin'
import { deadline } from '../limits/deadline.ts'
import type { Session } from '../links/session.ts'
import type { GossipNetwork, Link } from '../network.ts'
import { addressOf, type Connected, type DialPlan } from './dial-plan.ts'

/** Milliseconds in which the side with the smaller name leaves dialling to the other one. */
const COURTESY = 1_000
const DIAL_TIMEOUT = 10_000

export interface DialerParts {
  readonly node: string
  readonly plan: DialPlan
  readonly network: Pick<GossipNetwork, 'dial' | 'addresses'>
  readonly directory: NodeDirectory
  readonly clock: Clock
  readonly logger: Logger
  /** Proven neighbours by peer. */
  readonly sessions: ReadonlyMap<string, Session>
  readonly sessionOf: (link: Link) => Session | undefined
  /** Whether there is a reason to know anybody. */
  readonly isWanted: () => boolean
  /** Nobody of the own organisation is left to be tried. */
  readonly explored: () => void
}

/** Dials whom the plan says, and tells it what came of it. */
export class Dialer {
  private readonly parts: DialerParts
  private readonly ended = new AbortController()

  constructor(parts: DialerParts) {
    this.parts = parts
  }

  /** Dials what is due. */
  dial(): void {
    const { plan, clock, sessions, isWanted, explored } = this.parts
    if (this.ended.signal.aborted || !isWanted()) return
    const connected: Connected[] = [...sessions.values()].map(({ peer, proven }) => ({ peer, mspId: proven!.mspId }))
    if (!plan.hasUntried(connected)) explored()
    for (const address of plan.due(clock.monotonic(), connected)) void this.dialOne(address)
  }

  readAnchors(anchors: readonly AnchorPeerEndpoint[]): void {
    const { network, plan } = this.parts
    const own = new Set(network.addresses().map((address) => address.replace(/\/p2p\/.*$/, '')))
    for (const anchor of anchors) {
      const address = addressOf(anchor)
      if (!own.has(address)) plan.add(address, 'anchor', { mspId: anchor.mspId })
    }
  }

  readDirectory(): void {
    const { directory, node, plan, clock } = this.parts
    const others = directory.entries().filter((entry) => entry.node !== node)
    plan.keep('directory', new Set(others.flatMap(({ addresses }) => addresses)))
    for (const entry of others) this.readEntry(entry, clock.monotonic())
  }

  stop(): void {
    this.ended.abort()
  }

  private readEntry({ node, mspId, addresses }: DirectoryEntry, now: number): void {
    const peer = addresses[0]?.match(/\/p2p\/([^/]+)$/)?.[1]
    const notBefore = this.parts.node < node ? now + COURTESY : now
    for (const address of addresses)
      this.parts.plan.add(address, 'directory', { mspId, notBefore, ...(peer === undefined ? {} : { peer }) })
  }

  private async dialOne(address: string): Promise<void> {
    const { plan, network, clock, logger, sessions, sessionOf } = this.parts
    const { signal, done } = deadline(clock, DIAL_TIMEOUT, this.ended.signal)
    try {
      const link = await network.dial(address, signal).finally(done)
      const session = sessionOf(link)
      const isProven = session !== undefined && (await session.outcome)
      // Of two connections to one peer the other may have been kept.
      const kept = isProven ? session : sessions.get(link.peer)
      if (kept?.proven !== undefined) plan.succeeded(address, { peer: kept.peer, mspId: kept.proven.mspId })
      else plan.failed(address, clock.monotonic())
    } catch (error) {
      if (isSelfDial(error)) plan.isSelf(address)
      else plan.failed(address, clock.monotonic())
      logger.debug({ address, err: error }, 'a peer was not reached')
    } finally {
      this.dial()
    }
  }
}

function isSelfDial(error: unknown): boolean {
  return /self/i.test(`${(error as Error)?.name} ${(error as Error)?.message}`)
}
