import type { Random } from '@heddle/core/plugin'

export interface DialLimits {
  /** Neighbours of the own organisation that a peer tries to have. */
  readonly own: number
  /** Neighbours of other organisations that a peer tries to have, in all. */
  readonly others: number
  /** Dials under way at one time. */
  readonly parallel: number
  /** Milliseconds before an address that failed is tried again, at first and at most. */
  readonly backOff: { readonly min: number; readonly max: number }
  /** Addresses that are remembered. */
  readonly addresses: number
}

/** Where an address came from: what an operator wrote, or the process knows, is never forgotten. */
export type AddressSource = 'bootstrap' | 'anchor' | 'directory' | 'exchange'

interface Address {
  readonly address: string
  source: AddressSource
  /** Undefined when it is not known who listens there. */
  mspId: string | undefined
  peer: string | undefined
  failures: number
  restsUntil: number
  dialling: boolean
}

/** A neighbour that is connected. */
export interface Connected {
  readonly peer: string
  readonly mspId: string
}

/** Which addresses to dial, and when: pure bookkeeping, over a clock and random numbers that it is given. */
export class DialPlan {
  private readonly mspId: string
  private readonly limits: DialLimits
  private readonly random: Random
  private readonly known = new Map<string, Address>()
  private readonly selves = new Set<string>()

  constructor(mspId: string, limits: DialLimits, random: Random) {
    this.mspId = mspId
    this.limits = limits
    this.random = random
  }

  get size(): number {
    return this.known.size
  }

  /** @param about who listens there, as far as it is known, and before when they are not to be dialled */
  add(
    address: string,
    source: AddressSource,
    about: { readonly mspId?: string; readonly peer?: string; readonly notBefore?: number } = {},
  ): void {
    if (this.selves.has(address)) return
    const known = this.known.get(address)
    if (known !== undefined) {
      known.mspId = about.mspId ?? known.mspId
      known.peer = about.peer ?? known.peer
      if (known.source === 'exchange') known.source = source
      return
    }
    if (this.known.size >= this.limits.addresses && !this.forget()) return
    this.known.set(address, {
      address,
      source,
      mspId: about.mspId,
      peer: about.peer,
      failures: 0,
      restsUntil: about.notBefore ?? Number.NEGATIVE_INFINITY,
      dialling: false,
    })
  }

  /** Takes out the addresses of a source that it does not name any more. */
  keep(source: AddressSource, addresses: ReadonlySet<string>): void {
    for (const [address, entry] of this.known)
      if (entry.source === source && !addresses.has(address) && !entry.dialling) this.known.delete(address)
  }

  /** The addresses to dial now, to be reported on by `succeeded` or `failed`. */
  due(now: number, connected: readonly Connected[]): string[] {
    const peers = new Set(connected.map(({ peer }) => peer))
    let own = this.limits.own - connected.filter(({ mspId }) => mspId === this.mspId).length
    let others = this.limits.others - connected.filter(({ mspId }) => mspId !== this.mspId).length
    const under = [...this.known.values()].filter(({ dialling }) => dialling)
    let free = this.limits.parallel - under.length
    for (const { mspId } of under) mspId === this.mspId || mspId === undefined ? own-- : others--
    if (free <= 0 || (own <= 0 && others <= 0)) return []
    const due: string[] = []
    for (const entry of this.shuffled()) {
      if (free <= 0) break
      if (entry.dialling || entry.restsUntil > now || (entry.peer !== undefined && peers.has(entry.peer))) continue
      // Nobody knows who listens there: it may be one of our own.
      const isOwn = entry.mspId === undefined || entry.mspId === this.mspId
      if ((isOwn ? own : others) <= 0 && (entry.mspId !== undefined || others <= 0)) continue
      isOwn ? own-- : others--
      free--
      entry.dialling = true
      due.push(entry.address)
    }
    return due
  }

  succeeded(address: string, who: Connected): void {
    const entry = this.known.get(address)
    if (entry === undefined) return
    Object.assign(entry, { dialling: false, failures: 0, mspId: who.mspId, peer: who.peer })
  }

  failed(address: string, now: number): void {
    const entry = this.known.get(address)
    if (entry === undefined) return
    const { min, max } = this.limits.backOff
    entry.dialling = false
    entry.restsUntil = now + Math.min(max, min * 2 ** entry.failures) * (0.5 + this.random.float() / 2)
    entry.failures++
  }

  /** Somebody listens there again, or at last: no reason to wait. */
  refresh(address: string): void {
    const entry = this.known.get(address)
    if (entry === undefined) return
    entry.failures = 0
    entry.restsUntil = Number.NEGATIVE_INFINITY
  }

  /** The address is this peer's own. */
  isSelf(address: string): void {
    this.known.delete(address)
    if (this.selves.size < 64) this.selves.add(address)
  }

  /** When an address may be dialled again; undefined when none rests. */
  wakeAt(now: number): number | undefined {
    let at: number | undefined
    for (const { restsUntil } of this.known.values())
      if (restsUntil > now && (at === undefined || restsUntil < at)) at = restsUntil
    return at
  }

  /** Whether other peers of the own organisation may be somewhere. */
  get mayFindOwn(): boolean {
    for (const { mspId } of this.known.values()) if (mspId === undefined || mspId === this.mspId) return true
    return false
  }

  /** Whether a peer of the own organisation may be at an address that was not tried yet. */
  hasUntried(connected: readonly Connected[]): boolean {
    const peers = new Set(connected.map(({ peer }) => peer))
    for (const { mspId, peer, failures } of this.known.values())
      if (failures === 0 && (mspId === undefined || mspId === this.mspId) && (peer === undefined || !peers.has(peer))) return true
    return false
  }

  /** Own organisation first, in random order. */
  private shuffled(): Address[] {
    const keyed = [...this.known.values()].map((entry) => ({
      entry,
      key: (entry.mspId === this.mspId ? 0 : entry.mspId === undefined ? 1 : 2) + this.random.float(),
    }))
    return keyed.sort((a, b) => a.key - b.key).map(({ entry }) => entry)
  }

  /** Makes room: an address that somebody passed on, and that failed most. */
  private forget(): boolean {
    let worst: Address | undefined
    for (const entry of this.known.values())
      if (entry.source === 'exchange' && !entry.dialling && (worst === undefined || entry.failures > worst.failures))
        worst = entry
    return worst !== undefined && this.known.delete(worst.address)
  }
}

/** Multiaddr of an anchor peer. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  const kind = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 'ip4' : host.includes(':') ? 'ip6' : 'dns'
  return `/${kind}/${host}/tcp/${port}`
}
