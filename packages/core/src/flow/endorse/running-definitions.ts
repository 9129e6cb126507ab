import { ChaincodeEndorsementInfo } from '../../model/messages/chaincode-definition.ts'
import { LifecycleStateData, LifecycleStateMetadata } from '../../model/messages/lifecycle-db.ts'
import { hashedKey, hashedNamespace, implicitCollection, LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import { sha256 } from '../../model/sha256.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { Height, VersionedValue } from '../../ports/state-db.ts'
import { approvalName, CHAINCODE_SOURCES, fieldKey, metadataKey, NAMESPACES, RECORDS } from '../lifecycle/state-layout.ts'
import type { RunningDefinition } from './endorser-channel.ts'
import type { PrivateStore } from './private-store.ts'
import type { TransactionSimulator } from './simulator.ts'

/** A committed definition with what this peer's organisation says about it. */
export interface EndorsementDefinition extends RunningDefinition {
  readonly initRequired: boolean
  readonly endorsementPlugin: string
}

interface Known {
  readonly definition: EndorsementDefinition
  readonly committed: Height
  /** Where the organisation's approved package stands, and the version that was read. */
  readonly packageKey: string
  readonly approved: Height | undefined
}

/** Definitions kept; a channel has few chaincodes. */
const MAX_KNOWN = 1_000

/**
 * The definitions of a channel's chaincodes as one peer runs them.
 *
 * Each look-up reads the definition's sequence into the read set, so that an upgrade between endorsement and commit is a conflict.
 * The rest is remembered while that entry and the organisation's approval keep their versions.
 */
export class RunningDefinitions {
  private readonly known = new Map<string, Known>()
  private readonly approvals: string
  private readonly privateStore: PrivateStore | undefined

  constructor(mspId: string, privateStore: PrivateStore | undefined) {
    this.approvals = hashedNamespace(LIFECYCLE_NAMESPACE, implicitCollection(mspId))
    this.privateStore = privateStore
  }

  /** @throws ChaincodeError CHAINCODE_NOT_DEFINED, CHAINCODE_NOT_APPROVED */
  find(simulator: TransactionSimulator, chaincode: string): Awaitable<EndorsementDefinition> {
    const sequence = simulator.read(LIFECYCLE_NAMESPACE, fieldKey(NAMESPACES, chaincode, 'Sequence'))
    if (sequence instanceof Promise) return sequence.then((found) => this.match(simulator, chaincode, found))
    return this.match(simulator, chaincode, sequence)
  }

  private match(
    simulator: TransactionSimulator,
    chaincode: string,
    found: VersionedValue | undefined,
  ): Awaitable<EndorsementDefinition> {
    if (found === undefined) {
      throw new ChaincodeError('CHAINCODE_NOT_DEFINED', `no definition of chaincode ${chaincode} is committed to the channel`, {
        chaincode,
      })
    }
    const known = this.known.get(chaincode)
    if (known === undefined || !same(known.committed, found.version)) return this.load(simulator, chaincode, found)
    const approved = simulator.peek(this.approvals, known.packageKey)
    const use = (now: VersionedValue | undefined) =>
      same(known.approved, now?.version) ? known.definition : this.load(simulator, chaincode, found)
    return approved instanceof Promise ? approved.then(use) : use(approved)
  }

  private async load(simulator: TransactionSimulator, chaincode: string, found: VersionedValue): Promise<EndorsementDefinition> {
    const sequence = Number(LifecycleStateData.decode(found.value).int64 ?? 0)
    const name = approvalName(chaincode, sequence)
    await this.checkApproved(simulator, chaincode, name, sequence)
    const packageKey = hashedKey(fieldKey(CHAINCODE_SOURCES, name, 'PackageID'))
    const approved = await simulator.peek(this.approvals, packageKey)
    const info = ChaincodeEndorsementInfo.decode(await field(simulator, chaincode, 'EndorsementInfo'))
    const definition: EndorsementDefinition = {
      name: chaincode,
      version: info.version,
      sequence,
      packageId: await this.packageId(approved),
      initRequired: info.initRequired,
      endorsementPlugin: info.endorsementPlugin,
    }
    if (this.known.size >= MAX_KNOWN) this.known.clear()
    this.known.set(chaincode, { definition, committed: found.version, packageKey, approved: approved?.version })
    return definition
  }

  /** The organisation approved a definition when the hashes in its collection are those of the committed fields. */
  private async checkApproved(simulator: TransactionSimulator, chaincode: string, name: string, sequence: number): Promise<void> {
    const type = LifecycleStateMetadata.encode({ datatype: 'ChaincodeParameters', fields: [...RECORDS.ChaincodeParameters] })
    let approved = await this.isHashOf(simulator, metadataKey(NAMESPACES, name), type)
    for (const each of RECORDS.ChaincodeParameters) {
      const committed = await simulator.peek(LIFECYCLE_NAMESPACE, fieldKey(NAMESPACES, chaincode, each))
      approved &&= committed !== undefined && (await this.isHashOf(simulator, fieldKey(NAMESPACES, name, each), committed.value))
    }
    if (approved) return
    const message = `the peer's organisation has not approved chaincode ${chaincode} at sequence ${sequence}`
    throw new ChaincodeError('CHAINCODE_NOT_APPROVED', message, { chaincode, sequence })
  }

  private async isHashOf(simulator: TransactionSimulator, key: string, value: Uint8Array): Promise<boolean> {
    const hash = await simulator.peek(this.approvals, hashedKey(key))
    return hash !== undefined && Buffer.compare(hash.value, sha256(value)) === 0
  }

  private async packageId(approved: VersionedValue | undefined): Promise<string | undefined> {
    if (approved === undefined) return undefined
    const value = await this.privateStore?.get(LIFECYCLE_NAMESPACE, this.approvals.split('\u0000')[1]!, approved.value)
    const packageId = value && LifecycleStateData.decode(value).string
    return packageId === '' ? undefined : packageId
  }
}

async function field(simulator: TransactionSimulator, chaincode: string, name: string): Promise<Uint8Array> {
  const found = await simulator.peek(LIFECYCLE_NAMESPACE, fieldKey(NAMESPACES, chaincode, name))
  return (found && LifecycleStateData.decode(found.value).bytes) ?? new Uint8Array(0)
}

function same(a: Height | undefined, b: Height | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.blockNumber === b.blockNumber && a.txNumber === b.txNumber
}
