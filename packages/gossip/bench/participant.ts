/** A peer of one kind or the other, as the benchmark drives it. */
export interface Participant {
  /** Where others reach it. */
  readonly address: string
  /** Peers that whole messages are exchanged with. */
  mesh(): number
  /** Makes and sends a block of this size; the time is that of the monotonic clock that all processes share, in milliseconds. */
  publish(bytes: number): Promise<{ number: number; at: number }>
  /** Messages that came, and came once more. */
  counts(): { received: number; duplicates: number }
  stop(): Promise<void>
}

/** A block came. */
export type Arrived = (number: number, at: number) => void

/** Milliseconds of a clock that all processes of this machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export interface Start {
  readonly kind: 'heddle' | 'bare'
  readonly index: number
  readonly transport: 'tcp' | 'memory'
  /** Addresses to connect to. */
  readonly dial: readonly string[]
}

export async function startParticipant(start: Start, arrived: Arrived): Promise<Participant> {
  // The bare kind must not load anything of Heddle's.
  if (start.kind === 'bare') return (await import('./bare-peer.ts')).startBare(start, arrived)
  return (await import('./heddle-peer.ts')).startHeddle(start, arrived)
}
