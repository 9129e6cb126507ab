import { createHash, randomFillSync } from 'node:crypto'
import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type Arrived, type Participant, type Start, sharedNow } from './participant.ts'

const TOPIC = 'blocks'

/** libp2p and gossipsub with nothing of Heddle: the same mesh and message ids, no checks, no ledger. */
export async function startBare({ index, transport, dial }: Start, arrived: Arrived): Promise<Participant> {
  let identified = 0
  let published = 0
  let received = 0
  const libp2p = await createLibp2p({
    addresses: { listen: [transport === 'memory' ? `/memory/bare-${index}` : '/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } }), memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 100 },
    services: {
      identify: identify(),
      gossip: gossipsub({
        D: 6,
        Dlo: 4,
        Dhi: 12,
        heartbeatInterval: 700,
        floodPublish: false,
        fallbackToFloodsub: false,
        allowPublishToZeroTopicPeers: true,
        globalSignaturePolicy: 'StrictNoSign',
        scoreParams: { IPColocationFactorWeight: 0 },
        msgIdFn: ({ data }) => {
          identified++
          return createHash('sha256').update(data).digest()
        },
      }),
    },
  })
  const { gossip } = libp2p.services
  gossip.addEventListener('message', ({ detail }) => {
    received++
    arrived(Buffer.from(detail.data.buffer, detail.data.byteOffset).readUInt32BE(0), sharedNow())
  })
  gossip.subscribe(TOPIC)
  for (const address of dial) await libp2p.dial(multiaddr(address))
  let next = 1
  return {
    address: String(libp2p.getMultiaddrs()[0]),
    mesh: () => (gossip as unknown as { getMeshPeers(topic: string): string[] }).getMeshPeers(TOPIC).length,
    async publish(bytes) {
      const data = randomFillSync(Buffer.alloc(bytes))
      const number = next++
      data.writeUInt32BE(number, 0)
      published++
      const at = sharedNow()
      await gossip.publish(TOPIC, data)
      return { number, at }
    },
    counts: () => ({ received, duplicates: Math.max(0, identified - published - received) }),
    stop: () => libp2p.stop() as Promise<void>,
  }
}
