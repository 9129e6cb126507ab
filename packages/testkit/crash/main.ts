/**
 * `npm run test:crash -- [--kills N] [--full] [--seed S] [--without-fsync] [--json]`: kills a network under load, on disks that lose what
 * was not synced; nothing acknowledged may be lost. Then the same without fsync, which must lose something. Exit status 1 otherwise.
 */
import { randomInt } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type CampaignReport, type Check, campaign, firstStarts } from './campaign.ts'

const DEFAULT_KILLS = 50
const FULL_KILLS = 300
/** Kills within which the loss must show when nothing is synced. */
const KILLS_WITHOUT_FSYNC = 10

const usage = `usage: test:crash [--kills N (${DEFAULT_KILLS})] [--full (${FULL_KILLS} kills)] [--seed S (random)] [--without-fsync] [--json]
  --without-fsync  only the mutation: syncs write nothing, and the test must notice
  The seed draws what is killed when; the moments themselves depend on the machine.`

const say = (text: string): boolean => process.stderr.write(`crash: ${text}\n`)

interface Options {
  readonly kills: number
  readonly seed: string
  readonly onlyWithoutFsync: boolean
  readonly json: boolean
}

function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      full: { type: 'boolean' },
      seed: { type: 'string' },
      'without-fsync': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return undefined
  const kills = Number(values.kills ?? (values.full === true ? FULL_KILLS : DEFAULT_KILLS))
  if (!Number.isSafeInteger(kills) || kills < 1)
    throw new RangeError(`--kills must be a whole number above 0, not ${values.kills}`)
  return {
    kills,
    seed: values.seed ?? String(randomInt(2 ** 32)),
    onlyWithoutFsync: values['without-fsync'] === true,
    json: values.json === true,
  }
}

/** The mutation passes when it fails. */
function mutationCheck({ loss, kills, acknowledged }: CampaignReport): Check {
  const found =
    loss === undefined
      ? ''
      : ` (after kill ${loss.kill}: ${loss.what}; ${loss.lostTransactions} of ${acknowledged.ordered} acknowledged transactions are gone)`
  return {
    name: `without fsync the loss is noticed${found}`,
    passed: loss !== undefined && loss.lostTransactions > 0,
    complaints: loss === undefined ? [`${kills} kills without fsync, and no loss was found`] : [],
  }
}

function print(check: Check): void {
  process.stdout.write(`${check.passed ? 'ok  ' : 'FAIL'} ${check.name}\n`)
  for (const complaint of check.complaints) process.stdout.write(`       ${complaint}\n`)
}

async function main(): Promise<void> {
  const wanted = options()
  if (wanted === undefined) {
    process.stdout.write(`${usage}\n`)
    return
  }
  const { kills, seed, json } = wanted
  const started = performance.now()
  const checks: Check[] = []
  let real: CampaignReport | undefined
  if (!wanted.onlyWithoutFsync) {
    say(`${kills} kills, seed ${seed}`)
    checks.push(...(await firstStarts({ seed, say })))
    real = await campaign({ kills, seed, withoutFsync: false, say })
    checks.push(...real.checks)
  }
  say('once more, with syncs that write nothing: the loss must be noticed')
  const mutation = await campaign({ kills: Math.min(kills, KILLS_WITHOUT_FSYNC), seed, withoutFsync: true, say })
  checks.push(mutationCheck(mutation))

  const passed = checks.filter((check) => check.passed).length
  const failed = checks.length - passed
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1))
  if (json) {
    const withoutFsync = { kills: mutation.kills, acknowledged: mutation.acknowledged, loss: mutation.loss ?? null }
    const report = { seed, seconds, passed, failed, real: real && { ...real, loss: real.loss ?? null }, withoutFsync, checks }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    for (const check of checks) print(check)
    if (real !== undefined) {
      const { acknowledged, killsDuringStart, blocks } = real
      process.stdout.write(
        `${real.kills} kills (${killsDuringStart} during start and recovery), ${acknowledged.ordered} transactions acknowledged as ordered, ${acknowledged.committed} as committed, ${blocks} blocks, seed ${seed}, ${seconds} s\n`,
      )
      process.stdout.write(`steps of clients that failed before a kill: ${JSON.stringify(real.refused)}\n`)
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
  }
  if (failed > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  // Wrong arguments are the user's; anything else is ours, and needs its stack.
  const isUsage = error instanceof RangeError || String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(isUsage ? `${(error as Error).message}\n${usage}\n` : `${(error as Error).stack ?? String(error)}\n`)
  process.exitCode = 2
}
