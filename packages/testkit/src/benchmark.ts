// What `@heddle/testkit/benchmark` publishes: reports of benchmarks, and the reference that signature work is measured against.

export { type CryptoCeiling, measureCryptoCeiling } from './benchmark/crypto-ceiling.ts'
export {
  type BenchmarkReport,
  type BenchmarkRow,
  type PerTransaction,
  percentile,
  row,
  runBenchmark,
} from './benchmark/report.ts'
