import type { LogChannel, OrderedLog, OrderedLogProvider, PluginContext } from '@heddle/core/plugin'
import type { KafkaOptions } from '../options.ts'
import { Cluster } from './cluster.ts'
import { KafkaLog } from './kafka-log.ts'
import { settingsOf } from './settings.ts'

const CHAIN_DIGITS = 8

/** The logs of a cluster as one orderer sees them: one topic a channel, partition 0. */
export function kafkaLogs(
  { node, base, environment }: Pick<PluginContext, 'node' | 'base' | 'environment'>,
  options: KafkaOptions & { readonly brokers: readonly string[] },
): OrderedLogProvider {
  const settings = settingsOf(options, node, base)
  let cluster: Cluster | undefined
  return {
    async start() {
      cluster ??= new Cluster(settings, environment)
    },
    async stop() {
      cluster?.close()
      cluster = undefined
    },
    async open(channel: string, about: LogChannel): Promise<OrderedLog> {
      cluster ??= new Cluster(settings, environment)
      const chain = Buffer.from(about.genesisHash).toString('hex').slice(0, CHAIN_DIGITS)
      const topic = settings.topics[channel] ?? `${settings.topicPrefix}${channel}.${chain}`
      return new KafkaLog(cluster, topic, about.largestRecord)
    },
  }
}
