#!/usr/bin/env node
import process from 'node:process'
import { parseArgs } from 'node:util'
import { HeddleError } from '../model/errors.ts'
import { checkConfig, configDefaults, configSchema } from './config-commands.ts'

const HELP = `heddle config defaults [--json]     every default of network.yaml with its reason
heddle config schema [FILE]         JSON Schema of network.yaml for editors, with the options of the plugins that FILE names
heddle config check FILE [--json]   checks a configuration and the plugins that it names; prints it with all defaults filled in
heddle --help
`

/** Runs a command; gives the exit status: 0 fine, 1 the input is wrong, 2 wrong usage. */
async function main(args: readonly string[]): Promise<number> {
  let parsed: { values: { help?: boolean; json?: boolean }; positionals: string[] }
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } },
    })
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`)
    return 2
  }
  const { values, positionals } = parsed
  if (values.help === true) {
    process.stdout.write(HELP)
    return 0
  }
  const [group, command, file, ...rest] = positionals
  const run = group === 'config' && rest.length === 0 ? commandOf(command, file, values.json === true) : undefined
  if (run === undefined) {
    process.stderr.write(HELP)
    return 2
  }
  try {
    process.stdout.write(await run())
    return 0
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    process.stderr.write(values.json === true ? `${JSON.stringify(error.toJSON())}\n` : `${error.code}\n${error.message}\n`)
    return 1
  }
}

function commandOf(
  command: string | undefined,
  file: string | undefined,
  json: boolean,
): (() => string | Promise<string>) | undefined {
  if (command === 'defaults' && file === undefined) return () => configDefaults(json)
  if (command === 'schema') return () => configSchema(file)
  if (command === 'check' && file !== undefined) return () => checkConfig(file, json)
  return undefined
}

process.exitCode = await main(process.argv.slice(2))
