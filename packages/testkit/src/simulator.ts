// What `@heddle/testkit/simulator` publishes: a deterministic simulator for ordering plugins.

export type { AgreedBlock, Violation } from './simulator/chain-checker.ts'
export type { EnvelopeRecord } from './simulator/clients.ts'
export { Draw } from './simulator/draw.ts'
export { type FailoverOptions, measureFailovers } from './simulator/failover.ts'
export { concentrate, type Fault, type FaultKind, type Plan, type PlanLimits } from './simulator/plan.ts'
export { type Shrunk, shrink } from './simulator/shrink.ts'
export type { MessageProbe } from './simulator/sim-network.ts'
export type { SimNode } from './simulator/sim-node.ts'
export { type Outcome, planOf, simulate } from './simulator/simulate.ts'
export {
  isOwnSimulation,
  type Mutant,
  type OrderingSubject,
  type OwnSimulation,
  type Prepared,
  type Subject,
} from './simulator/subject.ts'
export type { World } from './simulator/world.ts'
