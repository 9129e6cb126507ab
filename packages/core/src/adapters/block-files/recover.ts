import { Block } from '../../model/block.ts'
import type { Disk } from '../../ports/disk.ts'
import type { Logger } from '../../ports/logger.ts'
import type { BlockIndex } from './block-index.ts'
import { BlockStoreError } from './errors.ts'
import { FRAME_HEADER, SEGMENT_HEADER } from './frame.ts'
import {
  corrupt,
  listSegments,
  openSegment,
  readFrame,
  type ScannedBlock,
  type Segment,
  scanSegment,
  segmentPath,
  wasDurable,
} from './segment.ts'

/** State of a chain on disk, its torn tail cut off. */
export interface Recovered {
  readonly height: number
  readonly lastHash: Uint8Array | undefined
  /** The segment that takes the next block; undefined in an empty store. */
  readonly last: Segment | undefined
}

/**
 * Brings files and index together: checks the last indexed block, reads on from there, hands each further block to `found`, and cuts off
 * what a crash left unfinished. Its cost is that of the blocks behind the index, whatever the length of the chain.
 */
export async function recover(
  disk: Disk,
  folder: string,
  index: BlockIndex,
  logger: Logger,
  found: (block: Block, scanned: ScannedBlock) => Promise<void> | undefined,
): Promise<Recovered> {
  const segments = await listSegments(disk, folder)
  let height = 0
  let lastHash: Uint8Array | undefined
  let at = 0
  let offset = SEGMENT_HEADER
  if (index.height > 0) {
    const tip = await lastIndexed(disk, folder, index, segments.length)
    height = index.height
    lastHash = tip.hash
    at = tip.segment
    offset = tip.end
  }
  let last: Segment | undefined
  for (; at < segments.length; at++, offset = SEGMENT_HEADER) {
    const isLast = at === segments.length - 1
    const segment = await openSegment(disk, folder, at)
    if (segment === undefined) {
      if (!isLast)
        throw new BlockStoreError('LEDGER_BLOCK_CORRUPT', `${segmentPath(folder, at)} has no header`, { block: height })
      logger.warn({ file: segmentPath(folder, at) }, 'removed a block file that a crash left without a header')
      await disk.remove(segmentPath(folder, at))
      await disk.syncFolder(folder)
      break
    }
    if (offset === SEGMENT_HEADER && segment.first !== height)
      throw corrupt(segment, 0, height, 'is not where the file should begin')
    await last?.file.close()
    last = segment

    const blocks = scanSegment(segment, offset, height)
    let step = await blocks.next()
    for (; !step.done; step = await blocks.next()) {
      const scanned = step.value
      const block = decode(segment, scanned)
      if (lastHash !== undefined && Buffer.compare(block.header.previousHash, lastHash) !== 0) {
        throw corrupt(segment, scanned.offset, height, 'does not follow the block before it')
      }
      await found(block, scanned)
      lastHash = block.hash()
      height++
    }
    if (step.value === segment.file.size) continue
    // Files before the last were synced whole, before the next was begun.
    if (!isLast || (await wasDurable(segment, step.value, height))) throw corrupt(segment, step.value, height)
    logger.warn(
      { file: segment.path, block: height, offset: step.value, bytes: segment.file.size - step.value },
      'cut off the unfinished end of a block file',
    )
    await segment.file.truncate(step.value)
  }
  // Blocks that a crash left in the page cache count from now on.
  await last?.file.datasync()
  // So do files that a process made and did not live to sync the folder for: what is appended to them must not vanish with their name.
  if (last !== undefined) await disk.syncFolder(folder)
  return { height, lastHash, last }
}

async function lastIndexed(
  disk: Disk,
  folder: string,
  index: BlockIndex,
  segments: number,
): Promise<{ hash: Uint8Array; segment: number; end: number }> {
  const number = index.height - 1
  const location = index.block(number)
  const segment = location && location.segment < segments ? await openSegment(disk, folder, location.segment) : undefined
  if (location === undefined || segment === undefined) {
    throw new BlockStoreError('LEDGER_BLOCKS_LOST', `block ${number} was stored, but its file is gone`, { block: number, folder })
  }
  try {
    const content = await readFrame(segment, location, number)
    const block = decode(segment, { ...location, number, content })
    return { hash: block.hash(), segment: location.segment, end: location.offset + FRAME_HEADER + location.length }
  } finally {
    await segment.file.close()
  }
}

export function decode(segment: Segment, scanned: ScannedBlock): Block {
  let block: Block
  try {
    block = Block.decode(scanned.content)
  } catch (error) {
    throw corrupt(segment, scanned.offset, scanned.number, `does not decode: ${(error as Error).message}`)
  }
  if (block.number !== scanned.number) throw corrupt(segment, scanned.offset, scanned.number, `says it is block ${block.number}`)
  return block
}
