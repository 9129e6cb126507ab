import { readFileSync } from 'node:fs'
import { InlineRuntime } from '../../adapters/chaincode-inline/inline-runtime.ts'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import { Block } from '../../model/block.ts'
import { ChaincodeInvocationSpec } from '../../model/messages/chaincode.ts'
import { ChannelHeader, Header, HeaderType, SignatureHeader } from '../../model/messages/common.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { HashedRWSet, KVMetadataWrite, KVRWSet } from '../../model/messages/kv-rwset.ts'
import { LifecycleStateData, LifecycleStateMetadata } from '../../model/messages/lifecycle-db.ts'
import { MSPRole, MSPRoleType } from '../../model/messages/msp-principal.ts'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  SignedProposal,
} from '../../model/messages/proposal.ts'
import { type ProposalResponse, ProposalResponsePayload } from '../../model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../../model/messages/rwset.ts'
import { hashedKey, hashedNamespace, implicitCollection, LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import { sha256 } from '../../model/sha256.ts'
import { transactionId } from '../../model/transaction-id.ts'
import type { ChaincodeInstance, ChaincodeSource } from '../../ports/chaincode.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import type { StateWrite } from '../../ports/state-db.ts'
import { approvalName, CHAINCODE_SOURCES, fieldKey, metadataKey, NAMESPACES, RECORDS } from '../lifecycle/state-layout.ts'
import { definitionRecord, parametersRecord } from '../lifecycle/system-chaincode/definition.ts'
import { Endorser, type EndorserOptions } from './endorser.ts'
import type { EndorserChannel, EndorserChannelConfig, HistoryEntry } from './endorser-channel.ts'
import { MemoryPrivateStore } from './private-store.ts'

const text = (value: string): Uint8Array => Buffer.from(value)

/** Signature of the test identities: a hash of what was signed and who signed. */
export const fakeSignature = (data: Uint8Array, identity: Uint8Array): Uint8Array => sha256(data, identity)

/** `NAME.admin` is an administrator, `NAME.expired` has expired, `NAME.stranger` is not trusted. */
export const identityBytes = (mspid: string, name = 'client'): Uint8Array =>
  SerializedIdentity.encode({ mspid, idBytes: text(name) })

export function fakeMembership(mspIds: readonly string[]): Membership {
  return {
    mspIds,
    identity(bytes): Identity {
      const { mspid, idBytes } = SerializedIdentity.decode(bytes)
      const name = Buffer.from(idBytes).toString()
      if (!mspIds.includes(mspid) || name.endsWith('.stranger')) throw new Error(`unknown ${mspid}`)
      return {
        mspId: mspid,
        bytes,
        id: name,
        publicKey: { provider: 'fake', raw: bytes },
        expiresAt: name.endsWith('.expired') ? 1 : Number.MAX_SAFE_INTEGER,
        organizationalUnits: [],
        attributes: {},
      }
    },
    satisfies(identity, { principal }) {
      const { mspIdentifier, role } = MSPRole.decode(principal)
      return identity.mspId === mspIdentifier && (role !== MSPRoleType.ADMIN || identity.id.endsWith('.admin'))
    },
  }
}

/** Everyone but `NAME.reader` is a writer; everyone reads. */
export function fakeConfig(mspIds: readonly string[], acls: Record<string, string> = {}): EndorserChannelConfig {
  const writers = { evaluate: (identities: readonly Identity[]) => !identities[0]!.id.endsWith('.reader') }
  const readers = { evaluate: () => true }
  const policies: Record<string, { evaluate(identities: readonly Identity[]): boolean }> = {
    '/Channel/Application/Writers': writers,
    '/Channel/Application/Readers': readers,
    '/Channel/Application/Endorsement': readers,
    '/Channel/Application/Nobody': { evaluate: () => false },
  }
  return {
    membership: fakeMembership(mspIds),
    policies: { policy: (path) => policies[path] },
    acls: new Map(Object.entries(acls)),
    organizations: { application: mspIds.map((mspId) => ({ mspId })) },
  }
}

export const fakeProvider: EndorserOptions['identityProvider'] = {
  verifyAll: (items) => items.map(({ key, data, signature }) => Buffer.compare(fakeSignature(data, key.raw), signature) === 0),
}

/** A clock that stands still until `advance`. */
export class ManualClock implements Clock {
  private time = 1_000_000
  private timers = new Set<{ at: number; task: () => void }>()

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }

  setTimer(delay: number, task: () => void) {
    const timer = { at: this.time + delay, task }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }

  advance(milliseconds: number): void {
    this.time += milliseconds
    for (const timer of [...this.timers]) {
      if (timer.at <= this.time && this.timers.delete(timer)) timer.task()
    }
  }
}

export interface ProposalParts {
  readonly channel?: string
  readonly chaincode?: string
  readonly args?: readonly (string | Uint8Array)[]
  readonly isInit?: boolean
  readonly creator?: Uint8Array
  readonly nonce?: Uint8Array
  readonly transient?: Record<string, Uint8Array>
  readonly type?: number
  readonly epoch?: number
  readonly txId?: string
  readonly signature?: Uint8Array
  /** Bytes in place of the parts that the message would have. */
  readonly extension?: Uint8Array
  readonly payload?: Uint8Array
}

let nonces = 0

export function signedProposal(parts: ProposalParts = {}): Uint8Array {
  const {
    channel = 'ch',
    chaincode = 'cc',
    args = [],
    creator = identityBytes('Org1MSP'),
    type = HeaderType.ENDORSER_TRANSACTION,
  } = parts
  const nonce = parts.nonce ?? sha256(text(`nonce ${++nonces}`)).subarray(0, 24)
  const channelHeader = ChannelHeader.encode({
    type,
    timestamp: { seconds: 1_700_000_000, nanos: 123_456_789 },
    channelId: channel,
    txId: parts.txId ?? transactionId(nonce, creator),
    epoch: parts.epoch ?? 0,
    extension: parts.extension ?? ChaincodeHeaderExtension.encode({ chaincodeId: { name: chaincode } }),
  })
  const input = ChaincodeInvocationSpec.encode({
    chaincodeSpec: {
      chaincodeId: { name: chaincode },
      input: { args: args.map((arg) => (typeof arg === 'string' ? text(arg) : arg)), isInit: parts.isInit ?? false },
    },
  })
  const payload =
    parts.payload ?? ChaincodeProposalPayload.encode({ input, transientMap: new Map(Object.entries(parts.transient ?? {})) })
  const header = Header.encode({ channelHeader, signatureHeader: SignatureHeader.encode({ creator, nonce }) })
  const proposalBytes = Proposal.encode({ header, payload })
  return SignedProposal.encode({ proposalBytes, signature: parts.signature ?? fakeSignature(proposalBytes, creator) })
}

export function actionOf(response: ProposalResponse): ChaincodeAction {
  return ChaincodeAction.decode(ProposalResponsePayload.decode(response.payload).extension)
}

/** The public read-write set of a response, by namespace. */
export function rwsetOf(response: ProposalResponse): Record<string, KVRWSet> {
  const set = TxReadWriteSet.decode(actionOf(response).results)
  return Object.fromEntries(set.nsRwset.map(({ namespace, rwset }) => [namespace, KVRWSet.decode(rwset)]))
}

export interface TestPeer {
  readonly endorser: Endorser
  readonly state: MemoryStateDB
  readonly clock: ManualClock
  readonly privateStore: MemoryPrivateStore
  /** Approves and commits a definition, and installs its code. */
  define(
    name: string,
    source: ChaincodeSource | undefined,
    options?: { version?: string; initRequired?: boolean; approve?: boolean },
  ): Promise<void>
  put(namespace: string, entries: Record<string, string>): void
  commit(writes: readonly Omit<StateWrite, 'version'>[]): void
  invoke(parts: ProposalParts): Promise<ProposalResponse>
}

export interface TestPeerOptions extends Partial<EndorserOptions> {
  readonly mspId?: string
  readonly config?: EndorserChannelConfig
  readonly known?: ReadonlySet<string>
  readonly history?: (namespace: string, key: string) => AsyncIterable<HistoryEntry>
  readonly runtime?: { load(name: string, source: ChaincodeSource): Promise<ChaincodeInstance> }
  readonly otherChannels?: readonly EndorserChannel[]
}

/** A peer of Org1MSP on a channel `ch` of two organisations, with state in memory. */
export function testPeer(options: TestPeerOptions = {}): TestPeer {
  const { mspId = 'Org1MSP', known = new Set<string>(), otherChannels = [], history, ...endorserOptions } = options
  const state = new MemoryStateDB()
  const clock = new ManualClock()
  const privateStore = new MemoryPrivateStore()
  const runtime = options.runtime ?? new InlineRuntime(mspId)
  const instances = new Map<string, ChaincodeInstance>()
  const channel: EndorserChannel = {
    name: 'ch',
    config: options.config ?? fakeConfig(['Org1MSP', 'Org2MSP']),
    snapshot: () => state.snapshot(),
    hasTransaction: (txId) => known.has(txId),
    chaincode: ({ name }) => instances.get(name),
    history,
  }
  const identity = identityBytes(mspId, 'peer0')
  const endorser = new Endorser({
    signer: { mspId, identity, sign: (message) => fakeSignature(message, identity) },
    identityProvider: fakeProvider,
    clock,
    channel: (name) => [channel, ...otherChannels].find((each) => each.name === name),
    privateStore,
    ...endorserOptions,
  })
  let block = 0
  const commit = (writes: readonly Omit<StateWrite, 'version'>[]): void => {
    const version = { blockNumber: ++block, txNumber: 0 }
    state.commit(
      writes.map((write) => ({ ...write, version })),
      version,
    )
  }
  return {
    endorser,
    state,
    clock,
    privateStore,
    commit,
    put: (namespace, entries) =>
      commit(Object.entries(entries).map(([key, value]) => ({ namespace, key, value: text(value), metadata: undefined }))),
    async define(name, source, { version = '1.0', initRequired = false, approve = true } = {}) {
      if (source !== undefined) instances.set(name, await runtime.load(name, source))
      const before = state.get(LIFECYCLE_NAMESPACE, fieldKey(NAMESPACES, name, 'Sequence'))
      const sequence = before === undefined ? 1 : Number(LifecycleStateData.decode(before.value).int64) + 1
      const definition = {
        sequence,
        version,
        initRequired,
        endorsementPlugin: 'escc',
        validationPlugin: 'vscc',
        validationParameter: text('policy'),
        collections: undefined,
      }
      const writes: Omit<StateWrite, 'version'>[] = []
      const record = definitionRecord(definition)
      for (const [field, value] of Object.entries(record.fields)) {
        const key = fieldKey(NAMESPACES, name, field)
        writes.push({ namespace: LIFECYCLE_NAMESPACE, key, value: LifecycleStateData.encode(value), metadata: undefined })
      }
      const type = LifecycleStateMetadata.encode({ datatype: record.type, fields: [...RECORDS.ChaincodeDefinition] })
      writes.push({ namespace: LIFECYCLE_NAMESPACE, key: metadataKey(NAMESPACES, name), value: type, metadata: undefined })
      if (approve) writes.push(...approval(mspId, approvalName(name, sequence), parametersRecord(definition).fields))
      commit(writes)
    },
    invoke: (parts) => endorser.processProposal(signedProposal(parts)),
  }
}

function approval(mspId: string, name: string, fields: Readonly<Record<string, object>>): Omit<StateWrite, 'version'>[] {
  const namespace = hashedNamespace(LIFECYCLE_NAMESPACE, implicitCollection(mspId))
  const hashed = (key: string, value: Uint8Array) => ({
    namespace,
    key: hashedKey(key),
    value: sha256(value),
    metadata: undefined,
  })
  const type = LifecycleStateMetadata.encode({ datatype: 'ChaincodeParameters', fields: [...RECORDS.ChaincodeParameters] })
  return [
    hashed(metadataKey(NAMESPACES, name), type),
    ...Object.entries(fields).map(([field, value]) =>
      hashed(fieldKey(NAMESPACES, name, field), LifecycleStateData.encode(value)),
    ),
    hashed(fieldKey(CHAINCODE_SOURCES, name, 'PackageID'), LifecycleStateData.encode({ string: `${name}:package` })),
  ]
}

export const object = (value: unknown): ChaincodeSource => ({ kind: 'object', value })

const VECTORS = new URL('../../../test/vectors/fabric-ledger/', import.meta.url)

/** A block of the ledger that a real Fabric network wrote. */
export function vectorBlock(number: number): Block {
  return Block.decode(readFileSync(new URL(`${String(number).padStart(4, '0')}.block`, VECTORS)))
}

/** Applies the valid transactions of a block to a state, in order: as little as it takes to have the state that Fabric's peer had. */
export function applyVectorBlock(state: MemoryStateDB, block: Block): void {
  const flags = block.metadataAt(2)
  const pending = new Map<string, StateWrite>()
  const current = (namespace: string, key: string) => {
    const written = pending.get(`${namespace}\u0000${key}`)
    if (written === undefined) return state.get(namespace, key)
    return written.value === undefined ? undefined : written
  }
  for (let i = 0; i < block.data.length; i++) {
    const view = block.envelope(i)
    if (flags[i] !== 0 || view.type !== HeaderType.ENDORSER_TRANSACTION) continue
    const version = { blockNumber: block.number, txNumber: i }
    const set = (namespace: string, key: string, value: Uint8Array | undefined, metadata: Uint8Array | undefined) =>
      pending.set(`${namespace}\u0000${key}`, { namespace, key, value, metadata, version })
    for (const { namespace, rwset, collectionHashedRwset } of TxReadWriteSet.decode(view.transaction.actions[0]!.results)
      .nsRwset) {
      const { writes, metadataWrites } = KVRWSet.decode(rwset)
      for (const { key, value, isDelete } of writes) {
        set(namespace, key, isDelete ? undefined : value, isDelete ? undefined : current(namespace, key)?.metadata)
      }
      for (const { key, entries } of metadataWrites) {
        const found = current(namespace, key)
        if (found?.value !== undefined) set(namespace, key, found.value, KVMetadataWrite.encode({ entries }))
      }
      for (const { collectionName, hashedRwset } of collectionHashedRwset) {
        for (const { keyHash, valueHash, isDelete } of HashedRWSet.decode(hashedRwset).hashedWrites) {
          set(
            hashedNamespace(namespace, collectionName),
            Buffer.from(keyHash).toString('hex'),
            isDelete ? undefined : valueHash,
            undefined,
          )
        }
      }
    }
  }
  state.commit([...pending.values()], { blockNumber: block.number, txNumber: block.data.length - 1 })
}
