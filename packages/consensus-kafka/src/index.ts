import process from 'node:process'
import { definePlugin, type OrderedLogProvider, orderingFromLog, type PluginContext } from '@heddle/core/plugin'
import { embeddedLogs } from './embedded/embedded-logs.ts'
import { type KafkaOptions, optionsSchema } from './options.ts'

export { KafkaError } from './errors.ts'
export type { KafkaOptions, SaslOptions, Secret, TlsOptions } from './options.ts'

/** Requests under way: the broker works on one while the next is made. */
const PARALLEL = 2

/**
 * Kafka-style ordering: many orderers share one durable log and cut the same blocks from it. With brokers the log is a topic of a Kafka
 * cluster; without, it is kept in files, for the orderers of one process.
 */
const kafka = definePlugin<'ordering', KafkaOptions>({
  name: '@heddle/consensus-kafka',
  provides: 'ordering',
  capabilities: { consensusType: 'kafka', faultModel: 'crash', simulable: false, nodes: { min: 1 } },
  options: optionsSchema,
  create: async (context, options) => {
    const { requests, timeouts, pace } = options
    return orderingFromLog({
      provider: await logs(context, options),
      append: {
        records: requests?.records ?? 1000,
        bytes: requests?.bytes ?? 1024 * 1024,
        retryFor: timeouts?.retry ?? 30_000,
        parallel: PARALLEL,
      },
      ...(pace === undefined ? {} : { pace }),
    })
  },
})

export default kafka

async function logs(context: PluginContext, options: KafkaOptions): Promise<OrderedLogProvider> {
  const given = options.brokers === undefined ? fromEnvironment() : { brokers: options.brokers }
  if (given.brokers.length === 0) return embeddedLogs(context)
  // The client is loaded by those who use it.
  const { kafkaLogs } = await import('./cluster/kafka-logs.ts')
  return kafkaLogs(context, { ...given, ...options, brokers: given.brokers })
}

function fromEnvironment(): KafkaOptions & { readonly brokers: readonly string[] } {
  const { HEDDLE_KAFKA_BROKERS: addresses = '', HEDDLE_KAFKA_ALLOW_SINGLE_BROKER: single } = process.env
  const brokers = addresses.split(',').flatMap((address) => address.trim() || [])
  return single === '1' ? { brokers, allowSingleBroker: true } : { brokers }
}
