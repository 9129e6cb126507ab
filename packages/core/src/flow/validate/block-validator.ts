import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import { HeddleError } from '../../model/errors.ts'
import type { NsRwSet, TxRwSet } from '../../model/rwset-view.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { Identity, IdentityProvider, Membership } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { StateReader } from '../../ports/state-db.ts'
import type { ChaincodeDefinition } from '../lifecycle/definitions.ts'
import { BlockState } from './block-state.ts'
import { type ChaincodePolicies, EndorsementPolicies, isLifecycle } from './chaincode-policies.ts'
import { writeChannelConfig } from './config-state.ts'
import { DefinitionCache } from './definition-cache.ts'
import { isEndorsed, PolicyChanges } from './endorsement.ts'
import { ValidationHalted } from './errors.ts'
import { type Conflict, findConflict } from './mvcc.ts'
import type { OwnSignatures } from './own-signatures.ts'
import { SignatureChecks, type SignatureSlots, type SignatureVerdicts } from './signature-checks.ts'
import { type EndorsedTransaction, examine, type Structure } from './transaction-structure.ts'
import { UpdateBatch } from './update-batch.ts'
import { ValidatedBlock } from './validated-block.ts'
import { applyWrites } from './write-rules.ts'

/** A block whose transactions were decoded and whose signatures are being checked. */
export interface PreparedBlock {
  readonly block: Block
  readonly structures: readonly Structure[]
  readonly signatures: readonly SignatureSlots[]
  readonly verdicts: Promise<SignatureVerdicts>
}

/** Checks a config transaction under the configuration before it, and gives the next one. Throws a HeddleError when it must not apply. */
export type ConfigCheck = (current: ChannelConfig, view: Structure['view']) => Awaitable<ChannelConfig>

/** The ledger before the block: what validation is relative to. */
export interface ValidationContext {
  /** The configuration in force. */
  readonly config: ChannelConfig
  /** The state after the previous block. */
  readonly state: StateReader
  /** Which of these transaction ids the chain holds before this block. */
  knownTransactions(txIds: readonly string[]): Awaitable<ReadonlySet<string>>
}

/** The only validation plugin: endorsement policies, as in Fabric. */
const BUILT_IN_PLUGIN = 'vscc'
const Code = TxValidationCode

/**
 * Validates the blocks of one channel on one node, in order. Given equal blocks and an equal state, every node comes to the same
 * flags and updates.
 *
 * The order of the rules is Fabric's: structure and creator; duplicate in the ledger; what the endorsers signed; endorsement policies;
 * duplicate inside the block; then, transaction by transaction, what was read.
 *
 * No transaction, however malformed, makes validation throw. When the node itself fails, ValidationHalted is thrown and nothing is
 * marked invalid.
 */
export class BlockValidator {
  private readonly channel: string
  private readonly provider: IdentityProvider
  private readonly checkConfig: ConfigCheck
  private readonly own: OwnSignatures | undefined
  private readonly definitions = new DefinitionCache()
  private policies: { readonly config: ChannelConfig; readonly endorsement: EndorsementPolicies } | undefined

  constructor(parts: {
    channel: string
    provider: IdentityProvider
    checkConfig: ConfigCheck
    /** What this node signed itself; without it everything is verified. */
    own?: OwnSignatures | undefined
  }) {
    this.channel = parts.channel
    this.provider = parts.provider
    this.checkConfig = parts.checkConfig
    this.own = parts.own
  }

  /** Decodes the transactions and starts the check of all signatures. May run ahead of the previous block's commit. */
  prepare(block: Block): PreparedBlock {
    const structures: Structure[] = new Array(block.data.length)
    const signatures: SignatureSlots[] = new Array(block.data.length)
    const checks = new SignatureChecks(this.provider, this.own)
    for (let i = 0; i < structures.length; i++) {
      const structure = examine(block.envelope(i))
      structures[i] = structure
      signatures[i] = checks.add(structure)
    }
    return { block, structures, signatures, verdicts: checks.start() }
  }

  /**
   * Judges a prepared block. The previous block must be committed to `context.state`.
   *
   * @throws ValidationHalted
   */
  async validate(prepared: PreparedBlock, context: ValidationContext): Promise<ValidatedBlock> {
    const verdicts = await prepared.verdicts
    try {
      const round = new Round(prepared, verdicts, context, this.channel, this.policiesOf(context.config))
      const validated = await round.run(this.definitions, this.checkConfig)
      this.definitions.committing(validated.updates)
      return validated
    } catch (error) {
      if (error instanceof ValidationHalted) throw error
      const { number } = prepared.block
      const message = `block ${number} could not be validated: ${error instanceof Error ? error.message : String(error)}`
      throw new ValidationHalted('VALIDATION_STATE_UNAVAILABLE', message, { block: number }, { cause: error })
    }
  }

  private policiesOf(config: ChannelConfig): EndorsementPolicies {
    if (this.policies?.config !== config) this.policies = { config, endorsement: new EndorsementPolicies(config) }
    return this.policies.endorsement
  }
}

/** The validation of one block. */
class Round {
  private readonly prepared: PreparedBlock
  private readonly verdicts: SignatureVerdicts
  private readonly context: ValidationContext
  private readonly channel: string
  private readonly policies: EndorsementPolicies
  private readonly flags: Uint8Array
  private readonly updates = new UpdateBatch()
  private readonly conflicts = new Map<number, Conflict>()

  constructor(
    prepared: PreparedBlock,
    verdicts: SignatureVerdicts,
    context: ValidationContext,
    channel: string,
    policies: EndorsementPolicies,
  ) {
    this.prepared = prepared
    this.verdicts = verdicts
    this.context = context
    this.channel = channel
    this.policies = policies
    this.flags = new Uint8Array(prepared.structures.length).fill(Code.NOT_VALIDATED)
  }

  async run(definitions: DefinitionCache, checkConfig: ConfigCheck): Promise<ValidatedBlock> {
    const { block, structures } = this.prepared
    const candidates = this.checkCreators()
    await this.checkLedger(candidates)
    const nextConfig = await this.checkConfigs(checkConfig)
    const state = await BlockState.load(this.context.state, rwsetsOf(candidates), 'all')
    await this.checkEndorsements(candidates, state, definitions)
    this.checkDuplicates(candidates)
    await this.checkReads(state)
    const { flags, updates, conflicts } = this
    return new ValidatedBlock({ block, flags, updates, nextConfig, conflicts, structures })
  }

  /** Structure and creator of each transaction; gives the endorser transactions that passed. */
  private checkCreators(): Candidate[] {
    const { structures, signatures } = this.prepared
    const candidates: Candidate[] = []
    for (let i = 0; i < structures.length; i++) {
      const { header, body, endorsed } = structures[i]!
      const code = header ?? (this.isCreatedBy(i) ? body : Code.BAD_CREATOR_SIGNATURE)
      if (code !== undefined) this.flags[i] = code
      else if (endorsed !== undefined) candidates.push({ index: i, endorsed, slots: signatures[i]!.endorsements })
    }
    return candidates
  }

  private isCreatedBy(index: number): boolean {
    const { view } = this.prepared.structures[index]!
    // Fabric looks for the creator among the members of the channel that the header names, and finds nobody.
    if (view.channelId !== this.channel || !this.verdicts.holds(this.prepared.signatures[index]!.creator)) return false
    return memberOf(this.context.config.membership, view.creator) !== undefined
  }

  private async checkLedger(candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return
    const found = this.context.knownTransactions(candidates.map(({ endorsed }) => endorsed.txId))
    const known = found instanceof Promise ? await found : found
    for (const { index, endorsed } of candidates) {
      if (known.has(endorsed.txId)) this.flags[index] = Code.DUPLICATE_TXID
      else if (endorsed.results !== undefined) this.flags[index] = endorsed.results
    }
  }

  private async checkConfigs(checkConfig: ConfigCheck): Promise<ChannelConfig | undefined> {
    const { structures } = this.prepared
    let next: ChannelConfig | undefined
    for (let i = 0; i < structures.length; i++) {
      const { isConfig, view } = structures[i]!
      if (!isConfig || this.flags[i] !== Code.NOT_VALIDATED) continue
      try {
        next = await checkConfig(next ?? this.context.config, view)
        this.flags[i] = Code.VALID
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error
        this.flags[i] = Code.INVALID_CONFIG_TRANSACTION
      }
    }
    return next
  }

  private async checkEndorsements(
    candidates: readonly Candidate[],
    state: BlockState,
    definitions: DefinitionCache,
  ): Promise<void> {
    const open = candidates.filter(({ index }) => this.flags[index] === Code.NOT_VALIDATED)
    const names = new Set<string>()
    for (const { endorsed } of open) for (const name of endorsed.written) if (!isLifecycle(name)) names.add(name)
    const known = await definitions.load(this.context.state, names)
    const changes = new PolicyChanges()
    for (const candidate of open) this.flags[candidate.index] = this.endorsementCode(candidate, known, state, changes)
  }

  private endorsementCode(
    { endorsed, slots }: Candidate,
    definitions: ReadonlyMap<string, ChaincodeDefinition>,
    state: BlockState,
    changes: PolicyChanges,
  ): TxValidationCode {
    const endorsers = this.endorsers(endorsed, slots)
    for (const name of endorsed.written) {
      const policies = this.policiesOf(name, definitions)
      if (policies === undefined) return Code.INVALID_CHAINCODE
      const rwset = namespaceOf(endorsed.rwset, name)
      if (!isEndorsed(endorsers, rwset, policies, this.policies, state, changes)) return Code.ENDORSEMENT_POLICY_FAILURE
      if (rwset !== undefined) changes.record(rwset)
    }
    return Code.VALID
  }

  private policiesOf(name: string, definitions: ReadonlyMap<string, ChaincodeDefinition>): ChaincodePolicies | undefined {
    if (isLifecycle(name)) return this.policies.ofLifecycle()
    const definition = definitions.get(name)
    if (definition === undefined || definition.validationPlugin === '' || definition.validationParameter.length === 0)
      return undefined
    if (definition.validationPlugin !== BUILT_IN_PLUGIN) {
      const plugin = definition.validationPlugin
      throw new ValidationHalted('VALIDATION_PLUGIN_UNKNOWN', `chaincode ${name} is validated by plugin ${plugin}`, {
        chaincode: name,
        plugin,
      })
    }
    return this.policies.ofChaincode(definition)
  }

  /** Trusted identities with a right signature, in the order of the endorsements. */
  private endorsers({ action }: EndorsedTransaction, slots: readonly number[]): readonly Identity[] {
    const { membership } = this.context.config
    const identities: Identity[] = []
    for (let i = 0; i < slots.length; i++) {
      if (!this.verdicts.holds(slots[i]!)) continue
      const identity = memberOf(membership, action.endorsements[i]!.endorser)
      if (identity !== undefined) identities.push(identity)
    }
    return identities
  }

  /** Of the transactions with one id whose endorsements hold, the first wins. */
  private checkDuplicates(candidates: readonly Candidate[]): void {
    const seen = new Set<string>()
    for (const { index, endorsed } of candidates) {
      if (this.flags[index] !== Code.VALID) continue
      if (seen.has(endorsed.txId)) this.flags[index] = Code.DUPLICATE_TXID
      else seen.add(endorsed.txId)
    }
  }

  private async checkReads(state: BlockState): Promise<void> {
    const { block, structures } = this.prepared
    for (let i = 0; i < structures.length; i++) {
      if (this.flags[i] !== Code.VALID) continue
      const { endorsed, view } = structures[i]!
      const version = { blockNumber: block.number, txNumber: i }
      if (endorsed === undefined) {
        writeChannelConfig(view.data, version, this.updates)
        continue
      }
      const found = findConflict(endorsed.rwset, state, this.updates)
      const conflict = found instanceof Promise ? await found : found
      if (conflict === undefined) applyWrites(endorsed.rwset, version, state, this.updates)
      else {
        this.flags[i] = conflict.code
        this.conflicts.set(i, conflict)
      }
    }
  }
}

/** An endorser transaction that is sound so far. */
interface Candidate {
  readonly index: number
  readonly endorsed: EndorsedTransaction
  readonly slots: readonly number[]
}

function* rwsetsOf(candidates: readonly Candidate[]): Iterable<TxRwSet> {
  for (const { endorsed } of candidates) yield endorsed.rwset
}

function namespaceOf({ namespaces }: TxRwSet, name: string): NsRwSet | undefined {
  for (let i = 0; i < namespaces.length; i++) if (namespaces[i]!.namespace === name) return namespaces[i]
  return undefined
}

/** Membership is a pure function of the bytes, so whatever it throws is a verdict on them. */
function memberOf(membership: Membership, serialized: Uint8Array): Identity | undefined {
  try {
    return membership.identity(serialized)
  } catch {
    return undefined
  }
}
