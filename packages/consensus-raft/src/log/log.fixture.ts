import type { Disk, Random } from '@heddle/core/plugin'
import { manualClock, noMetrics, seededRandom, silentLogger } from '@heddle/core/plugin'
import type { Entry, HardState, Membership, Snapshot } from '../core/types.ts'
import { RaftLog, type RaftLogOptions } from './raft-log.ts'

export const GENESIS = Buffer.alloc(32, 7)
export const FOLDER = 'raft'
export const OWNER = 'Org1MSP/orderer1'
export const membership: Membership = { voters: [1, 2, 2 ** 40 + 3], outgoing: [], learners: [4] }

export function openLog(
  disk: Disk,
  options: RaftLogOptions & { readonly owner?: string; readonly random?: Random } = {},
): Promise<RaftLog> {
  const { owner = OWNER, random = seededRandom('log'), ...rest } = options
  const environment = { disk, random, clock: manualClock(), logger: silentLogger, metrics: noMetrics }
  return RaftLog.open({ environment, folder: FOLDER, owner }, rest)
}

export const entry = (index: number, term: number, payload: string | Uint8Array = `${index}/${term}`): Entry => ({
  index,
  term,
  kind: 'normal',
  payload: typeof payload === 'string' ? new Uint8Array(Buffer.from(payload)) : payload,
  membership: undefined,
})

export const entries = (first: number, last: number, term: number, bytes?: number): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, i) =>
    entry(first + i, term, bytes === undefined ? undefined : new Uint8Array(bytes).fill(first + i)),
  )

export const hard = (term: number, vote = 0, commit = 0): HardState => ({ term, vote, commit })

export const snapshotAt = (index: number, term: number, data = `block of ${index}`): Snapshot => ({
  index,
  term,
  membership,
  data: new Uint8Array(Buffer.from(data)),
})

export const identityOf = (channel: string, genesis: Uint8Array = GENESIS) => ({
  channel,
  genesis,
  member: 3,
  incarnation: 12345,
})

/** What is comparable of a channel's log; undefined when there is none. */
export function storedIn(log: RaftLog, channel: string) {
  const found = log.stored(channel, GENESIS)
  return found && { hardState: found.hardState, snapshot: plain(found.snapshot), entries: found.entries.map(plainEntry) }
}

export const plain = (snapshot: Snapshot | undefined) =>
  snapshot && { ...snapshot, data: Buffer.from(snapshot.data).toString('base64') }

export const plainEntry = (each: Entry) => ({ ...each, payload: Buffer.from(each.payload).toString('base64') })
