import { MemoryPrivateStore, type PrivateStore } from '../../flow/endorse/private-store.ts'
import type { PrivateWrite } from '../../flow/endorse/read-write-set.ts'
import { bytes, string } from '../../model/protobuf/field.ts'
import { message } from '../../model/protobuf/message.ts'
import { sha256 } from '../../model/sha256.ts'
import type { Disk, DiskFile } from '../../ports/disk.ts'
import { PrivateStoreError } from './errors.ts'

const FORMAT = Buffer.from('heddle-private-values 1\n')
/** Before a body: its length, big-endian; four bytes of the SHA-256 of the length; eight of that of the body. */
const HEAD = 16
const Record = message('heddle.PrivateValue', { namespace: string(1), collection: string(2), key: string(3), value: bytes(4) })

/**
 * Keeps private values in one file that only grows, and all of them in memory: they are the approvals of an organisation, few and small.
 * A tail that was torn when the process ended is cut off: its transaction was never endorsed.
 */
export class DiskPrivateStore implements PrivateStore {
  private readonly file: DiskFile
  private readonly values = new MemoryPrivateStore()
  private failed: Error | undefined

  private constructor(file: DiskFile) {
    this.file = file
  }

  /** @throws PrivateStoreError PRIVATE_STORE_CORRUPT, PRIVATE_STORE_FORMAT_UNKNOWN */
  static async open(disk: Disk, path: string): Promise<DiskPrivateStore> {
    const isNew = !(await disk.exists(path))
    const file = await disk.open(path, { create: true })
    const store = new DiskPrivateStore(file)
    try {
      // A file that ended within its first line was never used.
      if (file.size < FORMAT.length) await store.begin()
      else await store.load(path)
      if (isNew) await disk.syncFolder(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
      return store
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async keep(txId: string, writes: readonly PrivateWrite[]): Promise<void> {
    if (this.failed !== undefined) {
      throw new PrivateStoreError(
        'PRIVATE_STORE_FAILED',
        'an earlier private value could not be made durable',
        {},
        { cause: this.failed },
      )
    }
    const chunks: Uint8Array[] = []
    for (const { namespace, collection, key, value } of writes) {
      if (value === undefined) continue
      const body = Record.encode({ namespace, collection, key, value })
      chunks.push(headOf(body), body)
    }
    try {
      await this.file.append(chunks)
      await this.file.datasync()
    } catch (cause) {
      // What a failed sync left on disk nobody knows: no further write may follow it.
      this.failed = cause as Error
      throw new PrivateStoreError(
        'PRIVATE_STORE_FAILED',
        `private values could not be made durable: ${this.failed.message}`,
        { txId },
        { cause },
      )
    }
    this.values.keep(txId, writes)
  }

  get(namespace: string, collection: string, valueHash: Uint8Array): Uint8Array | undefined {
    return this.values.get(namespace, collection, valueHash)
  }

  async close(): Promise<void> {
    await this.file.close()
  }

  private async begin(): Promise<void> {
    await this.file.truncate(0)
    await this.file.append([FORMAT])
    await this.file.datasync()
  }

  private async load(path: string): Promise<void> {
    const { file } = this
    if (Buffer.compare(await file.read(0, FORMAT.length), FORMAT) !== 0) {
      throw new PrivateStoreError('PRIVATE_STORE_FORMAT_UNKNOWN', `${path} is no file of private values of a known format`, {
        path,
      })
    }
    let at = FORMAT.length
    while (at + HEAD <= file.size) {
      const head = Buffer.from(await file.read(at, HEAD))
      if (Buffer.compare(head.subarray(4, 8), sha256(head.subarray(0, 4)).subarray(0, 4)) !== 0) {
        // Some file systems leave zeros where a write was under way.
        if (head.every((byte) => byte === 0)) break
        throw corrupt(path, at)
      }
      const length = head.readUInt32BE(0)
      const end = at + HEAD + length
      if (end > file.size) break
      const body = await file.read(at + HEAD, length)
      if (Buffer.compare(headOf(body), head) !== 0) {
        // Only the last record can have been torn.
        if (end === file.size) break
        throw corrupt(path, at)
      }
      this.values.keep('', [Record.decode(body)])
      at = end
    }
    if (at === file.size) return
    await file.truncate(at)
    await file.datasync()
  }
}

function headOf(body: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUInt32BE(body.length)
  head.set(sha256(head.subarray(0, 4)).subarray(0, 4), 4)
  head.set(sha256(body).subarray(0, 8), 8)
  return head
}

function corrupt(path: string, offset: number): PrivateStoreError {
  return new PrivateStoreError('PRIVATE_STORE_CORRUPT', `${path} is damaged at byte ${offset}`, { path, offset })
}
