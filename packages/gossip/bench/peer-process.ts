// One peer in a process of its own: what gossip.bench.ts forks.
import process from 'node:process'
import { type Participant, type Start, startParticipant } from './participant.ts'

type Command =
  | { readonly do: 'start'; readonly start: Start }
  | { readonly do: 'publish'; readonly bytes: number }
  | { readonly do: 'mesh' | 'counts' | 'stop' }

let peer: Participant | undefined

const tell = (message: object): void => {
  process.send?.(message)
}

async function obey(command: Command): Promise<object> {
  if (command.do === 'start') {
    peer = await startParticipant(command.start, (number, at) => tell({ arrived: number, at }))
    return { address: peer.address }
  }
  if (peer === undefined) throw new Error('not started')
  if (command.do === 'publish') return peer.publish(command.bytes)
  if (command.do === 'mesh') return { mesh: peer.mesh() }
  if (command.do === 'counts') return peer.counts()
  await peer.stop()
  return {}
}

process.on('message', (command: Command & { id: number }) => {
  obey(command).then(
    (answer) => tell({ id: command.id, answer }),
    (error) => tell({ id: command.id, error: String((error as Error).stack) }),
  )
})
