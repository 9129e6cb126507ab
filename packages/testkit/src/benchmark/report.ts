import { arch, cpus, platform, totalmem } from 'node:os'
import process from 'node:process'

/** What one transaction cost, where the benchmark counts it; null where it does not apply. */
export interface PerTransaction {
  readonly signatures: number | null
  readonly verifications: number | null
  readonly fsyncs: number | null
  readonly bytes: number | null
}

/** One measured figure, with the reference that was measured in the same run. */
export interface BenchmarkRow {
  /** `throughput`, `p50`, `p99`, `peak-memory`, ...; a variant has a suffix (`throughput-in-process`). */
  readonly metric: string
  readonly unit: string
  readonly value: number
  /** What the value is compared with; null where there is nothing to compare with. */
  readonly reference: string | null
  readonly referenceValue: number | null
  /** value / referenceValue. */
  readonly ratio: number | null
  readonly perTransaction: PerTransaction | null
}

/** What `--json` prints: one object. */
export interface BenchmarkReport {
  readonly bench: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGiB: number
    readonly platform: string
    readonly node: string
  }
  readonly rows: readonly BenchmarkRow[]
}

/** Makes a row; the ratio follows from the reference. */
export function row(
  metric: string,
  unit: string,
  value: number,
  reference?: { readonly name: string; readonly value: number },
  perTransaction?: Partial<PerTransaction>,
): BenchmarkRow {
  return {
    metric,
    unit,
    value: rounded(value),
    reference: reference?.name ?? null,
    referenceValue: reference === undefined ? null : rounded(reference.value),
    ratio: reference === undefined || reference.value === 0 ? null : rounded(value / reference.value),
    perTransaction:
      perTransaction === undefined
        ? null
        : {
            signatures: perTransaction.signatures ?? null,
            verifications: perTransaction.verifications ?? null,
            fsyncs: perTransaction.fsyncs ?? null,
            bytes: perTransaction.bytes ?? null,
          },
  }
}

/** Four significant digits: more would pretend a precision that a shared machine does not have. */
const rounded = (value: number): number => Number(value.toPrecision(4))

/** Runs a benchmark and prints its report: a table for people, with `--json` one object on standard output. */
export async function runBenchmark(
  bench: string,
  measure: (say: (line: string) => void) => Promise<readonly BenchmarkRow[]>,
): Promise<void> {
  const json = process.argv.includes('--json')
  const say = (line: string): void => void process.stderr.write(`${bench}: ${line}\n`)
  const rows = await measure(say)
  const report: BenchmarkReport = {
    bench,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${platform()}-${arch()}`,
      node: process.versions.node,
    },
    rows,
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`)
    return
  }
  const lines = rows.map((each) => [
    each.metric,
    `${each.value} ${each.unit}`,
    each.reference === null ? '' : `${each.referenceValue} ${each.unit} ${each.reference}`,
    each.ratio === null ? '' : `× ${each.ratio}`,
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const line of lines)
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
}

/** The value below which a share of the samples lies (nearest rank). Sorts a copy. */
export function percentile(samples: Float64Array | readonly number[], share: number): number {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
