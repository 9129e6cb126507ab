import type { Block } from '../model/block.ts'
import type { EnvelopeView } from '../model/envelope-view.ts'
import type { Environment } from './environment.ts'
import type { Lifecycle } from './lifecycle.ts'

/** An envelope was durably ordered. */
export interface Ordered {
  readonly blockNumber: number
}

/** What an ordering plugin needs to know of a channel's configuration. Decoded once per configuration, immutable. */
export interface OrderingConfig {
  readonly sequence: number
  readonly consensusType: string
  /** Metadata bytes of the ConsensusType message, in the plugin's own format. */
  readonly consensusMetadata: Uint8Array
  readonly maintenance: boolean
  readonly batchSize: { readonly maxMessageCount: number; readonly absoluteMaxBytes: number; readonly preferredMaxBytes: number }
  /** Milliseconds. */
  readonly batchTimeout: number
}

/** An envelope that passed the ingress filters under a configuration sequence. */
export interface Submission {
  readonly envelope: EnvelopeView
  /** Payload plus signature, bytes: what batch limits count. */
  readonly size: number
  readonly configSequence: number
}

/** A config update that was checked and applied by the host: the next configuration, and the CONFIG envelope that carries it. */
export interface ConfigSubmission extends Submission {
  readonly next: OrderingConfig
}

/** Envelopes that form a block. A config envelope stands alone. */
export interface Batch {
  /** Views where the plugin has them (solo, a leader): the block then carries them on, and nobody in this process parses again. */
  readonly envelopes: readonly (Uint8Array | EnvelopeView)[]
  /** Present when the only envelope is a config envelope. */
  readonly isConfig: boolean
}

/** The end of the chain, as a plugin resumes from it. */
export interface Tip {
  /** Number of the last block. */
  readonly number: number
  readonly headerHash: Uint8Array
  readonly lastConfig: number
  /** OrdererBlockMetadata.consenter_metadata of the last block; empty after genesis. */
  readonly consenterMetadata: Uint8Array
}

/**
 * Collects envelopes, as items of the plugin's own kind, and says when a batch is full. Pure: time is the caller's.
 * Items are cut in the order in which they came.
 */
export interface BlockCutter<T> {
  /** Items waiting. */
  readonly pending: number
  readonly pendingBytes: number
  /** The item that has waited longest. */
  readonly oldest: T | undefined
  /**
   * Takes an item of `size` bytes (payload plus signature of its envelope) and returns the batches that are full now: none, one or two,
   * in order. Whether the item itself still waits, `pending` says: 0 when it stands in the last of these batches.
   */
  ordered(item: T, size: number): readonly (readonly T[])[]
  /** Takes what waits; empty when nothing does. */
  cut(): readonly T[]
}

/** A decision of consensus, handed to the host for block assembly. */
export interface Decision {
  readonly batch: Batch
  /** Stored in the block's signed OrdererBlockMetadata; comes back in `tip` after a restart. */
  readonly consenterMetadata: Uint8Array
  /** Number that the block must get; decisions at or below the tip are ignored (idempotence). Default: the next. */
  readonly number?: number
  /** Block signatures gathered by a byzantine plugin; without them the host signs its own copy. */
  readonly signatures?: readonly { readonly signatureHeader: Uint8Array; readonly signature: Uint8Array }[]
}

/** What became of a decision. */
export interface Decided {
  readonly number: number
  /** Undefined when the chain already held a block of this number: nothing was done. */
  readonly block: Block | undefined
  /** Resolves when the block is on stable storage; rejects when the node must stop. A rejection need not be handled. */
  readonly durable: Promise<void>
}

/** What is under way at this node: a plugin that adapts its batches looks at it. */
export interface OrderingLoad {
  /** Envelopes that still pass the ingress filters. */
  readonly ingress: number
  /** Envelopes of which the outcome is open, those in `ingress` included. */
  readonly inFlight: number
  /** Blocks that were decided and are not yet durable. */
  readonly blocks: number
}

/** One channel of an ordering node: what core lends to the plugin. */
export interface ChannelHost {
  readonly channel: string
  /** Name of this node. */
  readonly node: string
  /** SerializedIdentity of this node. */
  readonly identity: Uint8Array
  readonly config: OrderingConfig
  readonly tip: Tip
  readonly load: OrderingLoad
  /** A fresh cutter; it follows the batch limits of the current configuration. */
  cutter<T>(): BlockCutter<T>
  /**
   * Runs the ingress filters again when the configuration advanced since `configSequence`; gives the submission under the current one.
   * Throws OrderError: tell the submitter, do not order it.
   */
  recheck(submission: Submission): Promise<Submission>
  /** Checks a config envelope again under the current configuration and gives the next one. Throws OrderError. */
  recheckConfig(submission: Submission): Promise<ConfigSubmission>
  /** Header of the block that a batch would make after a parent. Pure. */
  header(
    parent: { readonly number: number; readonly headerHash: Uint8Array },
    batch: Batch,
  ): { readonly number: number; readonly previousHash: Uint8Array; readonly dataHash: Uint8Array }
  /** For byzantine plugins: checks a proposed batch as ingress would. */
  verify(batch: Batch): Promise<void>
  /** For byzantine plugins: signs header and metadata as a block signature of this node. */
  sign(
    header: Uint8Array,
    metadata: Uint8Array,
  ): Promise<{ readonly signatureHeader: Uint8Array; readonly signature: Uint8Array }>
  /** Makes, signs and stores the next block. Calls must come in order; several may be in flight. A config batch takes effect before this returns. */
  decide(decision: Decision): Decided
  /**
   * Takes blocks `from`..`to` from other orderers of the channel, verifies and stores them, and calls `adopted` with each new durable tip.
   * Throws ORDER_CATCH_UP_FAILED when nobody could give them all.
   */
  pull(from: number, to: number, signal: AbortSignal): Promise<void>
  /** Sends to the same channel of another orderer; may be lost. */
  send(to: string, message: Uint8Array): void
  /** Names of the channel's orderers, this one included. */
  readonly members: readonly string[]
  /** SerializedIdentity by which another orderer proves itself, where it is known before that orderer has been heard of. */
  identityOf(member: string): Uint8Array | undefined
  /** Hash of the genesis block's header: tells this chain from another one of the same name. */
  readonly genesisHash: Uint8Array
  /** What the channel began with. */
  readonly genesisConfig: OrderingConfig
  readonly environment: Environment
  /** Ends the channel on this node with a reason; for broken invariants and failed disks. */
  halt(reason: Error): void
}

/** Ordering of one channel on one node. */
export interface OrderingService extends Lifecycle {
  /**
   * Resolves when the envelope is durably ordered under the plugin's declared guarantee and its block is durable here. Rejects with
   * OrderError whose duty says: `retry` (not ordered), `ask-status` (outcome unknown), `fix-input` (never).
   * `signal` aborts when nobody waits any more: the plugin may then drop an envelope that consensus has not seen; the caller has its answer.
   */
  submit(submission: Submission, signal?: AbortSignal): Promise<Ordered>
  /** One config envelope in flight at a time; the host waits for it before it checks the next. */
  configure(submission: ConfigSubmission, signal?: AbortSignal): Promise<Ordered>
  /** Traffic of the ordering cluster; `identity` is the SerializedIdentity that the connection proved. Must not throw. */
  receive(from: string, message: Uint8Array, identity: Uint8Array): void
  /** The host took a block from others: move on from this tip. Its durability is under way, as after `decide`. */
  adopted(tip: Tip, block: Block, durable: Promise<void>): void
  status(): Readonly<Record<string, unknown>>
  /** Rejects when the service can no longer serve. */
  readonly failed: Promise<never>
}

/** An ordering plugin on one node, shared by its channels. */
export interface Consenter extends Lifecycle {
  join(channel: ChannelHost): OrderingService
  /** Throws OrderError when the step from one metadata to the next is unsafe (more than one consenter changed, ...). */
  validateMetadata(previous: OrderingConfig | undefined, next: OrderingConfig): void
  /** Whether this node takes part in ordering under a configuration. */
  isConsenter(config: OrderingConfig, identity: Uint8Array): boolean
}

/** What an ordering plugin declares, checked before its code runs. */
export interface OrderingCapabilities {
  /** Its name on the ledger, as ConsensusType.type; default: the plugin's name. Fabric knows `solo`, `kafka`, `etcdraft` and `BFT`. */
  readonly consensusType?: string
  readonly faultModel: 'none' | 'crash' | 'byzantine'
  /** Runs on virtual time and network in the deterministic simulator. */
  readonly simulable: boolean
  /** Fewest and most ordering nodes; `max` absent means no limit. */
  readonly nodes: { readonly min: number; readonly max?: number }
}
