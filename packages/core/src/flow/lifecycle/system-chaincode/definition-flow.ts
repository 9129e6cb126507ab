import type { CollectionConfigPackage } from '../../../model/messages/collection.ts'
import { LifecycleStateMetadata } from '../../../model/messages/lifecycle-db.ts'
import type { EndorserChannelConfig } from '../../endorse/endorser-channel.ts'
import type { TransactionSimulator } from '../../endorse/simulator.ts'
import { LEGACY_LIFECYCLE_NAMESPACE } from '../definitions.ts'
import { approvalName, CHAINCODE_SOURCES, metadataKey, NAMESPACES } from '../state-layout.ts'
import {
  type DefinitionParameters,
  definitionRecord,
  firstDifference,
  type ProposedDefinition,
  parametersRecord,
  readParameters,
} from './definition.ts'
import { checkCollectionsKept, checkDefinitionInput } from './definition-input.ts'
import { entriesBelow, organizationState, publicState } from './lifecycle-state.ts'
import { differences, type ReadableState, readField, readMetadata, writeRecord } from './records.ts'
import { LifecycleRefusal } from './refusal.ts'

/** An organisation's approval as it was read back. */
export interface Approval extends DefinitionParameters {
  readonly sequence: number
  readonly packageId: string
}

/**
 * The steps of a definition's life on one channel, each read and write through the simulation of its transaction. Which keys are read
 * is part of what endorsers agree on, so it is Fabric's choice, needless reads included (core/chaincode/lifecycle/lifecycle.go).
 */
export class DefinitionFlow {
  private readonly simulator: TransactionSimulator
  private readonly config: EndorserChannelConfig
  private readonly mspId: string
  private readonly state: ReturnType<typeof publicState>

  /** @param mspId organisation of the peer */
  constructor(simulator: TransactionSimulator, config: EndorserChannelConfig, mspId: string) {
    this.simulator = simulator
    this.config = config
    this.mspId = mspId
    this.state = publicState(simulator)
  }

  async checkInput(name: string, version: string, collections: CollectionConfigPackage | undefined): Promise<void> {
    const proposed = checkDefinitionInput(name, version, collections, this.config.membership)
    if ((await readMetadata(this.state, NAMESPACES, name)) === undefined) {
      // Fabric asks its first lifecycle then, and the read is recorded.
      await this.simulator.read(LEGACY_LIFECYCLE_NAMESPACE, name)
      return
    }
    await this.sequence(name)
    checkCollectionsKept(proposed, (await readParameters(this.state, NAMESPACES, name)).collections)
  }

  async approve(name: string, definition: ProposedDefinition, packageId: string): Promise<void> {
    const current = await this.sequence(name)
    const { sequence } = definition
    if (sequence === 0 && current === 0) {
      throw new LifecycleRefusal('requested sequence is 0, but first definable sequence number is 1')
    }
    if (sequence < current) {
      throw new LifecycleRefusal(`currently defined sequence ${current} is larger than requested sequence ${sequence}`)
    }
    if (sequence > current + 1) {
      throw new LifecycleRefusal(
        `requested sequence ${sequence} is larger than the next available sequence number ${current + 1}`,
      )
    }
    if (sequence === current) await this.checkSameAsCommitted(name, definition)
    const own = organizationState(this.simulator, this.mspId)
    const approval = approvalName(name, sequence)
    if (await this.isApprovedAlready(own, approval, definition, packageId)) {
      throw new LifecycleRefusal(
        sequence === current
          ? `attempted to redefine the current committed sequence (${sequence}) for namespace ${name}`
          : `attempted to redefine uncommitted sequence (${sequence}) for namespace ${name} with unchanged content`,
      )
    }
    await writeRecord(own, NAMESPACES, approval, parametersRecord(definition))
    await writeRecord(own, CHAINCODE_SOURCES, approval, {
      type: 'ChaincodeLocalPackage',
      fields: { PackageID: { string: packageId } },
    })
  }

  /** Which organisations approved a definition that is to come next, and in what the others differ. */
  async readiness(name: string, definition: ProposedDefinition): Promise<ReadonlyMap<string, readonly string[]>> {
    const next = (await this.sequence(name)) + 1
    if (definition.sequence !== next) {
      throw new LifecycleRefusal(`requested sequence is ${definition.sequence}, but new definition must be sequence ${next}`)
    }
    return this.approvals(name, definition)
  }

  /** For each organisation of the channel the parameters in which its approval differs: none when it approved. */
  async approvals(name: string, definition: ProposedDefinition): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>()
    const approval = approvalName(name, definition.sequence)
    for (const { mspId } of this.config.organizations.application) {
      const state = organizationState(this.simulator, mspId)
      found.set(mspId, await differences(state, NAMESPACES, approval, parametersRecord(definition)))
    }
    return found
  }

  async commit(name: string, definition: ProposedDefinition): Promise<void> {
    if (!this.config.organizations.application.some(({ mspId }) => mspId === this.mspId)) {
      throw new LifecycleRefusal("this peer's org is processing requests for a channel it is not a member of")
    }
    const approvals = await this.readiness(name, definition)
    await writeRecord(this.state, NAMESPACES, name, definitionRecord(definition))
    if (approvals.get(this.mspId)?.length !== 0) {
      throw new LifecycleRefusal(`chaincode definition not agreed to by this org (${this.mspId})`)
    }
  }

  /** The committed definition. */
  async committed(name: string): Promise<ProposedDefinition> {
    const metadata = await readMetadata(this.state, NAMESPACES, name)
    if (metadata === undefined) throw new LifecycleRefusal(`namespace ${name} is not defined`, 404)
    return { sequence: await this.sequence(name), ...(await readParameters(this.state, NAMESPACES, name)) }
  }

  /** Names of all chaincodes that the channel defined. */
  async names(): Promise<string[]> {
    const prefix = metadataKey(NAMESPACES, '')
    const names: string[] = []
    for (const [key, value] of await entriesBelow(this.simulator, prefix)) {
      if (LifecycleStateMetadata.decode(value).datatype === 'ChaincodeDefinition') names.push(key.slice(prefix.length))
    }
    return names
  }

  /** This organisation's approval of a sequence; of sequence 0, the latest: of the next definition, else of the current one. */
  async approval(name: string, sequence: number): Promise<Approval> {
    const own = organizationState(this.simulator, this.mspId)
    let wanted = sequence
    if (wanted === 0) {
      const current = await this.sequence(name)
      const next = await readMetadata(own, NAMESPACES, approvalName(name, current + 1))
      wanted = next === undefined ? current : current + 1
    }
    const key = approvalName(name, wanted)
    if ((await readMetadata(own, NAMESPACES, key)) === undefined) {
      throw new LifecycleRefusal(`could not fetch approved chaincode definition (name: '${name}', sequence: '${wanted}')`)
    }
    const parameters = await readParameters(own, NAMESPACES, key)
    return { sequence: wanted, ...parameters, packageId: await packageIdOf(own, key) }
  }

  private async sequence(name: string): Promise<number> {
    return Number((await readField(this.state, NAMESPACES, name, 'Sequence')).int64 ?? 0)
  }

  private async checkSameAsCommitted(name: string, definition: ProposedDefinition): Promise<void> {
    const difference = firstDifference(await this.committed(name), definition)
    if (difference !== undefined) {
      throw new LifecycleRefusal(
        `attempted to redefine the current committed sequence (${definition.sequence}) for namespace ${name} with different parameters: ${difference}`,
      )
    }
  }

  private async isApprovedAlready(
    own: ReadableState,
    approval: string,
    definition: ProposedDefinition,
    packageId: string,
  ): Promise<boolean> {
    if ((await readMetadata(own, NAMESPACES, approval)) === undefined) return false
    if (firstDifference(await readParameters(own, NAMESPACES, approval), definition) !== undefined) return false
    if ((await readMetadata(own, CHAINCODE_SOURCES, approval)) === undefined) return false
    return (await packageIdOf(own, approval)) === packageId
  }
}

async function packageIdOf(own: ReadableState, approval: string): Promise<string> {
  return (await readField(own, CHAINCODE_SOURCES, approval, 'PackageID')).string ?? ''
}
