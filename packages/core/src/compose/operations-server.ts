import { createServer, type Server } from 'node:http'
import type { Metrics } from '../ports/metrics.ts'
import { NetworkError } from './errors.ts'
import type { NetworkStatus } from './network.ts'

/** Longest header block and shortest patience that a scraper needs: this is no place for large or slow requests. */
const MAX_HEADER_BYTES = 8 * 1024
const REQUEST_MILLISECONDS = 10_000

/** Metrics that can be scraped, as `prometheusMetrics` gives them. */
interface Scrapable {
  text(): Promise<string>
  readonly contentType: string
}

/** A running HTTP server for operators: /metrics, /healthz, /readyz. */
export interface OperationsServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Serves metrics and health. `/healthz` is 200 while no channel has halted; `/readyz` is 200 when besides every node runs. Both answer
 * with the reasons as JSON.
 *
 * @throws NetworkError NETWORK_PORT_UNAVAILABLE
 */
export async function serveOperations(
  { port, host }: { readonly port: number; readonly host: string },
  metrics: Metrics,
  status: () => NetworkStatus,
): Promise<OperationsServer> {
  const answer = async (method: string | undefined, path: string | undefined): Promise<Answer> => {
    if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET' })
    if (path === '/healthz' || path === '/readyz') {
      const problems = problemsOf(status(), path === '/readyz')
      return json(problems.length === 0 ? 200 : 503, { status: problems.length === 0 ? 'ok' : 'failing', problems })
    }
    if (path !== '/metrics') return json(404, { error: 'there are /metrics, /healthz and /readyz' })
    if (!isScrapable(metrics)) return json(404, { error: 'the metrics of this network are kept elsewhere' })
    return { code: 200, type: metrics.contentType, body: await metrics.text() }
  }
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_MILLISECONDS }, (request, response) => {
    answer(request.method, request.url?.split('?', 1)[0])
      .catch((error: unknown) => json(500, { error: String(error) }))
      .then(({ code, type, body }) => response.writeHead(code, { 'content-type': type }).end(body))
  })
  await listen(server, port, host)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  readonly code: number
  readonly type: string
  readonly body: string
}

function json(code: number, value: unknown): Answer {
  return { code, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new NetworkError(
          'NETWORK_PORT_UNAVAILABLE',
          `cannot listen on ${host}:${port}: ${cause.message}`,
          { host, port },
          { cause },
        ),
      ),
    )
    server.listen(port, host, () => resolve())
    // Health alone keeps no process alive.
    server.unref()
  })
}

function problemsOf({ peers, orderers }: NetworkStatus, all: boolean): string[] {
  const problems: string[] = []
  for (const node of [...peers, ...orderers]) {
    if (all && !node.running) problems.push(`${node.name} is not running`)
    for (const { channel, halted } of node.channels)
      if (halted !== undefined) problems.push(`channel ${channel} halted at ${node.name}: ${halted.message}`)
  }
  return problems
}

function isScrapable(metrics: Metrics): metrics is Metrics & Scrapable {
  return typeof (metrics as Partial<Scrapable>).text === 'function'
}
