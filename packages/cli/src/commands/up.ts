import { loadConfigFile, type Network, type NetworkConfig, prepareNetwork, startNetwork } from '@heddle/core'
import { type FabricServices, type ServerTls, serveFabric, TlsFolder } from '@heddle/fabric'
import type { Command } from 'commander'
import { CommandError } from '../errors.ts'
import { type Output, signalled } from '../output.ts'

interface UpOptions {
  readonly config: string
  readonly json?: true
}

const CONFIG = ['-c, --config <file>', 'network.yaml or network.json', 'network.yaml'] as const

/** `heddle up`, `heddle node start` and `heddle node prepare`. */
export function upCommands(program: Command, output: Output): void {
  program
    .command('up')
    .description('all nodes of a network in this process, with their services, until Ctrl-C')
    .option(...CONFIG)
    .option('--json', 'one JSON object a line')
    .action((options: UpOptions) => up(options, undefined, output))
  const node = program.command('node').description('single nodes of a network, each in a process of its own')
  node
    .command('start')
    .description('one node, until Ctrl-C')
    .option(...CONFIG)
    .requiredOption('--node <name>', 'such as peer0.org1')
    .option('--json', 'one JSON object a line')
    .action((options: UpOptions & { node: string }) => up(options, options.node, output))
  node
    .command('prepare')
    .description('identities, genesis blocks and a folder for each node: once, before nodes start in processes of their own')
    .option(...CONFIG)
    .option('--json', 'one JSON object')
    .action(async ({ config: file, json }: UpOptions) => {
      const config = await loadConfigFile(file)
      await prepareNetwork(config)
      const nodes = config.nodes.map(({ name }) => name)
      if (json === true) output.json({ event: 'prepared', folder: config.folder, nodes })
      else output.print(`prepared ${config.folder}\n${nodes.map((name) => `  ${name}\n`).join('')}`)
    })
}

async function up({ config: file, json }: UpOptions, only: string | undefined, output: Output): Promise<void> {
  const started = performance.now()
  const config = await loadConfigFile(file)
  if (only !== undefined && !namesOf(config).includes(only))
    throw new CommandError('COMMAND_BAD_ARGUMENT', `--node ${only}: there are ${namesOf(config).join(', ')}`, { node: only })
  output.say(only === undefined ? `starting ${config.name}` : `starting ${only} of ${config.name}`)
  const stopped = signalled()
  await using network = await startNetwork(config, only === undefined ? {} : { only: [only] })
  await using services = await serve(network, config)
  const milliseconds = Math.round(performance.now() - started)
  const nodes = [...network.peers, ...network.orderers].map(({ name, mspId }) => ({
    name,
    mspId,
    services: services.address(name) ?? null,
  }))
  if (json === true)
    output.json({ event: 'ready', milliseconds, network: network.name, nodes, operationsPort: network.operationsPort ?? null })
  else output.print(description(network, nodes, milliseconds))
  await stopped
  output.say('stopping')
}

function namesOf({ organizations, orderers }: NetworkConfig): readonly string[] {
  return [...orderers.flatMap(({ nodes }) => nodes), ...organizations.flatMap(({ peers }) => peers)]
}

/** Opens Fabric's services of the nodes here, where the configuration gives them an address: over TLS when there is a folder for keys. */
async function serve(network: Network, config: NetworkConfig): Promise<FabricServices> {
  const addresses = new Map(config.services.map(({ name, address }) => [name, address]))
  const certificates = new Map<string, ServerTls>()
  for (const { name, services } of here(network)) {
    const address = addresses.get(name)
    if (address === undefined || config.folder === undefined) continue
    const tls = await TlsFolder.open(config.folder, services.role, services.organization)
    const hosts = [...new Set([name, 'localhost', '127.0.0.1', ...(address.host === '0.0.0.0' ? [] : [address.host])])]
    certificates.set(name, await tls.certificateOf(name, hosts))
  }
  return serveFabric(network, {
    endpoint: (node) => {
      const address = addresses.get(node)
      const tls = certificates.get(node)
      return address === undefined ? undefined : { ...address, ...(tls === undefined ? {} : { tls }) }
    },
  })

  function here({ peers, orderers }: Network) {
    const organizationOf = (node: string): string => config.orderers.find(({ nodes }) => nodes.includes(node))!.name
    return [
      ...peers.map(({ name, organization }) => ({ name, services: { role: 'peer' as const, organization } })),
      ...orderers.map(({ name }) => ({ name, services: { role: 'orderer' as const, organization: organizationOf(name) } })),
    ]
  }
}

function description(
  network: Network,
  nodes: readonly { readonly name: string; readonly mspId: string; readonly services: string | null }[],
  milliseconds: number,
): string {
  const width = Math.max(...nodes.map(({ name }) => name.length))
  const lines = nodes.map(
    ({ name, mspId, services }) => `  ${name.padEnd(width)}  ${(services ?? '(no services)').padEnd(21)}  ${mspId}\n`,
  )
  const operations =
    network.operationsPort === undefined ? '' : `operations  http://127.0.0.1:${network.operationsPort}/metrics\n`
  return `${network.name} is up (${milliseconds} ms), channels ${network.channels.join(', ')}\n\n${lines.join('')}\n${operations}stop        Ctrl-C\n`
}
