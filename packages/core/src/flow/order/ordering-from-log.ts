import type { OrderedLogProvider } from '../../ports/ordered-log.ts'
import type { Consenter } from '../../ports/ordering-service.ts'
import type { Pace } from './batch-pacer.ts'
import { LogOrdering } from './log-ordering.ts'
import type { AppendLimits } from './log-producer.ts'

/** What `orderingFromLog` needs: the logs, and how they are used. */
export interface OrderingFromLogOptions {
  readonly provider: OrderedLogProvider
  /** When a batch that is not full is cut. */
  readonly pace?: Partial<Pace>
  /**
   * Most records (default 500) and bytes (default 4 MiB) of one append, how long a failing one is tried again (default 30 s), and how many
   * may be under way at a time (default 1): more only where the log takes them on one connection.
   */
  readonly append?: Partial<AppendLimits>
  /** Checks of the plugin's own metadata in the channel configuration. Default: any will do. */
  readonly validateMetadata?: Consenter['validateMetadata']
}

/** Fabric's usual batch and twice its preferred bytes: larger appends only delay the first record. */
const defaultAppendLimits: AppendLimits = { records: 500, bytes: 4 * 1024 * 1024, retryFor: 30_000, parallel: 1 }

/**
 * Makes an ordering plugin's consenter of a durable, totally ordered log. Any number of ordering nodes read the same log and cut the
 * same blocks. An envelope is acknowledged when its record was read back and its block is durable at this node.
 *
 * @example
 * create: (context, options) => orderingFromLog({ provider: new MyLogs(context, options) })
 */
export function orderingFromLog(options: OrderingFromLogOptions): Consenter {
  const { provider, pace = {}, append, validateMetadata = () => {} } = options
  return {
    start: () => provider.start(),
    stop: () => provider.stop(),
    join: (host) => new LogOrdering({ host, provider, pace, limits: { ...defaultAppendLimits, ...append } }),
    validateMetadata,
    isConsenter: () => true,
  }
}
