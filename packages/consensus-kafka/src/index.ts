import process from 'node:process'
import { definePlugin, type OrderedLogProvider, orderingFromLog, type PluginContext } from '@heddle/core/plugin'
import { embeddedLogs } from './embedded/embedded-logs.ts'
import { type KafkaOptions, optionsSchema } from './options.ts'

export { KafkaError } from './errors.ts'
export type { KafkaOptions, SaslOptions, Secret, TlsOptions } from './options.ts'

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
      },
      ...(pace === undefined ? {} : { pace }),
    })
  },
})

export default kafka

async function logs(context: PluginContext, options: KafkaOptions): Promise<OrderedLogProvider> {
  const brokers = options.brokers ?? fromEnvironment()
  if (brokers.length === 0) return embeddedLogs(context)
  // The client is loaded by those who use it.
  const { kafkaLogs } = await import('./cluster/kafka-logs.ts')
  return kafkaLogs(context, { ...options, brokers })
}

function fromEnvironment(): readonly string[] {
  return (process.env.HEDDLE_KAFKA_BROKERS ?? '').split(',').flatMap((address) => address.trim() || [])
}
