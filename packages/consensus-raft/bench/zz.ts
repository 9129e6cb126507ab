import { planCluster } from '../processes/cluster-plan.ts'
import { inProcess } from './in-process.ts'
import { closedLoop, envelopeMaker } from './load.ts'
const plan = await planCluster(3)
const c = await inProcess(plan, process.env.DIR ?? '/tmp/try-in')
const { make } = envelopeMaker(plan.client)
const f = (m: any) => `${m.rate.toFixed(0)}/s p50 ${m.p50.toFixed(2)} p99 ${m.p99.toFixed(2)}`
console.log('lone', f(await closedLoop(1, (i) => c.submit(i, [make()]), { milliseconds: 1500 })))
for (const n of [64, 1024, 1024]) { const cpu = process.cpuUsage(); const m = await closedLoop(n, (i) => c.submit(i, [make()]), { milliseconds: 3000, warmUp: 1000 }); const u = process.cpuUsage(cpu); console.log(n, f(m), 'cpu us/envelope', ((u.user + u.system) / m.rate / 4).toFixed(1)) }
await c.stop()
