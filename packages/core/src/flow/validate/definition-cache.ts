import { LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import type { StateReader } from '../../ports/state-db.ts'
import { DefinitionError } from '../lifecycle/definition-errors.ts'
import { type ChaincodeDefinition, LEGACY_LIFECYCLE_NAMESPACE, readDefinition } from '../lifecycle/definitions.ts'
import type { UpdateBatch } from './update-batch.ts'

/** Definitions kept; a channel has few chaincodes, and names that have no definition are not kept. */
const MAX_DEFINITIONS = 1_000

/** The chaincode definitions of the committed state, read when first asked for. */
export class DefinitionCache {
  private readonly known = new Map<string, ChaincodeDefinition>()

  /**
   * Of every name that has one; a definition that cannot be read counts as none. Fabric's peer ends there; that the state is the same
   * on all peers makes the verdict the same, too.
   */
  async load(state: StateReader, names: Iterable<string>): Promise<ReadonlyMap<string, ChaincodeDefinition>> {
    const found = new Map<string, ChaincodeDefinition>()
    for (const name of names) {
      const definition = this.known.get(name) ?? (await this.read(state, name))
      if (definition !== undefined) found.set(name, definition)
    }
    return found
  }

  /** To be told what a block is going to commit, before the next block asks. */
  committing(updates: UpdateBatch): void {
    if (updates.touches(LIFECYCLE_NAMESPACE) || updates.touches(LEGACY_LIFECYCLE_NAMESPACE)) this.known.clear()
  }

  private async read(state: StateReader, name: string): Promise<ChaincodeDefinition | undefined> {
    let definition: ChaincodeDefinition | undefined
    try {
      definition = await readDefinition(state, name)
    } catch (error) {
      if (error instanceof DefinitionError) return undefined
      throw error
    }
    if (definition === undefined) return undefined
    if (this.known.size >= MAX_DEFINITIONS) this.known.clear()
    this.known.set(name, definition)
    return definition
  }
}
