import type { Violation } from '@heddle/testkit/simulator'

/** To a child: run this seed. */
export interface SeedOrder {
  readonly seed: number
  /** Run it twice and compare the traces. */
  readonly twice: boolean
  /** The same faults in a third of the time, with less load: what kills mutants is faults. */
  readonly concentrated: boolean
}

/** From a child: what came of it. */
export interface SeedReport {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly counts: Readonly<Record<string, number>>
  readonly digest: string
  readonly events: number
  /** Virtual milliseconds. */
  readonly time: number
}
