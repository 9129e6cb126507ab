import { planCluster } from '../processes/cluster-plan.ts'
import { OrdererCluster } from '../processes/orderer-cluster.ts'
import { closedLoop, envelopeMaker } from './load.ts'

const plan = await planCluster(3)
const c = new OrdererCluster(plan, '/tmp/try-cluster')
await c.start()
console.log('leader', await c.leader())
const { make } = envelopeMaker(plan.client)
console.log('size', make().length)
const f = (m: any) => `${m.rate.toFixed(0)}/s p50 ${m.p50.toFixed(2)} p99 ${m.p99.toFixed(2)}`
const q = (process.argv[2] ?? 'lone,64,256,1024,b8,b32').split(',')
for (const x of q) {
  const t = setInterval(() => {}, 1000)
  try {
    if (x === 'lone')
      console.log(x, f(await closedLoop(1, (i) => c.submit(c.names[i % 3]!, 'port', [make()]), { milliseconds: 3000 })))
    else if (x.startsWith('b'))
      console.log(
        x,
        f(
          await closedLoop(Number(x.slice(1)), (i) => c.submit(c.names[i % 3]!, 'port', Array.from({ length: 128 }, make)), {
            milliseconds: 3000,
            items: 128,
          }),
        ),
      )
    else
      console.log(x, f(await closedLoop(Number(x), (i) => c.submit(c.names[i % 3]!, 'port', [make()]), { milliseconds: 3000 })))
  } catch (e) {
    console.log(x, String(e))
  }
  clearInterval(t)
  console.log(
    (
      await Promise.all(
        c.names.map(async (n) => {
          const s = await c.state(n).catch((e) => String(e))
          return typeof s === 'string' ? s : `${n} ${s.height} ${s.consensus.role} t${s.consensus.term}`
        }),
      )
    ).join(' | '),
  )
}
await c.stop()
