/** Flow control of one follower, read as transcripts: probe, replicate, windows, back-off, limits. */
import { describe, expect, it } from 'vitest'
import { bytes, entriesOf, Single } from './testing/single.fixture.ts'

/** A leader of two whose follower, 2, is still being probed. */
const probing = (terms: number[] = [], options = {}): Single => {
  const term = terms.at(-1) ?? 0
  const node = new Single({
    voters: [1, 2],
    options,
    restored: { hardState: { term, vote: 0, commit: 0 }, entries: entriesOf(1, ...terms) },
  })
  node.lead()
  return node
}

const peer = (node: Single): object => node.status.peers.find(({ id }) => id === 2)!

describe('probe and replicate', () => {
  it('sends one append and waits; a heartbeat answered lets it try again; an answer opens the window', () => {
    const node = probing()
    expect(node.transcript()).toEqual(['→2 t1 pre-vote 0/0', '→2 t1 vote 0/0', '→2 t1 append after 0/0 [1/1] commit 0'])
    node.propose('a')
    node.propose('b')
    expect(node.transcript()).toEqual([])
    expect(peer(node)).toMatchObject({ state: 'probe', match: 0, next: 1 })
    node.from(2, 'heartbeat-result')
    expect(node.transcript()).toEqual(['→2 t1 append after 0/0 [1/1 2/1 3/1] commit 0'])
    node.from(2, 'append-result', { index: 1 })
    expect(peer(node)).toMatchObject({ state: 'replicate', match: 1, next: 4 })
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [2/1 3/1] commit 1'])
    node.propose('c')
    node.propose('d')
    expect(node.transcript()).toEqual(['→2 t1 append after 3/1 [4/1] commit 1', '→2 t1 append after 4/1 [5/1] commit 1'])
  })

  it('appends of one turn travel together', () => {
    const node = probing()
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    for (const text of ['a', 'b', 'c']) node.core.propose([bytes(text)], node.now)
    node.pump()
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [2/1 3/1 4/1] commit 1'])
  })

  it('a follower with a long wrong tail is found in one step for each term (the leader looks at terms)', () => {
    const node = probing([1, 3, 3, 3, 5, 5, 5, 5, 5])
    expect(node.sent('append')).toMatchObject([{ index: 9 }])
    // The follower has terms 1 1 1 1 2 2: nothing of term 3 or later can agree.
    node.from(2, 'append-result', { index: 9, reject: true, hint: 6, logTerm: 2 })
    expect(node.transcript()).toEqual(['→2 t6 append after 1/1 [2/3 3/3 4/3 5/5 6/5 7/5 8/5 9/5 10/6] commit 0'])
  })

  it('a follower with a tail of later terms names the last index that may agree', () => {
    const node = new Single({
      restored: { hardState: { term: 7, vote: 0, commit: 0 }, entries: entriesOf(1, 1, 3, 3, 4, 4, 5, 5, 5, 6) },
    })
    node.from(2, 'append', { index: 8, logTerm: 3 })
    expect(node.transcript()).toEqual(['→2 t7 refuse 8, try 3/3'])
  })

  it('answers from before do not move it: to an earlier probe, or below what is known to match', () => {
    const node = probing([1, 1, 1, 1])
    node.from(2, 'append-result', { index: 4, reject: true, hint: 2, logTerm: 1 })
    expect(peer(node)).toMatchObject({ state: 'probe', next: 3 })
    node.sent()
    node.from(2, 'append-result', { index: 4, reject: true, hint: 0, logTerm: 0 })
    expect(peer(node)).toMatchObject({ state: 'probe', next: 3 })
    node.from(2, 'append-result', { index: 5 })
    node.from(2, 'append-result', { index: 3, reject: true, hint: 0, logTerm: 0 })
    node.from(2, 'append-result', { index: 4 })
    expect(peer(node)).toMatchObject({ state: 'replicate', match: 5 })
  })

  it('a refusal while replicating (something was lost) goes back to the last match and probes', () => {
    const node = probing()
    node.from(2, 'append-result', { index: 1 })
    node.propose('a')
    node.propose('b')
    node.sent()
    node.from(2, 'append-result', { index: 2, reject: true, hint: 1, logTerm: 1 })
    expect(peer(node)).toMatchObject({ state: 'probe', match: 1, next: 2 })
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [2/1 3/1] commit 1'])
  })

  it('the last append was lost: an empty one after the next heartbeat finds out', () => {
    const node = probing()
    node.from(2, 'append-result', { index: 1 })
    node.propose('a')
    node.sent()
    node.from(2, 'heartbeat-result')
    expect(node.transcript()).toEqual(['→2 t1 append after 2/1 [] commit 1'])
  })

  it('a peer that cannot be reached is probed, and a caught-up one too', () => {
    const node = probing()
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    node.core.unreachable(2)
    node.core.unreachable(9)
    expect(peer(node)).toMatchObject({ state: 'probe', next: 2 })
    node.pump()
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [] commit 1'])
    node.from(2, 'append-result', { index: 1 })
    expect(peer(node)).toMatchObject({ state: 'replicate' })
  })
})

describe('windows and limits', () => {
  it('at most maxInflight messages are under way; each answer lets the next go', () => {
    const node = probing([], { maxInflight: 2, maxMessageBytes: 1 })
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    node.propose('a', 'b', 'c', 'd')
    expect(node.sent('append').map(({ entries }) => entries[0]!.index)).toEqual([2, 3])
    node.from(2, 'append-result', { index: 2 })
    expect(node.sent('append').map(({ entries }) => entries[0]!.index)).toEqual([4])
    node.from(2, 'append-result', { index: 4 })
    expect(node.sent('append').map(({ entries }) => entries[0]!.index)).toEqual([5])
  })

  it('at most maxInflightBytes are under way, the message that crosses the limit included', () => {
    const node = probing([], { maxMessageBytes: 200, maxInflightBytes: 300 })
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    for (let i = 0; i < 5; i++) node.core.propose([new Uint8Array(150)], node.now)
    node.pump()
    expect(node.sent('append').map(({ entries }) => entries.length)).toEqual([1, 1])
  })

  it('a full window that was lost is found out by an empty append after a heartbeat', () => {
    const node = probing([], { maxInflight: 1, maxMessageBytes: 1 })
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    node.propose('a', 'b')
    node.sent()
    node.from(2, 'heartbeat-result')
    expect(node.transcript()).toEqual(['→2 t1 append after 2/1 [] commit 1'])
    node.from(2, 'append-result', { index: 2, reject: true, hint: 1, logTerm: 1 })
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [2/1] commit 1'])
  })

  it('an entry larger than a message travels alone', () => {
    const node = probing([], { maxMessageBytes: 100 })
    node.from(2, 'append-result', { index: 1 })
    node.sent()
    node.core.propose([bytes('a'), new Uint8Array(1000), bytes('b'), bytes('c')], node.now)
    node.pump()
    expect(node.sent('append').map(({ entries }) => entries.map(({ index }) => index))).toEqual([[2], [3], [4, 5]])
  })

  it('uncommitted bytes are bounded; what is refused was not appended; a commit makes room', () => {
    const node = probing([], { maxUncommittedBytes: 10 })
    node.from(2, 'append-result', { index: 1 })
    expect(node.core.propose([new Uint8Array(11)], node.now).accepted).toBe(true)
    expect(node.core.propose([bytes('a')], node.now)).toEqual({ accepted: false, reason: 'too-much-uncommitted', leader: 1 })
    expect(node.core.proposeConfig(bytes('c'), undefined, node.now)).toMatchObject({ reason: 'too-much-uncommitted' })
    expect(node.core.proposeConfig(bytes(''), { voters: [1], learners: [2] }, node.now).accepted).toBe(true)
    expect(node.status.lastIndex).toBe(3)
    node.pump()
    node.from(2, 'append-result', { index: 3 })
    expect(node.status.uncommittedBytes).toBe(0)
    expect(node.core.propose([bytes('a')], node.now).accepted).toBe(true)
  })

  it('a new leader counts what it found uncommitted', () => {
    const node = probing([1, 1, 1])
    expect(node.status.uncommittedBytes).toBe(3)
    node.from(2, 'append-result', { index: 4 })
    expect(node.status.uncommittedBytes).toBe(0)
  })

  it('who does not lead refuses, and names the leader it knows', () => {
    const node = new Single()
    expect(node.propose('a')).toEqual({ accepted: false, reason: 'not-leader', leader: 0 })
    node.from(3, 'heartbeat', {}, 1)
    expect(node.propose('a')).toEqual({ accepted: false, reason: 'not-leader', leader: 3 })
    expect(node.core.proposeConfig(bytes('c'), undefined, node.now)).toMatchObject({ reason: 'not-leader', leader: 3 })
  })

  it('refuses nothing, and nothing in a list', () => {
    const node = probing()
    expect(node.core.propose([], node.now)).toMatchObject({ reason: 'empty-proposal' })
    expect(node.core.propose([bytes('a'), bytes('')], node.now)).toMatchObject({ reason: 'empty-proposal' })
    expect(node.core.proposeConfig(bytes(''), undefined, node.now)).toMatchObject({ reason: 'empty-proposal' })
    expect(node.status.lastIndex).toBe(1)
  })

  it('a commit index alone is written without an fsync', () => {
    const node = probing()
    node.from(2, 'append-result', { index: 1 })
    expect(node.batches.at(-1)).toMatchObject({ hardState: { commit: 1 }, entries: [], sync: false })
  })

  it('a batch that was never given out cannot be durable', () => {
    const node = probing()
    expect(() => node.core.persisted(99, node.now)).toThrow(/UNKNOWN_SEQUENCE/)
  })
})
