/** What tells instruments of one name apart. */
export type Labels = Readonly<Record<string, string>>

/** A number that only grows. */
export interface Counter {
  add(value?: number): void
}
/** A number that goes up and down. */
export interface Gauge {
  set(value: number): void
}
/** How often values fell into which range. */
export interface Histogram {
  /** Durations in seconds, sizes in bytes, as Prometheus wants them. */
  observe(value: number): void
}

/** Where a node counts. Asking twice for the same name and labels gives the same instrument. */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter
  gauge(name: string, help: string, labels?: Labels): Gauge
  histogram(name: string, help: string, labels?: Labels, buckets?: readonly number[]): Histogram
}
