// One orderer of the network under test, a process of its own, on a disk that loses what was not synced when the process is killed.
// With HEDDLE_TEST_IGNORE_SYNC=1 it loses everything. Says `ready` when it serves, and ends when its standard input does.
import { dirname } from 'node:path'
import process from 'node:process'
import { createNetworkFromFile, Tokens } from '@heddle/core'
import { fileDisk } from '@heddle/core/testing'
import { writeBehindDisk } from '@heddle/testkit'
import { nodeFolder } from './kill-network.ts'

const [file = '', name = ''] = process.argv.slice(2)
try {
  const network = await createNetworkFromFile(file, {
    only: [name],
    overrides: {
      node: (container) => {
        container.registerInstance(Tokens.Disk, writeBehindDisk(fileDisk(nodeFolder(dirname(file), name))))
      },
    },
  })
  process.stdout.write('ready\n')
  process.stdin.on('end', async () => {
    await network.stop()
    process.exit(0)
  })
  process.stdin.resume()
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  process.stderr.write(`${code ?? 'UNTYPED'}: ${message}\n`)
  process.exit(1)
}
