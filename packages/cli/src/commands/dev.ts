import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Deployment } from '../dev/deployment.ts'
import { type DevNetwork, startDevNetwork } from '../dev/dev-network.ts'
import { readProject } from '../dev/project.ts'
import { watchSources } from '../dev/watch.ts'
import { CommandError } from '../errors.ts'
import { type Output, signalled } from '../output.ts'

interface DevOptions {
  readonly name?: string
  readonly channel: string
  readonly organizations: string
  readonly endorsement?: string
  readonly folder: string
  readonly keep?: true
  readonly anyPorts?: true
  readonly watch: boolean
  readonly json?: true
}

/** `heddle dev [FOLDER]` */
export function devCommand(program: Command, output: Output): void {
  program
    .command('dev')
    .description('a Fabric-compatible network on this machine, with the chaincode of a folder, deployed anew when it changes')
    .argument('[folder]', 'chaincode package, written for fabric-contract-api, in JavaScript or TypeScript', '.')
    .option('--name <name>', 'name of the chaincode on the channel (default: that of its package)')
    .option('--channel <name>', 'name of the channel', 'mychannel')
    .option('--organizations <count>', 'organisations, with a peer each', '2')
    .option('--endorsement <policy>', "such as OR('Org1MSP.peer','Org2MSP.peer') (default: a majority of the organisations)")
    .option('--folder <path>', 'where identities and ledgers lie', '.heddle/dev')
    .option('--keep', 'keep ledgers and identities of the last time')
    .option('--any-ports', 'free ports, in place of those of the test network (7050, 7051, 9051, ...)')
    .option('--no-watch', 'do not deploy anew when files change')
    .option('--json', 'one JSON object a line')
    .action((folder: string, options: DevOptions) => dev(folder, options, output))
}

async function dev(given: string, options: DevOptions, output: Output): Promise<void> {
  const started = performance.now()
  const organizations = Number(options.organizations)
  if (!Number.isInteger(organizations) || organizations < 1 || organizations > 16)
    throw new CommandError('COMMAND_BAD_ARGUMENT', `--organizations ${options.organizations}: a number from 1 to 16`)
  const project = await readProject(given)
  const { channel } = options
  const name = options.name ?? project.name
  output.say('starting the network')
  await using dev = await startDevNetwork({
    folder: resolve(options.folder),
    keep: options.keep === true,
    channel,
    organizations,
    anyPorts: options.anyPorts === true,
  })
  const deployment = new Deployment(dev.network, project, { channel, name, endorsement: options.endorsement })
  const stopped = signalled()
  const { version } = await deployment.next()
  const milliseconds = Math.round(performance.now() - started)
  const { identities, endpoints } = dev
  if (options.json === true)
    output.json({ event: 'ready', milliseconds, channel, chaincode: name, version, identities, endpoints })
  else output.print(description(dev, channel, name, milliseconds))
  const redeploy = (): void => {
    deployment.next().then(
      (done) => {
        if (options.json === true) output.json({ event: 'deployed', chaincode: name, ...done })
        else output.print(`deployed ${name} anew as ${done.version} (${Math.round(done.milliseconds)} ms)\n`)
      },
      (error: Error & { code?: string }) => {
        if (options.json === true) output.json({ event: 'failed', code: error.code ?? 'UNKNOWN', message: error.message })
        else output.say(`${error.code ?? 'error'}: ${error.message}\nthe chaincode that ran before goes on`)
      },
    )
  }
  const unwatch = options.watch ? watchSources(project.folder, redeploy) : () => {}
  await stopped
  unwatch()
  output.say('stopping')
}

function description(dev: DevNetwork, channel: string, name: string, milliseconds: number): string {
  const width = Math.max(...dev.endpoints.map(({ node }) => node.length))
  const nodes = dev.endpoints.map(({ node, address, mspId }) => `  ${node.padEnd(width)}  ${address.padEnd(15)}  ${mspId}\n`)
  return `ready in ${milliseconds} ms: chaincode ${name} on channel ${channel}

${nodes.join('')}
identities  ${dev.identities}
stop        Ctrl-C
`
}
