import type { Registry } from 'prom-client'
import type { Counter, Gauge, Histogram, Labels, Metrics } from '../../ports/metrics.ts'

const nothing: Counter & Gauge & Histogram = { add() {}, set() {}, observe() {} }

/** Metrics that nobody reads. */
export const noMetrics: Metrics = { counter: () => nothing, gauge: () => nothing, histogram: () => nothing }

/** Metrics kept in memory, for tests: read them by name and labels. */
export class MemoryMetrics implements Metrics {
  readonly #values = new Map<string, number>()
  readonly #observed = new Map<string, number[]>()

  counter(name: string, _help: string, labels?: Labels): Counter {
    const key = instrumentKey(name, labels)
    return { add: (value = 1) => void this.#values.set(key, (this.#values.get(key) ?? 0) + value) }
  }

  gauge(name: string, _help: string, labels?: Labels): Gauge {
    const key = instrumentKey(name, labels)
    return { set: (value) => void this.#values.set(key, value) }
  }

  histogram(name: string, _help: string, labels?: Labels): Histogram {
    const key = instrumentKey(name, labels)
    return {
      observe: (value) => {
        const observed = this.#observed.get(key) ?? []
        // The newest thousand: a long test must not fill the memory.
        if (observed.length >= 1000) observed.shift()
        observed.push(value)
        this.#observed.set(key, observed)
      },
    }
  }

  /** Value of a counter or gauge; undefined when it was never touched. */
  value(name: string, labels?: Labels): number | undefined {
    return this.#values.get(instrumentKey(name, labels))
  }

  /** What a histogram observed last. */
  observed(name: string, labels?: Labels): readonly number[] {
    return this.#observed.get(instrumentKey(name, labels)) ?? []
  }
}

export interface PrometheusMetrics extends Metrics {
  /** The text that Prometheus scrapes. */
  text(): Promise<string>
  readonly contentType: string
}

/** Buckets for durations in seconds: from what a memory look-up takes to what an operator waits for. */
const BUCKETS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Metrics for Prometheus by prom-client; loads it when called. Instruments of one name must have the same label names.
 * `shared` labels are put on every instrument, `process` adds memory, CPU and event loop of the process.
 */
export async function prometheusMetrics(options: { shared?: Labels; process?: boolean } = {}): Promise<PrometheusMetrics> {
  const client = await import('prom-client')
  const { Counter, Gauge, Histogram } = client.default ?? client
  const registry: Registry = new (client.default ?? client).Registry()
  if (options.shared !== undefined) registry.setDefaultLabels(options.shared)
  if (options.process === true) (client.default ?? client).collectDefaultMetrics({ register: registry })
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  const settings = (name: string, help: string, labels: Labels = {}) => ({
    name,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
  })
  const cached = <T>(cache: Map<string, T>, name: string, labels: Labels | undefined, make: () => T): T => {
    const key = instrumentKey(name, labels)
    let instrument = cache.get(key)
    if (instrument === undefined) {
      instrument = make()
      cache.set(key, instrument)
    }
    return instrument
  }
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter: (name, help, labels) =>
      cached(counters, name, labels, () => {
        const known = registry.getSingleMetric(name) as InstanceType<typeof Counter> | undefined
        const child = (known ?? new Counter(settings(name, help, labels))).labels(labels ?? {})
        return { add: (value) => child.inc(value) }
      }),
    gauge: (name, help, labels) =>
      cached(gauges, name, labels, () => {
        const known = registry.getSingleMetric(name) as InstanceType<typeof Gauge> | undefined
        const child = (known ?? new Gauge(settings(name, help, labels))).labels(labels ?? {})
        return { set: (value) => child.set(value) }
      }),
    histogram: (name, help, labels, buckets) =>
      cached(histograms, name, labels, () => {
        const known = registry.getSingleMetric(name) as InstanceType<typeof Histogram> | undefined
        const all = { ...settings(name, help, labels), buckets: [...(buckets ?? BUCKETS)] }
        const child = (known ?? new Histogram(all)).labels(labels ?? {})
        return { observe: (value) => child.observe(value) }
      }),
  }
}

function instrumentKey(name: string, labels: Labels = {}): string {
  return JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}
