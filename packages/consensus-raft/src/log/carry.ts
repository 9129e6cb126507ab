import type { Disk } from '@heddle/core/plugin'
import type { Entry } from '../core/types.ts'
import type { ChannelLog, KnownEntry } from './channel-log.ts'
import { Kind } from './frame.ts'
import { decodeCarried, decodeChange } from './record.ts'
import type { FramePlace } from './replay.ts'
import { corrupt, openSegment, reread, type Segment } from './segment.ts'

/** Entries to be written again, as they were when everything accepted was written. */
export interface CarryPlan {
  readonly carried: readonly { readonly id: number; readonly entries: readonly KnownEntry[] }[]
  /** The oldest segment that is needed when this is done. */
  readonly needed: number
}

/** Sequence number of the oldest segment that holds a live entry of one of the channels; `current` when none before it does. */
export function neededFrom(logs: Iterable<ChannelLog>, current: number): number {
  let needed = current
  for (const { entries } of logs) needed = Math.min(needed, entries[0]?.place.segment ?? current)
  return needed
}

/** Carries the channels that hold back the oldest segment. */
export function planCarry(logs: Iterable<ChannelLog>, oldest: number, current: number): CarryPlan {
  const carried: { id: number; entries: readonly KnownEntry[] }[] = []
  const others: ChannelLog[] = []
  for (const log of logs) {
    if (log.entries[0]?.place.segment === oldest) carried.push({ id: log.id, entries: log.entries.slice() })
    else others.push(log)
  }
  return { carried, needed: neededFrom(others, current) }
}

/**
 * Reads entries that were written before, in parts of about `partBytes` of payload. Checks each record again: what went bad must not get
 * a fresh checksum.
 */
export async function* readAgain(
  disk: Disk,
  folder: string,
  current: Segment,
  known: readonly KnownEntry[],
  partBytes: number,
): AsyncGenerator<Entry[]> {
  let segment = current
  let place: FramePlace | undefined
  let frame: readonly Entry[] = []
  let part: Entry[] = []
  let bytes = 0
  try {
    for (const entry of known) {
      if (entry.place !== place) {
        place = entry.place
        if (segment.sequence !== place.segment) {
          if (segment !== current) await segment.file.close()
          segment = current
          if (place.segment !== current.sequence) segment = await openSegment(disk, folder, place.segment)
        }
        const { kind, body } = await reread(segment, place.offset, place.length)
        frame = kind === Kind.carried ? decodeCarried(body).entries : decodeChange(body).entries
      }
      const found = frame[entry.index - (frame[0]?.index ?? 0)]
      if (found?.index !== entry.index || found.term !== entry.term)
        throw corrupt(segment, place.offset, `lacks entry ${entry.index}`)
      part.push(found)
      bytes += entry.bytes
      if (bytes < partBytes) continue
      yield part
      part = []
      bytes = 0
    }
    yield part
  } finally {
    if (segment !== current) await segment.file.close()
  }
}
