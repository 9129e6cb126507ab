// What `@heddle/core` publishes: composing a network, writing chaincode, and being a client.

export { CertificateAuthority } from './adapters/ca/certificate-authority.ts'
export { mspConfig, serializeIdentity } from './adapters/ca/msp-definition.ts'
export { readMspFolder, writeMspFolder } from './adapters/ca/msp-folder.ts'
export { type Chaincode, type ChaincodeFunction, defineChaincode } from './adapters/chaincode-stub/chaincode.ts'
export { ChaincodeStub } from './adapters/chaincode-stub/chaincode-stub.ts'
export { KeyEndorsementPolicy } from './adapters/chaincode-stub/key-endorsement-policy.ts'
export { type ManualClock, manualClock, systemClock } from './adapters/environment/clock.ts'
export { MemoryMetrics, noMetrics, prometheusMetrics } from './adapters/environment/metrics.ts'
export { pinoLogger } from './adapters/environment/pino-logger.ts'
export { seededRandom, systemRandom } from './adapters/environment/random.ts'
export { silentLogger } from './adapters/environment/silent-logger.ts'
export { BlockRefused } from './channel/block/errors.ts'
export type { ChannelConfig } from './channel/config/channel-config.ts'
export { ChannelError, ConfigUpdateError, PolicyError } from './channel/errors.ts'
export { parseSignaturePolicy, signaturePolicyToString } from './channel/policy/policy-text.ts'
/** Changes to a decoded channel configuration, for `channel.update`. */
export * as configEdits from './channel/update/edit-config.ts'
export { ChannelClient, type EventOptions } from './client/channel-client.ts'
export { type Checkpoint, type Checkpointer, fileCheckpointer, inMemoryCheckpointer } from './client/checkpointer.ts'
export { Commit, type CommitStatus } from './client/commit.ts'
export type {
  ChaincodeEvent,
  CommitOutcome,
  Conflict,
  EventPosition,
  EventsCall,
  GatewayConnection,
  PreparedTransaction,
  ProposalCall,
  StatusCall,
  SubmitCall,
} from './client/connection.ts'
export { Contract, SubmittedTransaction } from './client/contract.ts'
export {
  CommitError,
  CommitStatusError,
  EndorseError,
  type ErrorDetail,
  EvaluateError,
  EventsError,
  GatewayError,
  SubmitError,
} from './client/errors.ts'
export { connect, Gateway } from './client/gateway.ts'
export type { CallArguments, CallOptions, ClientIdentity, GatewayOptions, StepTimeouts } from './client/options.ts'
export { Proposal } from './client/proposal.ts'
export { Transaction } from './client/transaction.ts'
export { NetworkChannel, type UpdateOptions } from './compose/channel-handle.ts'
export {
  type CodeOptions,
  createNetwork,
  createNetworkFromFile,
  type NetworkOptions,
  prepareNetwork,
  startNetwork,
} from './compose/create-network.ts'
export { NetworkError, PluginError } from './compose/errors.ts'
export type { MemberOptions } from './compose/identities.ts'
export { type LoadedPlugin, loadPlugin } from './compose/load-plugin.ts'
export { Network, type NetworkSnapshot, type NetworkStatus } from './compose/network.ts'
export { type NodeStatus, Orderer, type OrdererStatus, Peer, type PeerStatus } from './compose/node-handles.ts'
export { Organization, type UserIdentity } from './compose/organization-handle.ts'
export type { ChannelScope, NodeScope, Overrides } from './compose/overrides.ts'
export { DEFAULTS } from './config/defaults.ts'
export type {
  BatchDefinition,
  ChaincodeDefinition,
  ChannelDefinition,
  NetworkConfig,
  NetworkDefinition,
  OrdererDefinition,
  OrganizationDefinition,
  PluginChoice,
} from './config/definition.ts'
export { editorSchema, type SchemaPlugin } from './config/editor-schema.ts'
export { ConfigError } from './config/errors.ts'
export { loadConfigFile } from './config/load-file.ts'
export { EndorserError } from './flow/endorse/errors.ts'
export { OrderError } from './flow/order/errors.ts'
export { ValidationHalted } from './flow/validate/errors.ts'
export type { DependencyContainer } from './injection.ts'
export { Block } from './model/block.ts'
export { EnvelopeView } from './model/envelope-view.ts'
export { type Duty, type ErrorData, type ErrorEntry, errorCatalogue, HeddleError } from './model/errors.ts'
export { TxValidationCode, validationCodeName } from './model/validation-code.ts'
export { NodeError } from './node/errors.ts'
export type { OrdererServices } from './node/services/orderer-services.ts'
export type { PeerServices, ReadResource } from './node/services/peer-services.ts'
export { Cancellation } from './ports/cancellation.ts'
export { ChaincodeError } from './ports/chaincode-errors.ts'
export type { Signer } from './ports/identity.ts'
export { definePlugin, PLUGIN_API, type Plugin, type PluginContext, type PluginKind } from './ports/plugin.ts'
export { type Token, Tokens } from './ports/tokens.ts'
export type { Difference, DifferenceKind, VerifyReport } from './verify/report.ts'
export { verifyFolder } from './verify/verify-folder.ts'
