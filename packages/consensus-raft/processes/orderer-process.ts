// One orderer, a process of its own: says `ready` on standard output when it serves, and ends when its standard input does.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { Ordered } from '@heddle/core/plugin'
import { CHANNEL, type OrdererOrders } from './cluster-plan.ts'
import { connect } from './connect.ts'
import { startOrderingNode } from './ordering-node.ts'
import { unpackEnvelopes } from './submission-frame.ts'

const orders = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as OrdererOrders
const own = orders.plan.orderers.find(({ name }) => name === orders.name)!
const parts = connect(orders.plan, own.name, own, own.port)
const node = await startOrderingNode(orders, parts)

/** Orders all envelopes of a request and answers with the highest block number among them. */
const ordering = (submit: (envelope: Uint8Array) => Promise<Ordered>) => async (_from: unknown, message: Uint8Array) => {
  const ordered = await Promise.all(unpackEnvelopes(message).map(submit))
  const answer = Buffer.alloc(6)
  answer.writeUIntBE(Math.max(...ordered.map(({ blockNumber }) => blockNumber)), 0, 6)
  return answer
}
parts.transport.onRequest('port', CHANNEL, ordering(node.submit))
parts.transport.onRequest(
  'broadcast',
  CHANNEL,
  ordering((envelope) => node.host.broadcast(envelope)),
)
parts.transport.onRequest('status', CHANNEL, async () => Buffer.from(JSON.stringify(node.host.status())))
await parts.transport.start()
node.host.failed.catch((error: Error) => {
  process.stderr.write(`${own.name}: ${error.message}\n`)
  process.exit(3)
})
process.stdout.write('ready\n')

process.stdin.on('end', async () => {
  await node.stop()
  await parts.transport.stop()
  process.exit(0)
})
process.stdin.resume()
