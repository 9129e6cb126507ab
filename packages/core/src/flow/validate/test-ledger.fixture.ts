import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { plainChannel } from '../../channel/plain-channel.fixture.ts'
import { plainProvider, plainSigner } from '../../channel/plain-identity.fixture.ts'
import { parseApplicationPolicy } from '../../channel/policy/application-policy.ts'
import { validateConfigTransaction } from '../../channel/update/config-transaction.ts'
import { Block } from '../../model/block.ts'
import { ApplicationPolicy } from '../../model/messages/application-policy.ts'
import { ChaincodeEndorsementInfo, ChaincodeValidationInfo } from '../../model/messages/chaincode-definition.ts'
import { ChaincodeEvent } from '../../model/messages/chaincode-event.ts'
import { CollectionConfigPackage } from '../../model/messages/collection.ts'
import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '../../model/messages/common.ts'
import { HashedRWSet, KVRWSet, type RangeQueryInfo } from '../../model/messages/kv-rwset.ts'
import { LifecycleStateData, LifecycleStateMetadata } from '../../model/messages/lifecycle-db.ts'
import { ChaincodeAction, ChaincodeHeaderExtension } from '../../model/messages/proposal.ts'
import { ProposalResponsePayload } from '../../model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../../model/messages/rwset.ts'
import { ChaincodeActionPayload, Transaction } from '../../model/messages/transaction.ts'
import { proposalHash } from '../../model/proposal-hash.ts'
import type { Input } from '../../model/protobuf/message.ts'
import { sha256 } from '../../model/sha256.ts'
import { ledgerTransactionId, transactionId } from '../../model/transaction-id.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { validationCodeName } from '../../model/validation-code.ts'
import type { IdentityProvider, Signer } from '../../ports/identity.ts'
import type { StateWrite } from '../../ports/state-db.ts'
import { fieldKey, metadataKey, NAMESPACES, RECORDS } from '../lifecycle/state-layout.ts'
import { BlockValidator } from './block-validator.ts'
import type { OwnSignatures } from './own-signatures.ts'
import type { ValidatedBlock } from './validated-block.ts'

export const CHANNEL = 'trade'
export const client: Signer = plainSigner('Org1MSP', 'client')
export const peer1: Signer = plainSigner('Org1MSP', 'peer')
export const peer2: Signer = plainSigner('Org2MSP', 'peer')
export const stranger: Signer = plainSigner('Org9MSP', 'peer')

type Version = readonly [block: number, transaction: number]

/** What a simulation did to one collection, by private key. */
export interface CollectionPlan {
  readonly reads?: Readonly<Record<string, Version | null>>
  readonly writes?: Readonly<Record<string, string | null>>
  readonly metadata?: Readonly<Record<string, string | null>>
}

/** What a simulation did to one namespace. `null` is an absent key, a deletion, a policy taken away. */
export interface NamespacePlan extends CollectionPlan {
  readonly ranges?: readonly Input<RangeQueryInfo>[]
  readonly collections?: Readonly<Record<string, CollectionPlan>>
  /** Instead of all that: a KVRWSet as it is. */
  readonly kv?: Input<KVRWSet>
}

export type Plan = Readonly<Record<string, NamespacePlan>>

/** How a transaction deviates from a sound one. */
export interface TransactionOptions {
  readonly chaincode?: string
  readonly version?: string
  readonly creator?: Signer
  readonly endorsers?: readonly Signer[]
  readonly nonce?: string
  readonly txId?: string
  readonly type?: number
  readonly epoch?: number
  readonly channel?: string
  readonly extension?: Uint8Array
  readonly proposal?: Uint8Array
  readonly event?: Uint8Array | { readonly name: string; readonly chaincode?: string; readonly payload?: string }
  readonly action?: (action: Input<ChaincodeAction>) => Input<ChaincodeAction>
  readonly response?: (response: Input<ProposalResponsePayload>) => Input<ProposalResponsePayload>
  readonly payload?: (payload: Input<ChaincodeActionPayload>) => Input<ChaincodeActionPayload>
  readonly transaction?: (transaction: Input<Transaction>) => Input<Transaction>
  readonly data?: Uint8Array
  readonly signature?: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>
  readonly endorsement?: (message: Uint8Array) => Uint8Array
}

let nonces = 0

/** A signed envelope of an endorser transaction, sound but for what the options change. */
export async function transaction(plan: Plan, options: TransactionOptions = {}): Promise<Uint8Array> {
  const { chaincode = 'cc', version = '1', creator = client, endorsers = [peer1, peer2] } = options
  const nonce = utf8Bytes(options.nonce ?? `nonce ${++nonces}`)
  const signatureHeader = SignatureHeader.encode({ creator: creator.identity, nonce })
  const channelHeader = ChannelHeader.encode({
    type: options.type ?? HeaderType.ENDORSER_TRANSACTION,
    channelId: options.channel ?? CHANNEL,
    txId: options.txId ?? transactionId(nonce, creator.identity),
    epoch: options.epoch ?? 0,
    timestamp: { seconds: 1_700_000_000, nanos: 5 },
    extension: options.extension ?? ChaincodeHeaderExtension.encode({ chaincodeId: { name: chaincode } }),
  })
  const { proposal = utf8Bytes('what was asked') } = options
  const events = eventBytes(options.event, chaincode)
  const action = { results: readWriteSet(plan), events, response: { status: 200 }, chaincodeId: { name: chaincode, version } }
  const response = {
    proposalHash: proposalHash(channelHeader, signatureHeader, proposal),
    extension: ChaincodeAction.encode(options.action?.(action) ?? action),
  }
  const proposalResponsePayload = ProposalResponsePayload.encode(options.response?.(response) ?? response)
  const endorsements = await Promise.all(
    endorsers.map(async ({ identity, sign }) => {
      const message = Buffer.concat([proposalResponsePayload, identity])
      return { endorser: identity, signature: options.endorsement?.(message) ?? (await sign(message)) }
    }),
  )
  const actionPayload = { chaincodeProposalPayload: proposal, action: { proposalResponsePayload, endorsements } }
  const payload = ChaincodeActionPayload.encode(options.payload?.(actionPayload) ?? actionPayload)
  const body = { actions: [{ header: signatureHeader, payload }] }
  const data = options.data ?? Transaction.encode(options.transaction?.(body) ?? body)
  return seal({ channelHeader, signatureHeader }, data, creator, options.signature)
}

/** An envelope around any content. */
export async function seal(
  header: { channelHeader: Uint8Array; signatureHeader: Uint8Array } | undefined,
  data: Uint8Array,
  signer: Signer = client,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array> = (message) => signer.sign(message),
): Promise<Uint8Array> {
  const payload = Payload.encode({ header, data })
  return Envelope.encode({ payload, signature: await sign(payload) })
}

function eventBytes(event: TransactionOptions['event'], chaincode: string): Uint8Array {
  if (event === undefined) return new Uint8Array(0)
  if (event instanceof Uint8Array) return event
  const { name: eventName, chaincode: chaincodeId = chaincode, payload = '' } = event
  return ChaincodeEvent.encode({ chaincodeId, eventName, payload: utf8Bytes(payload) })
}

/** Serialized TxReadWriteSet of a plan, sorted as simulations sort. */
export function readWriteSet(plan: Plan): Uint8Array {
  const nsRwset = Object.entries(plan).map(([namespace, { kv, reads, writes, metadata, ranges = [], collections = {} }]) => ({
    namespace,
    rwset: KVRWSet.encode(
      kv ?? {
        reads: Object.entries(reads ?? {}).map(([key, version]) => ({ key, version: versionOf(version) })),
        rangeQueriesInfo: ranges,
        writes: Object.entries(writes ?? {}).map(([key, value]) => ({
          key,
          isDelete: value === null,
          value: utf8Bytes(value ?? ''),
        })),
        metadataWrites: Object.entries(metadata ?? {}).map(([key, policy]) => ({ key, entries: entriesOf(policy) })),
      },
    ),
    collectionHashedRwset: Object.entries(collections).map(([collectionName, each]) => ({
      collectionName,
      hashedRwset: HashedRWSet.encode({
        hashedReads: Object.entries(each.reads ?? {}).map(([key, version]) => ({
          keyHash: hash(key),
          version: versionOf(version),
        })),
        hashedWrites: Object.entries(each.writes ?? {}).map(([key, value]) => ({
          keyHash: hash(key),
          isDelete: value === null,
          valueHash: value === null ? new Uint8Array(0) : hash(value),
        })),
        metadataWrites: Object.entries(each.metadata ?? {}).map(([key, policy]) => ({
          keyHash: hash(key),
          entries: entriesOf(policy),
        })),
      }),
    })),
  }))
  return TxReadWriteSet.encode({ nsRwset })
}

/** Bytes of a key-level policy from its text; text that begins with `raw:` as it is. */
export function keyPolicy(text: string): Uint8Array {
  if (text.startsWith('raw:')) return utf8Bytes(text)
  const bytes = ApplicationPolicy.encode(parseApplicationPolicy(text))
  // An ApplicationPolicy's only field here is the embedded signature policy: tag, length, content.
  let at = 1
  while (bytes[at]! > 0x7f) at++
  return bytes.slice(at + 1)
}

function entriesOf(policy: string | null): { name: string; value: Uint8Array }[] {
  return policy === null ? [] : [{ name: 'VALIDATION_PARAMETER', value: keyPolicy(policy) }]
}

function versionOf(version: Version | null): { blockNum: number; txNum: number } | undefined {
  return version === null ? undefined : { blockNum: version[0], txNum: version[1] }
}

const hash = (text: string): Uint8Array => sha256(utf8Bytes(text))

export interface TestDefinition {
  readonly endorsement?: string
  readonly plugin?: string
  /** Endorsement policy by collection; null for none of its own. */
  readonly collections?: Readonly<Record<string, string | null>>
  readonly blockToLive?: number
}

/** State writes that define a chaincode, as Fabric's lifecycle stores them. */
export function definitionWrites(name: string, definition: TestDefinition = {}, block = 0): StateWrite[] {
  const { endorsement = "AND('Org1MSP.peer', 'Org2MSP.peer')", plugin = 'vscc', collections = {}, blockToLive = 0 } = definition
  const config = Object.entries(collections).map(([collection, policy]) => ({
    staticCollectionConfig: {
      name: collection,
      blockToLive,
      endorsementPolicy: policy === null ? undefined : parseApplicationPolicy(policy),
    },
  }))
  const validationParameter = ApplicationPolicy.encode(parseApplicationPolicy(endorsement))
  const bytes = (value: Uint8Array) => LifecycleStateData.encode({ bytes: value })
  const fields: Record<string, Uint8Array> = {
    [metadataKey(NAMESPACES, name)]: LifecycleStateMetadata.encode({
      datatype: 'ChaincodeDefinition',
      fields: [...RECORDS.ChaincodeDefinition],
    }),
    [fieldKey(NAMESPACES, name, 'Sequence')]: LifecycleStateData.encode({ int64: 1 }),
    [fieldKey(NAMESPACES, name, 'EndorsementInfo')]: bytes(
      ChaincodeEndorsementInfo.encode({ version: '1', endorsementPlugin: 'escc' }),
    ),
    [fieldKey(NAMESPACES, name, 'ValidationInfo')]: bytes(
      ChaincodeValidationInfo.encode({ validationPlugin: plugin, validationParameter }),
    ),
    [fieldKey(NAMESPACES, name, 'Collections')]: bytes(CollectionConfigPackage.encode({ config })),
  }
  const version = { blockNumber: block, txNumber: 0 }
  return Object.entries(fields).map(([key, value]) => ({ namespace: '_lifecycle', key, value, metadata: undefined, version }))
}

/** A channel's state and chain with a validator, without orderers and files. Chaincode `cc` is defined, endorsed by both peers. */
export class TestLedger {
  readonly state = new MemoryStateDB()
  readonly validator: BlockValidator
  config: ChannelConfig
  private readonly txIds = new Set<string>()
  private next = 1
  private lastHash: Uint8Array = new Uint8Array(32)

  constructor({
    definitions = { cc: {} } as Readonly<Record<string, TestDefinition>>,
    config = plainChannel(),
    provider = plainProvider as IdentityProvider,
    own = undefined as OwnSignatures | undefined,
  } = {}) {
    this.config = config
    const checkConfig = (current: ChannelConfig, view: Parameters<typeof validateConfigTransaction>[1]) =>
      validateConfigTransaction(current, view, provider)
    this.validator = new BlockValidator({ channel: CHANNEL, provider, checkConfig, own })
    const writes = Object.entries(definitions).flatMap(([name, definition]) => definitionWrites(name, definition))
    this.state.commit(writes, { blockNumber: 0, txNumber: 0 })
  }

  get height(): number {
    return this.next
  }

  makeBlock(envelopes: readonly Uint8Array[]): Block {
    return Block.create(this.next, this.lastHash, envelopes)
  }

  async validate(block: Block): Promise<ValidatedBlock> {
    const knownTransactions = (txIds: readonly string[]) => new Set(txIds.filter((txId) => this.txIds.has(txId)))
    return this.validator.validate(this.validator.prepare(block), { config: this.config, state: this.state, knownTransactions })
  }

  /** Validates the next block and commits it. */
  async add(...envelopes: readonly (Uint8Array | Promise<Uint8Array>)[]): Promise<ValidatedBlock> {
    const block = this.makeBlock(await Promise.all(envelopes))
    const validated = await this.validate(block)
    this.state.commit(validated.updates.writes(), { blockNumber: block.number, txNumber: envelopes.length - 1 })
    for (let i = 0; i < block.data.length; i++) {
      const txId = ledgerTransactionId(block.envelope(i))
      if (txId !== undefined) this.txIds.add(txId)
    }
    if (validated.nextConfig !== undefined) this.config = validated.nextConfig
    this.lastHash = block.hash()
    this.next++
    return validated
  }

  /** As `add`; gives the names of the codes. */
  async codes(...envelopes: readonly (Uint8Array | Promise<Uint8Array>)[]): Promise<string[]> {
    return [...(await this.add(...envelopes)).flags].map(validationCodeName)
  }

  /** Value of a key as text, with its version. */
  value(namespace: string, key: string): string | undefined {
    const found = this.state.get(namespace, key)
    return found && `${Buffer.from(found.value)}@${found.version.blockNumber}.${found.version.txNumber}`
  }
}
