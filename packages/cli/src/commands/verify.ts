import { verifyFolder } from '@heddle/core'
import type { Command } from 'commander'
import { VerificationFailed } from '../errors.ts'
import type { Output } from '../output.ts'
import { type Progress, progressLine } from '../progress.ts'

/** `heddle verify FOLDER` */
export function verifyCommand(program: Command, output: Output): void {
  program
    .command('verify')
    .description('a ledger offline, from its genesis block: hash chain, signatures, policies, flags and state')
    .argument('<folder>', 'data folder of a peer, its block files, or a folder of serialized blocks')
    .option('--json', 'the report as one JSON object')
    .action(async (folder: string, { json }: { json?: true }) => {
      const progress: Progress = progressLine()
      const report = await verifyFolder(folder, {
        progress: ({ blocks, transactions }) => progress.show(`verifying: ${blocks} blocks, ${transactions} transactions`),
      }).finally(() => progress.clear())
      if (json === true) output.json(report)
      else
        output.print(
          [
            `channel       ${report.channel}`,
            `blocks        ${report.blocks}`,
            `transactions  ${report.transactions}, ${report.valid} of them valid`,
            `commit hash   ${report.commitHash || '(none)'}`,
            `content hash  ${report.contentHash}`,
            report.verified ? 'The ledger is verified.\n' : '',
          ].join('\n'),
        )
      if (report.verified) return
      const at = report.firstDifference
      throw new VerificationFailed(
        'LEDGER_DIFFERS',
        at === null
          ? 'the ledger differs from what it should be'
          : `${at.what} in block ${at.block}${at.transaction === null ? '' : `, transaction ${at.transaction}`}: expected ${at.expected}, got ${at.got}`,
        { firstDifference: at, differences: report.differences },
      )
    })
}
