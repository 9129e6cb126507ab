// What `@heddle/core/model` publishes: Fabric's data, its codecs, and nothing that acts.

export { Block, type BlockHeader as BlockHeaderFields, blockDataHash } from './block.ts'
export { blockHeaderBytes } from './block-header.ts'
export { isCanonicalEnvelope, isWellFormedBlockEntry } from './canonical-envelope.ts'
export { ContentHasher, isContentNamespace } from './content-hash.ts'
export { ActionView, EndorserTransactionView } from './endorser-transaction-view.ts'
export { EnvelopeView } from './envelope-view.ts'
export {
  type Duty,
  type ErrorData,
  type ErrorEntry,
  type ErrorFamily,
  errorCatalogue,
  errorFamily,
  HeddleError,
} from './errors.ts'
export {
  encodeProposalResponsePayload,
  encodeTransactionPayload,
  encodeTxRwSet,
  type TransactionParts,
  type TxRwSetInput,
} from './hot-encoder.ts'
export { ApplicationPolicy } from './messages/application-policy.ts'
export {
  CDSData,
  ChaincodeAdditionalParams,
  ChaincodeData,
  ChaincodeDeploymentSpec,
  ChaincodeID,
  ChaincodeInput,
  ChaincodeInvocationSpec,
  ChaincodeSpec,
  ChaincodeSpecType,
  LifecycleEvent,
} from './messages/chaincode.ts'
export { ChaincodeEndorsementInfo, ChaincodeValidationInfo } from './messages/chaincode-definition.ts'
export { ChaincodeEvent } from './messages/chaincode-event.ts'
export {
  ChaincodeMessage,
  ChaincodeMessageType,
  DelState,
  GetHistoryForKey,
  GetQueryResult,
  GetState,
  GetStateByRange,
  GetStateMetadata,
  GetStateMultiple,
  GetStateMultipleResult,
  PurgePrivateState,
  PutState,
  PutStateMetadata,
  QueryMetadata,
  QueryResponse,
  QueryResponseMetadata,
  QueryResultBytes,
  QueryStateClose,
  QueryStateNext,
  StateMetadata,
  StateMetadataResult,
  WriteBatchState,
  WriteRecord,
  WriteRecordType,
} from './messages/chaincode-shim.ts'
export {
  CollectionConfig,
  CollectionConfigPackage,
  CollectionPolicyConfig,
  StaticCollectionConfig,
} from './messages/collection.ts'
export {
  BlockData,
  BlockHeader,
  BlockMessage,
  BlockMetadata,
  BlockMetadataIndex,
  ChannelHeader,
  Envelope,
  Header,
  HeaderType,
  IdentifierHeader,
  LastConfig,
  Metadata,
  MetadataSignature,
  OrdererBlockMetadata,
  Payload,
  SignatureHeader,
  Status,
} from './messages/common.ts'
export {
  Config,
  ConfigEnvelope,
  ConfigGroup,
  ConfigPolicy,
  ConfigSignature,
  ConfigUpdate,
  ConfigUpdateEnvelope,
  ConfigValue,
} from './messages/configtx.ts'
export {
  BlockDataHashingStructure,
  Capabilities,
  Capability,
  Consenter,
  Consortium,
  HashingAlgorithm,
  OrdererAddresses,
  Orderers,
} from './messages/configuration.ts'
export {
  EtcdRaftBlockMetadata,
  EtcdRaftClusterMetadata,
  EtcdRaftConfigMetadata,
  EtcdRaftConsenter,
  EtcdRaftOptions,
} from './messages/etcdraft.ts'
export {
  FilteredBlock,
  FilteredChaincodeAction,
  FilteredTransaction,
  FilteredTransactionActions,
  PeerDeliverResponse,
} from './messages/filtered-block.ts'
export {
  ChaincodeEventsRequest,
  ChaincodeEventsResponse,
  CommitStatusRequest,
  CommitStatusResponse,
  EndorseRequest,
  EndorseResponse,
  ErrorDetail,
  EvaluateRequest,
  EvaluateResponse,
  PreparedTransaction,
  ProposedTransaction,
  SignedChaincodeEventsRequest,
  SignedCommitStatusRequest,
  SubmitRequest,
  SubmitResponse,
} from './messages/gateway.ts'
export { SerializedIdemixIdentity, SerializedIdentity } from './messages/identities.ts'
export {
  KafkaMessage,
  KafkaMessageConnect,
  KafkaMessageRegular,
  KafkaMessageRegularClass,
  KafkaMessageTimeToCut,
  KafkaMetadata,
} from './messages/kafka.ts'
export {
  HashedRWSet,
  KVMetadataEntry,
  KVMetadataWrite,
  KVMetadataWriteHash,
  KVRead,
  KVReadHash,
  KVRWSet,
  KVWrite,
  KVWriteHash,
  QueryReads,
  QueryReadsMerkleSummary,
  RangeQueryInfo,
  Version,
} from './messages/kv-rwset.ts'
export { BlockchainInfo } from './messages/ledger.ts'
export {
  ApproveChaincodeDefinitionForMyOrgArgs,
  ApproveChaincodeDefinitionForMyOrgResult,
  ChaincodeSource,
  ChaincodeSourceLocal,
  ChaincodeSourceUnavailable,
  CheckCommitReadinessArgs,
  CheckCommitReadinessResult,
  CheckCommitReadinessResultMismatches,
  CommitChaincodeDefinitionArgs,
  CommitChaincodeDefinitionResult,
  GetInstalledChaincodePackageArgs,
  GetInstalledChaincodePackageResult,
  InstallChaincodeArgs,
  InstallChaincodeResult,
  InstalledChaincode,
  InstalledChaincodeReference,
  InstalledChaincodeReferences,
  QueryApprovedChaincodeDefinitionArgs,
  QueryApprovedChaincodeDefinitionResult,
  QueryApprovedChaincodeDefinitionsArgs,
  QueryApprovedChaincodeDefinitionsResult,
  QueryApprovedChaincodeDefinitionsResultDefinition,
  QueryChaincodeDefinitionArgs,
  QueryChaincodeDefinitionResult,
  QueryChaincodeDefinitionsArgs,
  QueryChaincodeDefinitionsResult,
  QueryChaincodeDefinitionsResultDefinition,
  QueryInstalledChaincodeArgs,
  QueryInstalledChaincodeResult,
  QueryInstalledChaincodeResultChaincode,
  QueryInstalledChaincodeResultReferences,
  QueryInstalledChaincodesArgs,
  QueryInstalledChaincodesResult,
} from './messages/lifecycle.ts'
export { LifecycleStateData, LifecycleStateMetadata } from './messages/lifecycle-db.ts'
export {
  FabricCryptoConfig,
  FabricMSPConfig,
  FabricNodeOUs,
  FabricOUIdentifier,
  IdemixMSPConfig,
  IdemixMSPSignerConfig,
  KeyInfo,
  MSPConfig,
  SigningIdentityInfo,
} from './messages/msp-config.ts'
export {
  CombinedPrincipal,
  MSPIdentityAnonymity,
  MSPIdentityAnonymityType,
  MSPPrincipal,
  MSPPrincipalClassification,
  MSPRole,
  MSPRoleType,
  OrganizationUnit,
} from './messages/msp-principal.ts'
export {
  BroadcastResponse,
  DeliverResponse,
  SeekBehavior,
  SeekContentType,
  SeekErrorResponse,
  SeekInfo,
  SeekNewest,
  SeekNextCommit,
  SeekOldest,
  SeekPosition,
  SeekSpecified,
} from './messages/orderer.ts'
export {
  BatchSize,
  BatchTimeout,
  ChannelRestrictions,
  ConsensusType,
  ConsensusTypeState,
  KafkaBrokers,
} from './messages/orderer-configuration.ts'
export { ACLs, AnchorPeer, AnchorPeers, APIResource } from './messages/peer-configuration.ts'
export {
  ImplicitMetaPolicy,
  ImplicitMetaPolicyRule,
  Policy,
  PolicyType,
  SignaturePolicy,
  SignaturePolicyEnvelope,
  SignaturePolicyNOutOf,
} from './messages/policies.ts'
export {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  SignedProposal,
} from './messages/proposal.ts'
export {
  ChaincodeCall,
  ChaincodeInterest,
  Endorsement,
  ProposalResponse,
  ProposalResponsePayload,
  Response,
} from './messages/proposal-response.ts'
export {
  ChaincodeInfo,
  ChaincodeQueryResponse,
  ChannelInfo,
  ChannelQueryResponse,
  JoinBySnapshotStatus,
} from './messages/query.ts'
export { KeyModification, KV } from './messages/query-result.ts'
export {
  CollectionHashedReadWriteSet,
  CollectionPvtReadWriteSet,
  NsPvtReadWriteSet,
  NsReadWriteSet,
  TxPvtReadWriteSet,
  TxReadWriteSet,
  TxReadWriteSetDataModel,
} from './messages/rwset.ts'
export { SmartBftOptions, SmartBftRotation } from './messages/smartbft.ts'
export {
  ChaincodeActionPayload,
  ChaincodeEndorsedAction,
  MetaDataKeys,
  ProcessedTransaction,
  Transaction,
  TransactionAction,
} from './messages/transaction.ts'
export { Any, Empty, RpcStatus, Timestamp } from './messages/well-known.ts'
export { proposalHash, withoutTransient } from './proposal-hash.ts'
export { DecodeError, EncodeError } from './protobuf/errors.ts'
export type { Field, FieldKind, Long } from './protobuf/field.ts'
export {
  bool,
  bytes,
  embed,
  embedLazy,
  enumeration,
  int32,
  int64,
  mapOf,
  oneof,
  repeated,
  string,
  uint32,
  uint64,
} from './protobuf/field.ts'
export { type DecodeLimits, defaultDecodeLimits } from './protobuf/limits.ts'
export { type Infer, type Input, type MessageType, message } from './protobuf/message.ts'
export { type CollectionRwSet, decodeTxRwSet, type NsRwSet, type TxRwSet } from './rwset-view.ts'
export { sha256, sha256Hex } from './sha256.ts'
export { transactionId } from './transaction-id.ts'
export { compareUtf8, utf8Bytes } from './utf8.ts'
export { TxValidationCode, type TxValidationCodeName, validationCodeName } from './validation-code.ts'
