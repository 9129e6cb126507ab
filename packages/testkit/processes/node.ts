// One process with some nodes of a network: `node.ts CONFIG NODE...`; tells what it is asked on standard input, a JSON line each.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { loadConfigFile, type Peer, startNetwork } from '@heddle/core'
import type { Answer, Question } from './questions.ts'

const [config, ...only] = process.argv.slice(2)
const say = (answer: Answer): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`)

try {
  const network = await startNetwork(await loadConfigFile(config!), { only })
  say({ id: 0, started: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line) as Question
    const { id } = question
    if (question.ask === 'stop') {
      await network.stop()
      say({ id })
      break
    }
    const [peer] = network.peers
    if (question.ask === 'heights') say({ id, heights: network.orderers.map((orderer) => orderer.height(question.channel) ?? 0) })
    else if (peer === undefined) say({ id, error: 'there is no peer here' })
    else if (question.ask === 'reach') say({ id, height: await reached(peer, question.channel, question.height) })
    else say({ id, state: await stateOf(peer, question.channel) })
  }
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  say({ id: 0, error: `${code ?? ''} ${message}` })
  process.exitCode = 1
}

async function reached(peer: Peer, channel: string, height: number): Promise<number> {
  await peer.reach(channel, height)
  return peer.height(channel)
}

async function stateOf(peer: Peer, channel: string) {
  const transactions: [string, number][] = []
  const height = peer.height(channel)
  for await (const block of peer.blocks(channel)) {
    if (block.number >= height) break
    const flags = block.metadataAt(2)
    for (let i = 0; i < block.data.length; i++) transactions.push([block.envelope(i).txId, flags[i]!])
  }
  return { height, commitHash: peer.commitHash(channel), contentHash: await peer.contentHash(channel), transactions }
}
