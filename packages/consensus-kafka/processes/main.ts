/**
 * `npm run test:kafka -- [--full] [--only PATTERN]`: ordering on Apache Kafka itself, which it brings up on loopback ports and takes down
 * again. HEDDLE_KAFKA_BROKERS names an existing cluster instead, for all but the faults. Exit status 2 without Java or Maven.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Checks } from './checks.ts'
import { ClusterAdmin } from './cluster-admin.ts'
import { Campaign } from './fault-campaign.ts'
import { KafkaCluster } from './kafka-cluster.ts'
import { kafkaClassPath, NoKafka } from './kafka-jars.ts'
import { compressions, conformance, type Place, replicaChecks, topicChecks, truncationChecks } from './log-checks.ts'
import { securityChecks } from './security-checks.ts'

const say = (line: string): void => void process.stderr.write(`kafka: ${line}\n`)

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { full: { type: 'boolean' }, only: { type: 'string' } } })
  const checks = new Checks(values.only === undefined ? undefined : new RegExp(values.only, 'i'))
  const given = (process.env.HEDDLE_KAFKA_BROKERS ?? '').split(',').flatMap((address) => address.trim() || [])
  if (given.length > 0) {
    await onOneCluster(checks, { brokers: given, admin: new ClusterAdmin(() => given), options: {} }, 3, 'the given cluster')
  } else {
    const classPath = kafkaClassPath(say)
    await onOneBroker(checks, classPath)
    await securityChecks(checks, classPath, say)
    await onThreeBrokers(checks, classPath, values.full === true ? 40 : 10)
  }
  process.stdout.write(`${checks.summary()}\n`)
  return checks.failed === 0 && checks.passed > 0 ? 0 : 1
}

async function onOneBroker(checks: Checks, classPath: string): Promise<void> {
  say('starting one broker')
  const cluster = await KafkaCluster.start({ brokers: 1, classPath, memory: '400m' })
  try {
    const place = {
      brokers: cluster.addresses,
      admin: new ClusterAdmin(() => cluster.addresses),
      options: { allowSingleBroker: true },
    }
    await onOneCluster(checks, place, 1, 'one broker')
  } finally {
    await cluster.stop()
  }
}

async function onThreeBrokers(checks: Checks, classPath: string, kills: number): Promise<void> {
  const name = `three orderers on three brokers, ${kills} brokers and ${kills} orderers killed under load: nothing acknowledged is lost, all chains are equal`
  if (!checks.wants(name) && !checks.wants('a topic with min.insync.replicas')) return
  say('starting three brokers')
  const cluster = await KafkaCluster.start({ brokers: 3, classPath })
  try {
    const admin = new ClusterAdmin(() => cluster.addresses)
    const place: Place = { brokers: cluster.addresses, admin, options: {} }
    await replicaChecks(checks, place)
    await checks.check(
      name,
      async () => {
        const report = await new Campaign({ cluster, admin, kills, options: {}, say }).run()
        const { acknowledged, blocks, brokerKills, ordererKills, configUpdates, duplicates, unknownOutcomes } = report
        const killed = Object.entries(brokerKills).map(([role, count]) => `${role} ${count}`)
        return `${acknowledged} acknowledged in ${blocks} blocks; brokers killed: ${killed.join(', ')}; orderers killed: ${ordererKills}; config updates: ${configUpdates}; outcomes unknown: ${unknownOutcomes}; in the chain again, and to be flagged there: ${duplicates}`
      },
      60_000 + kills * 30_000,
    )
  } finally {
    await cluster.stop()
  }
}

async function onOneCluster(checks: Checks, place: Place, replicas: number, name: string): Promise<void> {
  await topicChecks(checks, place, replicas)
  await truncationChecks(checks, place)
  await compressions(checks, place)
  await conformance(checks, place, name, [1, 3])
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof NoKafka)) throw error
  process.stdout.write(`${error.message}\n`)
  process.exitCode = 2
}
