/** `npm run test:gossip`: ten peers in three organisations; leaders are killed, peers restarted, one added. */
import process from 'node:process'
import { Checks } from './checks.ts'
import { silentDeath } from './silent-death.ts'
import { tenPeers } from './ten-peers.ts'

const checks = new Checks((line) => process.stdout.write(`${line}\n`))
await tenPeers(checks)
await silentDeath(checks)
process.stdout.write(`${checks.summary()}\n`)
if (checks.failed > 0) process.exitCode = 1
