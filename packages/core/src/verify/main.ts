import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { HeddleError } from '../model/errors.ts'
import type { VerifyReport } from './report.ts'
import { verifyFolder } from './verify-folder.ts'

const HELP = `Usage: npm run verify -- FOLDER [--json]

Verifies a ledger from its genesis block: validates and commits every block into a fresh state and compares
hash chain, block signatures, validation flags and commit hashes with what is stored.

FOLDER   serialized blocks (0000.block, 0001.block, ...: Hyperledger Fabric's or Heddle's), or the data folder
         of a peer, or its block files
--json   print the report as one JSON object
--help   this text

Exit status: 0 when all is equal, 1 when something differs or there is no ledger to read, 2 for wrong arguments.
`

interface Output {
  readonly out: { write(text: string): unknown }
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean }
}

/** Runs the program; gives its exit status. */
export async function main(
  args: readonly string[],
  { out, err }: Output = { out: process.stdout, err: process.stderr },
): Promise<number> {
  let folder: string
  let json: boolean
  try {
    const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (values.help === true) {
      out.write(HELP)
      return 0
    }
    if (positionals.length !== 1) throw new Error('name one folder')
    folder = positionals[0]!
    json = values.json === true
  } catch (error) {
    err.write(`verify: ${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  const progress = new Progress(err)
  try {
    const report = await verifyFolder(folder, { progress: (done) => progress.show(done) })
    progress.clear()
    out.write(json ? `${JSON.stringify(report)}\n` : describe(report))
    return report.verified ? 0 : 1
  } catch (error) {
    progress.clear()
    if (!(error instanceof HeddleError)) throw error
    if (json) out.write(`${JSON.stringify({ verified: false, error: error.toJSON() })}\n`)
    else err.write(`verify: ${error.message}\n`)
    return 1
  }
}

function describe(report: VerifyReport): string {
  const { firstDifference: difference, commitHashes, commitHashEqual } = report
  const commitHash = commitHashEqual === null ? 'none stored' : commitHashEqual ? `equal (${commitHashes})` : 'DIFFERENT'
  const lines = [
    `channel        ${report.channel || '(unknown)'}`,
    `blocks         ${report.blocks}`,
    `transactions   ${report.transactions}, ${report.valid} of them valid`,
    `flags          ${report.flagsEqual ? 'equal' : 'DIFFERENT'}`,
    `commit hashes  ${commitHash}`,
    `block hash     ${report.blockHash}`,
    `commit hash    ${report.commitHash || '(none)'}`,
    `content hash   ${report.contentHash}`,
  ]
  if (difference === null) lines.push('The ledger is verified.')
  else {
    const transaction = difference.transaction === null ? '' : `, transaction ${difference.transaction}`
    lines.push(
      `First of ${report.differences} differences: ${difference.what} in block ${difference.block}${transaction}`,
      `  expected  ${difference.expected}`,
      `  got       ${difference.got}`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** One line on a terminal, nothing elsewhere. */
class Progress {
  private readonly err: Output['err']
  private shown = 0

  constructor(err: Output['err']) {
    this.err = err
  }

  show({ blocks, transactions }: { readonly blocks: number; readonly transactions: number }): void {
    const now = performance.now()
    if (this.err.isTTY !== true || now - this.shown < 100) return
    this.shown = now
    this.err.write(`\rverifying: ${blocks} blocks, ${transactions} transactions`)
  }

  clear(): void {
    if (this.shown > 0) this.err.write('\r\u001b[K')
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2))
}
