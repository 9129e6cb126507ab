import { memoryDisk } from '../adapters/disk/memory-disk.ts'
import { systemClock } from '../adapters/environment/clock.ts'
import { type InProcessHub, inProcessHub } from '../adapters/environment/in-process-transport.ts'
import { noMetrics } from '../adapters/environment/metrics.ts'
import { seededRandom, systemRandom } from '../adapters/environment/random.ts'
import { silentLogger } from '../adapters/environment/silent-logger.ts'
import type { NetworkConfig } from '../config/definition.ts'
import type { Environment } from '../ports/environment.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import { Tokens } from '../ports/tokens.ts'
import type { Level } from './level.ts'

/** What all nodes of a process share. */
export interface NetworkParts {
  readonly hub: InProcessHub
  readonly environment: Environment
}

/** Makes the parts of the network's own level: clock, randomness, logs, metrics, signature work. */
export async function provideNetworkParts(config: NetworkConfig, level: Level): Promise<NetworkParts> {
  const clock = await level.provide(Tokens.Clock, () => systemClock)
  const random = await level.provide(Tokens.Random, () =>
    config.seed === undefined ? systemRandom() : seededRandom(config.seed),
  )
  const logger = await level.provide(Tokens.Logger, () => loggerOf(config))
  const metrics = await level.provide(Tokens.Metrics, () => metricsOf(config))
  await level.provide(
    Tokens.SignaturePool,
    async () => (await import('../adapters/signature-pool/threaded-signature-pool.ts')).createSignaturePool(),
    (pool) => pool.close(),
  )
  const hub = inProcessHub()
  const transport = hub.connect({ name: `network ${config.name}`, identity: new Uint8Array(0) }, metrics)
  return { hub, environment: { clock, random, logger, metrics, transport, disk: memoryDisk() } }
}

/** pino costs its import: a network that logs nothing does without. */
async function loggerOf({ log, name }: NetworkConfig): Promise<Logger> {
  if (log.level === 'silent' && Object.keys(log.subsystems).length === 0) return silentLogger
  const { pinoLogger } = await import('../adapters/environment/pino-logger.ts')
  return (await pinoLogger({ level: log.level, subsystems: log.subsystems })).child({ network: name })
}

/** Counted only where somebody may look. */
async function metricsOf({ operations, nodes }: NetworkConfig): Promise<Metrics> {
  if (operations === undefined && nodes.every((node) => node.operations === undefined)) return noMetrics
  const { prometheusMetrics } = await import('../adapters/environment/metrics.ts')
  return prometheusMetrics({ process: true })
}
