import { DEFAULTS } from '../config/defaults.ts'
import type { NetworkConfig, NetworkDefinition } from '../config/definition.ts'
import { loadConfigFile } from '../config/load-file.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Random } from '../ports/random.ts'
import { type Token, Tokens } from '../ports/tokens.ts'
import { Network } from './network.ts'
import { NetworkCore } from './network-core.ts'
import type { Overrides } from './overrides.ts'

/** What only code can give a network. */
export interface CodeOptions {
  readonly overrides?: Overrides
  /** Short for overrides at the network's level. */
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  readonly metrics?: Metrics
  /**
   * Names of the nodes that run in this process; the others run in other processes, of the same configuration. None: a process of
   * clients or of an operator. The network has to be prepared: see {@link prepareNetwork}. Default: all nodes.
   */
  readonly only?: readonly string[]
}

/** A network in code: what network.yaml holds, and what only code can give. */
export interface NetworkOptions extends NetworkDefinition, CodeOptions {
  /** `import.meta.url` of the composing module: relative paths and plugin names start there. Default: the working folder. */
  readonly base?: string | URL
}

/**
 * Composes a network and starts it: identities, orderers, peers, channels, chaincodes.
 *
 * @throws ConfigError, PluginError and what the parts throw when they start; whatever was started is ended again
 */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const { base, overrides, clock, random, logger, metrics, only, ...definition } = options
  const config = resolveConfig(definition, { from: 'code', base: base === undefined ? undefined : String(base) })
  return startNetwork(config, { ...given({ overrides, clock, random, logger, metrics, only }) })
}

/** Starts the network that a file (network.yaml or network.json) describes. Throws as {@link createNetwork}. */
export async function createNetworkFromFile(path: string, options: CodeOptions = {}): Promise<Network> {
  return startNetwork(await loadConfigFile(path), options)
}

/** Starts the network of a resolved configuration. */
export async function startNetwork(config: NetworkConfig, options: CodeOptions = {}): Promise<Network> {
  const core = await NetworkCore.start(config, overridesOf(options), options.only)
  const network = new Network(core)
  const operations = operationsOf(config, options.only)
  if (operations === undefined) return network
  try {
    const { serveOperations } = await import('./operations-server.ts')
    const server = await serveOperations(operations, core.environment.metrics, () => network.status())
    core.operationsPort = server.port
    core.level.own('operations', () => server.close())
    return network
  } catch (error) {
    await network.stop()
    throw error
  }
}

/** A process of single nodes has the port of one of them: that of the network would be wanted by every process of a machine. */
function operationsOf({ operations, nodes }: NetworkConfig, only: readonly string[] | undefined): NetworkConfig['operations'] {
  if (only === undefined) return operations
  const port = nodes.find(({ name, operations: own }) => only.includes(name) && own !== undefined)?.operations
  return port === undefined ? undefined : { port, host: operations?.host ?? DEFAULTS['operations.host'].value }
}

/**
 * Makes what a network of several processes begins with, once, in its data folder: `organizations/` with all keys, which stays with
 * whoever runs the certificate authorities; `public/`, which every process gets; and `nodes/NAME/`, which only the machine of that node
 * gets. What is there already stays.
 *
 * @throws ConfigError, PluginError, NetworkError
 */
export async function prepareNetwork(config: NetworkConfig, options: Omit<CodeOptions, 'only'> = {}): Promise<void> {
  await NetworkCore.prepareOnly(config, overridesOf(options))
}

function overridesOf({ overrides = {}, ...parts }: CodeOptions): Overrides {
  return {
    ...overrides,
    async network(container) {
      const register = <T>(token: Token<T>, part: T | undefined) => {
        if (part !== undefined) container.registerInstance<T>(token, part)
      }
      register(Tokens.Clock, parts.clock)
      register(Tokens.Random, parts.random)
      register(Tokens.Logger, parts.logger)
      register(Tokens.Metrics, parts.metrics)
      await overrides.network?.(container)
    },
  }
}

/** Without what is undefined. */
function given<T extends object>(options: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
