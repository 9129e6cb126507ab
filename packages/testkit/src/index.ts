// What `@heddle/testkit` publishes: conformance suites for the ports, and what tests of plugins build on.

export { type BlockStoreSubject, type BlockStoreSuite, blockStoreConformance } from './block-store-conformance/suite.ts'
export {
  type ChaincodeRuntimeSubject,
  type ChaincodeRuntimeSuite,
  chaincodeRuntimeConformance,
} from './chaincode-runtime-conformance/suite.ts'
export {
  type SignaturePoolSubject,
  type SignaturePoolSuite,
  signaturePoolConformance,
} from './crypto-conformance/signature-pool.ts'
export { type CryptoSuite, cryptoConformance } from './crypto-conformance/suite.ts'
export { type FaultyDisk, type FaultyDiskOptions, type FaultyOperation, faultyDisk } from './disk/faulty-disk.ts'
export { type WriteBehindOptions, writeBehindDisk } from './disk/write-behind-disk.ts'
export { type DiskSubject, type DiskSuite, diskConformance } from './disk-conformance/suite.ts'
export {
  type DisseminationSubject,
  type DisseminationSuite,
  disseminationConformance,
} from './dissemination-conformance/suite.ts'
export {
  type IdentitySubject,
  type IdentitySuite,
  identityConformance,
  type RefusedIdentity,
  type TestMember,
  type TestOrganization,
} from './identity-conformance/suite.ts'
export { type MemoryLogFaults, MemoryLogs } from './ordered-log-conformance/memory-log.ts'
export { type OrderedLogSubject, type OrderedLogSuite, orderedLogConformance } from './ordered-log-conformance/suite.ts'
export { keyedHashMsp, keyedHashProvider, keyedHashSigner } from './ordering-conformance/keyed-hash-identity.ts'
export { plainEnvelope, textsOf } from './ordering-conformance/plain-envelope.ts'
export { type OrderingSuite, orderingConformance } from './ordering-conformance/suite.ts'
export { turn, until, within } from './patience.ts'
export { type StateDbSubject, type StateDbSuite, stateDbConformance } from './state-db-conformance/suite.ts'
export type { Skip, TestApi } from './test-api.ts'
export { type TransportSubject, type TransportSuite, transportConformance } from './transport-conformance/suite.ts'
