import { readFile, rename, writeFile } from 'node:fs/promises'
import type { ChaincodeEvent } from './connection.ts'
import { EventsError } from './errors.ts'

/** How far a consumer of events has come. */
export interface Checkpoint {
  /** Block in which the last processed event or transaction is, or the next block to read when no transaction is named. */
  readonly blockNumber: number | undefined
  readonly transactionId: string | undefined
}

/**
 * Remembers progress, so that a consumer continues after the last event that it processed. Call `checkpointBlock` or
 * `checkpointChaincodeEvent` after processing: each event is then seen at least once.
 */
export interface Checkpointer {
  read(): Checkpoint
  checkpointBlock(blockNumber: number): Promise<void>
  checkpointTransaction(blockNumber: number, transactionId: string): Promise<void>
  checkpointChaincodeEvent(event: ChaincodeEvent): Promise<void>
}

/** Progress in memory: lost with the process. */
export function inMemoryCheckpointer(): Checkpointer {
  return new PersistentCheckpointer({ blockNumber: undefined, transactionId: undefined }, async () => {})
}

/**
 * Progress in a file, replaced as a whole at each checkpoint.
 * @throws EventsError CHECKPOINT_CORRUPT
 */
export async function fileCheckpointer(path: string): Promise<Checkpointer> {
  const save = async (checkpoint: Checkpoint) => {
    await writeFile(`${path}.new`, JSON.stringify({ version: 1, ...checkpoint }))
    await rename(`${path}.new`, path)
  }
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return new PersistentCheckpointer({ blockNumber: undefined, transactionId: undefined }, save)
    throw error
  }
  return new PersistentCheckpointer(parse(path, text), save)
}

function parse(path: string, text: string): Checkpoint {
  const corrupt = (why: string, cause?: unknown) =>
    new EventsError('CHECKPOINT_CORRUPT', `checkpoint ${path}: ${why}`, { path }, { cause })
  let value: { version?: unknown; blockNumber?: unknown; transactionId?: unknown }
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw corrupt('is not JSON', error)
  }
  if (value === null || typeof value !== 'object' || value.version !== 1) throw corrupt('has an unknown format version')
  const { blockNumber, transactionId } = value
  if (blockNumber !== undefined && (!Number.isSafeInteger(blockNumber) || (blockNumber as number) < 0))
    throw corrupt('has no valid block number')
  if (transactionId !== undefined && typeof transactionId !== 'string') throw corrupt('has no valid transaction id')
  return { blockNumber: blockNumber as number | undefined, transactionId }
}

class PersistentCheckpointer implements Checkpointer {
  private state: Checkpoint
  private readonly save: (checkpoint: Checkpoint) => Promise<void>
  /** Saves run one after another, so that an older one never overwrites a newer one. */
  private saving: Promise<void> = Promise.resolve()

  constructor(state: Checkpoint, save: (checkpoint: Checkpoint) => Promise<void>) {
    this.state = state
    this.save = save
  }

  read(): Checkpoint {
    return this.state
  }

  checkpointBlock(blockNumber: number): Promise<void> {
    return this.move({ blockNumber: blockNumber + 1, transactionId: undefined })
  }

  checkpointTransaction(blockNumber: number, transactionId: string): Promise<void> {
    return this.move({ blockNumber, transactionId })
  }

  checkpointChaincodeEvent(event: ChaincodeEvent): Promise<void> {
    return this.checkpointTransaction(event.blockNumber, event.transactionId)
  }

  private move(next: Checkpoint): Promise<void> {
    this.state = next
    const saved = this.saving.then(() => this.save(next))
    this.saving = saved.catch(() => {})
    return saved
  }
}
