import { HeddleError } from '@heddle/core'
import { Command, CommanderError } from 'commander'
import { blocksCommand } from './commands/blocks.ts'
import { configCommand } from './commands/config.ts'
import { devCommand } from './commands/dev.ts'
import { transactCommands } from './commands/transact.ts'
import { upCommands } from './commands/up.ts'
import { verifyCommand } from './commands/verify.ts'
import type { Output } from './output.ts'

/** Exit statuses of the command. */
export const Exit = Object.freeze({ FINE: 0, FAILED: 1, USAGE: 2 })

/** Runs a command line; gives the exit status. */
export async function run(args: readonly string[], output: Output): Promise<number> {
  const program = new Command('heddle')
    .description('Compose, run and examine permissioned ledgers in the Hyperledger Fabric mould.')
    .showHelpAfterError('(heddle --help shows the commands)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.print(text), writeErr: (text) => output.say(text.trimEnd()) })
    .addHelpText('after', '\nExit status: 0 done, 1 failed (the error names its code), 2 wrong usage.')
  devCommand(program, output)
  upCommands(program, output)
  transactCommands(program, output)
  blocksCommand(program, output)
  verifyCommand(program, output)
  configCommand(program, output)
  inherit(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    return Exit.FINE
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.FINE : Exit.USAGE
    if (!(error instanceof HeddleError)) throw error
    if (args.includes('--json')) output.json({ error: error.toJSON() })
    else output.say(`${error.code}\n${error.message}`)
    return error.code === 'COMMAND_BAD_ARGUMENT' ? Exit.USAGE : Exit.FAILED
  }
}

/** Subcommands, of every depth, speak and end as the program does. */
function inherit(command: Command): void {
  for (const each of command.commands) {
    each.copyInheritedSettings(command)
    inherit(each)
  }
}
