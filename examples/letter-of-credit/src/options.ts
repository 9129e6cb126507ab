import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface Options {
  readonly config: string
  readonly letters: string
  readonly ordering: string | undefined
  readonly dissemination: string | undefined
  readonly killLeader: boolean
  readonly json: boolean
  readonly help: boolean
}

const home = join(dirname(fileURLToPath(import.meta.url)), '..')

export const HELP = `Usage: npm start -- [options]

Runs the life of letters of credit on a network of two banks and a carrier, refusals included, then verifies the ledger from its
genesis block, read back from disk.

  --config FILE          network to run on (default: examples/letter-of-credit/network.yaml); it needs the organisations
                         ImporterBankMSP, ExporterBankMSP and CarrierMSP
  --letters FILE         letters to issue (default: examples/letter-of-credit/letters.json)
  --ordering NAME        ordering plugin instead of the config's: a package, a path, or the NAME of @heddle/consensus-NAME
                         (on three orderers where it withstands the crash of one)
  --kill-leader          kill the orderer that leads midway, with a transaction under way, and bring it back later
  --dissemination NAME   block dissemination instead of the config's: a package, a path, or the NAME of @heddle/NAME
  --json                 print nothing but one JSON object at the end
  --help                 this text

Exit status: 0 when every step ended as the rules demand and the ledger is verified, 1 otherwise, 2 for wrong arguments.
`

/** @throws Error with a sentence for the user */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: text,
      letters: text,
      ordering: text,
      dissemination: text,
      'kill-leader': flag,
      json: flag,
      help: { ...flag, short: 'h' },
    },
    strict: true,
  })
  return {
    config: resolve(values.config ?? join(home, 'network.yaml')),
    letters: resolve(values.letters ?? join(home, 'letters.json')),
    ordering: specifier(values.ordering, '@heddle/consensus-'),
    dissemination: values.dissemination === 'deliver' ? 'deliver' : specifier(values.dissemination, '@heddle/'),
    killLeader: values['kill-leader'] ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  }
}

/** A bare word names one of Heddle's own plugins; anything else is a package or a path. */
function specifier(name: string | undefined, prefix: string): string | undefined {
  return name !== undefined && /^[a-z][a-z0-9-]*$/.test(name) ? prefix + name : name
}
