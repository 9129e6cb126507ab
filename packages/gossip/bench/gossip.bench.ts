// Blocks by gossip: time to all peers, copies, load on the orderer, catching up. Beside it, libp2p's gossipsub with nothing of Heddle.
import { type BenchmarkRow, row, runBenchmark } from '@heddle/testkit/benchmark'
import { measureCatchUp } from './catch-up.ts'
import { Crowd, type Spread } from './crowd.ts'
import { BenchOrderer, startHeddle } from './heddle-peer.ts'

const BARE = 'bare gossipsub'
const SIZES = [
  { name: '1kB', bytes: 1_000, blocks: 200, burst: 400 },
  { name: '100kB', bytes: 100_000, blocks: 60, burst: 60 },
  { name: '1MB', bytes: 1_000_000, blocks: 24, burst: 24 },
]

const argument = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}

interface Figures extends Spread {
  readonly throughput: number
}

async function measureKind(
  kind: 'heddle' | 'bare',
  peers: number,
  where: 'processes' | 'in-process',
  share: number,
): Promise<Map<string, Figures>> {
  const crowd = await Crowd.start(kind, peers, where)
  try {
    const figures = new Map<string, Figures>()
    for (const { name, bytes, blocks, burst } of SIZES) {
      await crowd.spread(bytes, Math.ceil((blocks * share) / 4))
      const spread = await crowd.spread(bytes, Math.ceil(blocks * share))
      figures.set(name, { ...spread, throughput: await crowd.throughput(bytes, Math.ceil(burst * share)) })
    }
    return figures
  } finally {
    await crowd.stop()
  }
}

function rowsOf(own: Map<string, Figures>, bare: Map<string, Figures>, suffix: string): BenchmarkRow[] {
  return SIZES.flatMap(({ name }) => {
    const [mine, theirs] = [own.get(name)!, bare.get(name)!]
    const against = (value: number) => ({ name: BARE, value })
    return [
      row(`p50-${name}${suffix}`, 'ms', mine.p50, against(theirs.p50)),
      row(`p99-${name}${suffix}`, 'ms', mine.p99, against(theirs.p99)),
      row(`throughput-${name}${suffix}`, 'blocks/s', mine.throughput, against(theirs.throughput)),
      row(`sent-over-needed-${name}${suffix}`, 'copies', mine.sentOverNeeded, against(theirs.sentOverNeeded)),
    ]
  })
}

/** Blocks that the orderer hands out for each that it makes; direct deliver hands each out to each peer. */
async function uplink(peers: number): Promise<number> {
  const orderer = new BenchOrderer()
  const arrivals = new Map<number, number>()
  let complete: () => void = () => {}
  const arrived = (number: number): void => {
    arrivals.set(number, (arrivals.get(number) ?? 0) + 1)
    if (arrivals.get(number)! >= peers) complete()
  }
  const all = []
  const addresses: string[] = []
  for (let index = 0; index < peers; index++) {
    const peer = await startHeddle(
      { kind: 'heddle', index, transport: 'memory', dial: addresses.slice(0, 8) },
      arrived,
      orderer,
      [],
    )
    all.push(peer)
    addresses.push(peer.address)
  }
  const one = async (): Promise<void> => {
    const done = new Promise<void>((resolve) => {
      complete = resolve
    })
    orderer.make(Buffer.alloc(1_000))
    await done
  }
  // Until one leader is agreed on.
  for (let i = 0; i < 10; i++) await one()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const before = orderer.delivered
  const blocks = 20
  for (let i = 0; i < blocks; i++) await one()
  const given = (orderer.delivered - before) / blocks
  await Promise.all(all.map((peer) => peer.stop()))
  return given
}

await runBenchmark('gossip', async (say) => {
  const share = argument('share', 1)
  const rows: BenchmarkRow[] = []
  say('five processes')
  rows.push(...rowsOf(await measureKind('heddle', 5, 'processes', share), await measureKind('bare', 5, 'processes', share), ''))
  const crowd = argument('crowd', 50)
  say(`${crowd} peers in this process`)
  const less = share / 4
  rows.push(
    ...rowsOf(
      await measureKind('heddle', crowd, 'in-process', less),
      await measureKind('bare', crowd, 'in-process', less),
      '-in-process',
    ),
  )
  for (const peers of [5, 20, crowd]) {
    say(`load on the orderer with ${peers} peers`)
    rows.push(row(`orderer-uplink-${peers}`, 'copies', await uplink(peers), { name: 'direct deliver', value: peers }))
  }
  const blocks = argument('blocks', 10_000)
  say(`catching up ${blocks} blocks`)
  const { pulled, local } = await measureCatchUp(blocks, say)
  rows.push(row('throughput-catch-up', 'blocks/s', pulled, { name: 'local commit', value: local }))
  return rows
})
