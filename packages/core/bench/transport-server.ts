// The other side of the transport benchmark, in a process of its own: a node `b` on the TCP transport, and a bare node:tls server.
import { once } from 'node:events'
import process from 'node:process'
import tls from 'node:tls'
import { BenchNetwork } from './transport-network.ts'

process.once('message', async (message: BenchNetwork['record']) => {
  const network = new BenchNetwork(message)
  const b = network.transport('b', { host: '127.0.0.1', port: 0 })
  let count = 0
  b.onMessage('count', 'c', () => {
    count++
  })
  b.onRequest('count', 'c', async () => Buffer.from(String(count)))
  b.onRequest('echo', 'c', async (_from, bytes) => bytes)
  const item = new Uint8Array(1 << 20)
  b.onStream('bulk', 'c', async function* (_from, wanted) {
    for (let i = 0; i < Number(Buffer.from(wanted).toString()); i++) yield item
  })
  await b.start()

  // Bare TLS: the first byte says what to do.
  const { certificates: cert, privateKey: key } = network.credentials('b')
  const bare = tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
    socket.setNoDelay(true)
    let mode: number | undefined
    let seen = 0
    let answered = 0
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      let rest = data
      if (mode === undefined) {
        mode = data[0]!
        rest = data.subarray(1)
        if (mode === BULK) {
          const chunk = Buffer.alloc(64 << 10)
          const send = (): void => {
            while (!socket.destroyed && socket.write(chunk));
          }
          socket.on('drain', send)
          send()
        }
      }
      seen += rest.length
      if (mode === ECHO && rest.length > 0) socket.write(rest)
      // A byte for each megabyte that came.
      if (mode === COUNT) for (; answered < Math.floor(seen / ACKNOWLEDGED); answered++) socket.write(Buffer.of(1))
    })
  })
  bare.listen(0, '127.0.0.1')
  await once(bare, 'listening')
  process.send!({ port: b.endpoint!.port, bare: (bare.address() as { port: number }).port })
})

const ECHO = 0
const COUNT = 1
const BULK = 2
const ACKNOWLEDGED = 256_000
