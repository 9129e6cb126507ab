import process from 'node:process'
import { parseArgs } from 'node:util'
import type { OwnSimulation } from '@heddle/testkit/simulator'
import { type ScenarioReport, scenario } from './scenario.ts'

const USAGE = 'usage: npm run sim -- --plugin gossip [--peers 10,100,1000] [--loss 0,10,30] [--seed S] [--json]'

function numbers(text: string, what: string, most: number): number[] {
  const list = text.split(',').map(Number)
  if (list.some((value) => !Number.isInteger(value) || value < 0 || value > most))
    throw new RangeError(`--${what} is a list of whole numbers up to ${most}, not ${text}\n${USAGE}`)
  return list
}

function line(row: ScenarioReport): string {
  const { rounds, timeToAll, came } = row
  return [
    `${String(row.peers).padStart(5)} peers, ${String(row.loss).padStart(2)} % loss:`,
    `all in ${rounds.p50} rounds (p99 ${rounds.p99}), ${timeToAll.p50} ms (p99 ${timeToAll.p99});`,
    `${row.duplicates} duplicates; ${came.gossip} % by gossip, ${came.pull} % pulled;`,
    `coverage ${row.coverage}; ${row.restarts} restarts, ${row.killedLeaders} leaders killed; ${row.violations.length} violations`,
    `(${row.virtualSeconds} virtual seconds in ${row.seconds} s)`,
  ].join(' ')
}

/** Dissemination under simulation: the shipped code on a virtual network; only gossipsub is a model. */
const subject: OwnSimulation = {
  name: 'gossip',
  async simulate(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        peers: { type: 'string', default: '10,100,1000' },
        loss: { type: 'string', default: '0,10,30' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
      },
    })
    const rows: ScenarioReport[] = []
    for (const peers of numbers(values.peers, 'peers', 1_000))
      for (const loss of numbers(values.loss, 'loss', 90)) {
        const row = await scenario({ peers, loss, seed: values.seed })
        rows.push(row)
        if (!values.json) process.stdout.write(`${line(row)}\n`)
        for (const violation of row.violations.slice(0, 10))
          process.stderr.write(`sim: ${peers} peers, ${loss} %: ${violation}\n`)
      }
    const violations = rows.flatMap((row) => row.violations)
    if (values.json) process.stdout.write(`${JSON.stringify({ plugin: 'gossip', seed: values.seed, rows, violations })}\n`)
    return violations.length > 0 || rows.some(({ coverage }) => coverage < 1) ? 1 : 0
  },
}

export default subject
