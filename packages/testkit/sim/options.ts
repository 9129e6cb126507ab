import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const usage = `usage: sim --plugin NAME --seeds A..B [--json] [--jobs N]
       sim --plugin NAME --seed N [--shrink]
       sim --plugin NAME --plan FILE [--shrink]
       sim --mutations [--plugin NAME] [--only MUTANT] [--json] [--jobs N]
  --plugin NAME   packages/consensus-NAME/sim/subject.ts, packages/NAME/sim/subject.ts, or a file or package that exports a subject
  --seeds A..B    runs these seeds, B excluded, and demands the minimum of coverage
  --seed N        replays one seed and tells what happens
  --plan FILE     replays an edited or shrunk plan
  --shrink        looks for a smaller plan that fails too, and prints it
  --mutations     takes safety checks out of the code one at a time; each must be noticed
  --jobs N        processes (default: one for each core)`

/** What the command line asks for. */
export interface SimOptions {
  readonly plugin: string | undefined
  readonly seeds: { readonly from: number; readonly to: number } | undefined
  readonly seed: number | undefined
  readonly plan: string | undefined
  readonly shrink: boolean
  readonly mutations: boolean
  readonly only: string | undefined
  readonly json: boolean
  readonly jobs: number
  readonly help: boolean
}

/** @throws RangeError or TypeError with what is wrong */
export function simOptions(args: readonly string[]): SimOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      plugin: { type: 'string' },
      seeds: { type: 'string' },
      seed: { type: 'string' },
      plan: { type: 'string' },
      shrink: { type: 'boolean', default: false },
      mutations: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      jobs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const options = {
    plugin: values.plugin,
    seeds: values.seeds === undefined ? undefined : seedRange(values.seeds),
    seed: values.seed === undefined ? undefined : whole('--seed', values.seed, 0),
    plan: values.plan,
    shrink: values.shrink,
    mutations: values.mutations,
    only: values.only,
    json: values.json,
    jobs: values.jobs === undefined ? availableParallelism() : whole('--jobs', values.jobs, 1),
    help: values.help,
  }
  if (options.help) return options
  const modes = [options.seeds, options.seed, options.plan, options.mutations || undefined].filter((each) => each !== undefined)
  if (modes.length !== 1) throw new RangeError('one of --seeds, --seed, --plan or --mutations is needed')
  if (!options.mutations && options.plugin === undefined) throw new RangeError('--plugin is needed')
  return options
}

/** The name behind `--plugin`, before the rest is looked at: a subject may have arguments of its own. */
export function pluginArgument(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--plugin' || arg.startsWith('--plugin='))
  if (at < 0) return undefined
  return args[at] === '--plugin' ? args[at + 1] : args[at]!.slice('--plugin='.length)
}

function seedRange(text: string): { from: number; to: number } {
  const match = /^(\d+)\.\.(\d+)$/.exec(text)
  const [from, to] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || !Number.isSafeInteger(from) || !Number.isSafeInteger(to) || to <= from)
    throw new RangeError(`--seeds must be A..B with A below B, not ${text}`)
  return { from, to }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${name} must be a whole number from ${least} on, not ${text}`)
  return value
}
