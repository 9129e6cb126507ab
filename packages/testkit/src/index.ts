// What `@heddle/testkit` publishes: conformance suites for the ports, and what tests of plugins build on.

export { type MemoryLogFaults, MemoryLogs } from './ordered-log-conformance/memory-log.ts'
export { type OrderedLogSubject, type OrderedLogSuite, orderedLogConformance } from './ordered-log-conformance/suite.ts'
export { type OrderingSuite, orderingConformance } from './ordering-conformance/suite.ts'
export type { Skip, TestApi } from './test-api.ts'
