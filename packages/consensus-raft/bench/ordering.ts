// Raft ordering in three processes against three etcd nodes: same machine, same payloads, mutual TLS, fsync, one connection to each node.
//
// In: a client's request over the TCP transport, the ordering port (`OrderingService.submit`), consensus, block assembly, hash chain and the
// orderer's block signature, block files on disk, the answer. Out: the ingress filters of the host (form, signature and policy of an
// envelope), since etcd has nothing like them; `throughput-filtered` has them as well, with every envelope signed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileDisk } from '@heddle/core/testing'
import { type BenchmarkRow, percentile, row } from '@heddle/testkit/benchmark'
import { type ClusterPlan, planCluster } from '../processes/cluster-plan.ts'
import { OrdererCluster } from '../processes/orderer-cluster.ts'
import { EtcdCluster, findEtcd, putRequest } from './etcd.ts'
import { inProcess } from './in-process.ts'
import { best, closedLoop, ENVELOPE_BYTES, envelopeMaker, type Measured } from './load.ts'

type Say = (line: string) => void

const MILLISECONDS = Number(process.env.HEDDLE_BENCH_MILLISECONDS ?? 4000)
/** Calls under way with which saturation is looked for; the best counts. */
const LOADS = [256, 1024, 2560]
const BATCH = 128
/** Batched calls under way. */
const BATCH_LOADS = [8, 32]
const SIGNED = 40_000

interface Results {
  readonly single: Measured
  readonly batched: Measured
  readonly lone: Measured
}

export async function measure(say: Say): Promise<readonly BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-ordering-'))
  try {
    const plan = await planCluster(3)
    const etcd = findEtcd()
    const reference = etcd && (await etcdResults(etcd.path, join(folder, 'etcd'), say))
    const { filtered, ...own } = await processResults(plan, join(folder, 'orderers'), say)
    say('three orderers in this process')
    const together = await inProcess(plan, join(folder, 'together'))
    let inside: Measured
    let insideLone: Measured
    try {
      inside = await singles(together.submit, plan)
      insideLone = await lone(together.submit, plan)
    } finally {
      await together.stop()
    }
    const rows = [
      row('throughput-filtered', 'envelopes/s', filtered.rate),
      row('p50-filtered', 'ms', filtered.p50),
      row('p99-filtered', 'ms', filtered.p99),
      row('throughput-in-process', 'envelopes/s', inside.rate),
      row('p50-in-process', 'ms', inside.p50),
      row('p99-in-process', 'ms', inside.p99),
      row('p50-single-in-process', 'ms', insideLone.p50),
    ]
    if (etcd === undefined || reference === undefined) {
      say('there is no etcd on this machine (Debian: apt-get install etcd-server): no comparison with it')
      const limit = await fdatasyncRate(join(folder, 'limit'))
      const name = 'datasyncs of 1 kB to a file, one after the other'
      return [
        row('throughput-fdatasync', 'envelopes/s', own.single.rate, { name, value: limit }),
        row('p50', 'ms', own.single.p50),
        row('p99', 'ms', own.single.p99),
        row('p50-single', 'ms', own.lone.p50),
        row('p99-single', 'ms', own.lone.p99),
        ...rows,
      ]
    }
    const name = (what: string): string => `etcd ${etcd.version}, three nodes, ${what}`
    const compared = (
      metric: string,
      unit: string,
      which: keyof Results,
      what: 'rate' | 'p50' | 'p99',
      how: string,
    ): BenchmarkRow => row(metric, unit, own[which][what], { name: name(how), value: reference[which][what] })
    const puts = `single puts, ${reference.single.underWay} under way`
    const txns = `transactions of ${BATCH} puts, ${reference.batched.underWay} under way`
    return [
      compared('throughput', 'envelopes/s', 'single', 'rate', puts),
      compared('p50', 'ms', 'single', 'p50', puts),
      compared('p99', 'ms', 'single', 'p99', puts),
      compared('throughput-batched', 'envelopes/s', 'batched', 'rate', txns),
      compared('p50-batched', 'ms', 'batched', 'p50', txns),
      compared('p99-batched', 'ms', 'batched', 'p99', txns),
      compared('p50-single', 'ms', 'lone', 'p50', 'one client, single puts'),
      compared('p99-single', 'ms', 'lone', 'p99', 'one client, single puts'),
      ...rows,
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Submit = (to: number, envelopes: readonly Uint8Array[]) => Promise<unknown>

async function singles(submit: Submit, plan: ClusterPlan): Promise<Measured> {
  const { make } = envelopeMaker(plan.client)
  const measured: Measured[] = []
  for (const underWay of LOADS)
    measured.push(await closedLoop(underWay, (index) => submit(index, [make()]), { milliseconds: MILLISECONDS }))
  return best(measured)
}

function lone(submit: Submit, plan: ClusterPlan): Promise<Measured> {
  const { make } = envelopeMaker(plan.client)
  return closedLoop(1, (index) => submit(index, [make()]), { milliseconds: MILLISECONDS })
}

async function processResults(plan: ClusterPlan, folder: string, say: Say): Promise<Results & { readonly filtered: Measured }> {
  const cluster = new OrdererCluster(plan, folder)
  try {
    say('three orderer processes: start')
    await cluster.start()
    await cluster.leader()
    const through =
      (service: 'port' | 'broadcast'): Submit =>
      (to, envelopes) =>
        cluster.submit(cluster.names[to % cluster.names.length]!, service, envelopes)
    const port = through('port')
    say('three orderer processes: one client')
    const alone = await lone(port, plan)
    say('three orderer processes: single envelopes')
    const single = await singles(port, plan)
    say(`three orderer processes: ${BATCH} envelopes a call`)
    const { make, sign } = envelopeMaker(plan.client)
    const batches: Measured[] = []
    for (const underWay of BATCH_LOADS)
      batches.push(
        await closedLoop(underWay, (index) => port(index, Array.from({ length: BATCH }, make)), {
          milliseconds: MILLISECONDS,
          items: BATCH,
        }),
      )
    say('three orderer processes: signed envelopes through all filters')
    const signed = sign(SIGNED)
    const broadcast = through('broadcast')
    let next = 0
    const filtered = await closedLoop(
      LOADS[1]!,
      (index) => {
        const envelope = signed[next++]
        if (envelope === undefined) throw new Error('more signed envelopes are needed')
        return broadcast(index, [envelope])
      },
      { milliseconds: MILLISECONDS / 2 },
    )
    return { single, batched: best(batches), lone: alone, filtered }
  } finally {
    await cluster.stop()
  }
}

async function etcdResults(path: string, folder: string, say: Say): Promise<Results> {
  say('three etcd nodes: start')
  const cluster = await EtcdCluster.start(path, folder)
  try {
    const value = new Uint8Array(ENVELOPE_BYTES).fill(46)
    let count = 0
    const key = (): string => `envelope${++count}`
    const put = (index: number): Promise<unknown> => cluster.put(index, key(), value)
    say('three etcd nodes: one client')
    const alone = await closedLoop(1, put, { milliseconds: MILLISECONDS })
    say('three etcd nodes: single puts')
    const measured: Measured[] = []
    for (const underWay of LOADS) measured.push(await closedLoop(underWay, put, { milliseconds: MILLISECONDS }))
    say(`three etcd nodes: transactions of ${BATCH} puts`)
    const batches: Measured[] = []
    for (const underWay of BATCH_LOADS)
      batches.push(
        await closedLoop(
          underWay,
          (index) =>
            cluster.txn(
              index,
              Array.from({ length: BATCH }, () => putRequest(key(), value)),
            ),
          { milliseconds: MILLISECONDS, items: BATCH },
        ),
      )
    return { single: best(measured), batched: best(batches), lone: alone }
  } finally {
    await cluster.stop()
  }
}

/** Datasyncs a second of a file that gets an envelope for each. */
async function fdatasyncRate(folder: string): Promise<number> {
  const file = await fileDisk(folder).open('limit', { create: true })
  const data = new Uint8Array(ENVELOPE_BYTES)
  const times: number[] = []
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const from = performance.now()
    await file.append([data])
    await file.datasync()
    times.push(performance.now() - from)
  }
  await file.close()
  return 1000 / percentile(times, 0.5)
}
