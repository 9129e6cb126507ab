import type { Command } from 'commander'
import type { Output } from '../output.ts'
import { checkConfig, configDefaults, configSchema } from './config-text.ts'

/** `heddle config ...` */
export function configCommand(program: Command, output: Output): void {
  const config = program.command('config').description('defaults, schema and check of network.yaml')
  config
    .command('defaults')
    .description('every default of network.yaml, with its reason')
    .option('--json', 'as one JSON object')
    .action(({ json }: { json?: true }) => output.print(configDefaults(json === true)))
  config
    .command('schema')
    .description('JSON Schema of network.yaml for editors')
    .argument('[file]', 'network.yaml whose plugins add their options')
    .action(async (file: string | undefined) => output.print(await configSchema(file)))
  config
    .command('check')
    .description('checks a configuration and the plugins that it names, and prints it with all defaults filled in')
    .argument('<file>', 'network.yaml or network.json')
    .option('--json', 'as one JSON object')
    .action(async (file: string, { json }: { json?: true }) => output.print(await checkConfig(file, json === true)))
}
