import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { Random } from './random.ts'
import type { Transport } from './transport.ts'

/** All that reaches a node from outside its own state. Consensus, stores and flow get time, randomness, network and disk from here only. */
export interface Environment {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly transport: Transport
  readonly logger: Logger
  readonly metrics: Metrics
}
