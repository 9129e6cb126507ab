/** Behaviours that the Raft paper asks for, section by section: the list that etcd's raft_paper_test.go draws up, stated anew. */
import { describe, expect, it } from 'vitest'
import { Group } from './testing/group.fixture.ts'
import { seeded } from './testing/sim-world.fixture.ts'
import { bytes, entriesOf, entry, Single, sizeOf, T } from './testing/single.fixture.ts'
import type { MessageType, Restored } from './types.ts'

const plain = { preVote: false, checkQuorum: false }

const restoredWith = (term: number, vote = 0, terms: number[] = [], commit = 0): Restored => ({
  hardState: { term, vote, commit },
  entries: entriesOf(1, ...terms),
})

describe('5.1 terms', () => {
  it('a follower takes over a later term from a message', () => {
    const node = new Single({ restored: restoredWith(1) })
    node.from(2, 'append', {}, 2)
    expect(node.status).toMatchObject({ role: 'follower', term: 2, leader: 2 })
  })

  it('a candidate takes over a later term and follows', () => {
    const node = new Single({ options: plain })
    node.wait()
    expect(node.status).toMatchObject({ role: 'candidate', term: 1 })
    node.from(2, 'append', {}, 2)
    expect(node.status).toMatchObject({ role: 'follower', term: 2, leader: 2 })
  })

  it('a leader takes over a later term and follows', () => {
    const node = new Single().lead()
    node.from(2, 'append', {}, node.status.term + 1)
    expect(node.status).toMatchObject({ role: 'follower', term: 2, leader: 2 })
  })

  it('a message of an earlier term changes nothing, and its sender is told the term', () => {
    const node = new Single({ restored: restoredWith(2) })
    expect(node.from(2, 'append', { entries: entriesOf(1, 1), commit: 1 }, 1)).toBe('stale-term')
    expect(node.status).toMatchObject({ term: 2, leader: 0, lastIndex: 0, commit: 0 })
    expect(node.sent()).toMatchObject([{ type: 'append-result', reject: true, term: 2 }])
  })
})

describe('5.2 leader election', () => {
  it('servers start as followers', () => {
    expect(new Single().status).toMatchObject({ role: 'follower', term: 0, leader: 0 })
  })

  it('a leader sends heartbeats without entries to all followers at each interval', () => {
    const node = new Single().settle()
    node.elapse(100)
    expect(node.transcript()).toEqual(['→2 t1 heartbeat commit 1', '→3 t1 heartbeat commit 1'])
    node.elapse(50)
    expect(node.transcript()).toEqual([])
    node.elapse(50)
    expect(node.sent('heartbeat')).toHaveLength(2)
  })

  it.each(['follower', 'candidate'])(
    'a %s that hears nothing for its timeout stands in the next term and asks all others',
    (role) => {
      const node = new Single({ options: plain, restored: restoredWith(role === 'follower' ? 1 : 0) })
      if (role === 'candidate') {
        node.wait()
        node.sent()
      }
      node.wait()
      expect(node.status).toMatchObject({ role: 'candidate', term: 2, vote: 1 })
      expect(node.transcript()).toEqual(['→2 t2 vote 0/0', '→3 t2 vote 0/0'])
    },
  )

  it.each([
    [1, {}, 'leader'],
    [3, { 2: true, 3: true }, 'leader'],
    [3, { 2: true }, 'leader'],
    [5, { 2: true, 3: true, 4: true, 5: true }, 'leader'],
    [5, { 2: true, 3: true, 4: true }, 'leader'],
    [5, { 2: true, 3: true }, 'leader'],
    [3, { 2: false, 3: false }, 'follower'],
    [5, { 2: false, 3: false, 4: false, 5: false }, 'follower'],
    [5, { 2: true, 3: false, 4: false, 5: false }, 'follower'],
    [3, {}, 'candidate'],
    [5, { 2: true }, 'candidate'],
    [5, { 2: false, 3: false }, 'candidate'],
    [5, {}, 'candidate'],
  ] as const)('in one round, of %i servers with answers %o, it becomes %s', (size, votes, role) => {
    const node = new Single({ voters: sizeOf(size), options: plain })
    node.wait()
    for (const [id, vote] of Object.entries(votes)) node.from(Number(id), 'vote-result', { reject: !vote }, 1)
    expect(node.status).toMatchObject({ role, term: 1 })
  })

  it('the same vote counts once, and a second answer of a voter does not replace its first', () => {
    const node = new Single({ voters: sizeOf(5), options: plain })
    node.wait()
    node.from(2, 'vote-result')
    node.from(2, 'vote-result')
    expect(node.status.role).toBe('candidate')
    node.from(2, 'vote-result', { reject: true })
    node.from(3, 'vote-result')
    expect(node.status.role).toBe('leader')
  })

  it.each([
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ])(
    'a follower votes for one candidate a term, first come first served: voted %i, asked by %i, grants %s',
    (vote, candidate, granted) => {
      const node = new Single({ restored: restoredWith(1, vote) })
      node.from(candidate, 'vote', {}, 1)
      expect(node.sent()).toMatchObject([{ type: 'vote-result', to: candidate, term: 1, reject: !granted }])
    },
  )

  it.each([1, 2])('a candidate that hears from a leader of term %i, not below its own, follows it', (term) => {
    const node = new Single({ options: plain })
    node.wait()
    node.from(2, 'append', {}, term)
    expect(node.status).toMatchObject({ role: 'follower', term, leader: 2 })
  })

  it.each(['follower', 'candidate'])("a %s's election timeout is random from [T, 2T)", (role) => {
    const node = new Single({ options: plain, random: seeded(1) })
    const seen = new Set<number>()
    for (let round = 0; round < 500; round++) {
      if (role === 'follower') node.from(2, 'append', {}, node.status.term + 1)
      const timeout = node.core.deadline - node.now
      expect(timeout).toBeGreaterThanOrEqual(T)
      expect(timeout).toBeLessThan(2 * T)
      seen.add(Math.floor(timeout / 60))
      if (role === 'candidate') node.wait()
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  it.each(['followers', 'candidates'])('of five %s mostly one times out alone, so votes are seldom split', (role) => {
    const nodes = sizeOf(5).map((id) => new Single({ id, voters: sizeOf(5), options: plain, random: seeded(id) }))
    let conflicts = 0
    for (let round = 0; round < 1000; round++) {
      for (const node of nodes) {
        if (role === 'followers') node.from((node.core.id % 5) + 1, 'append', {}, node.status.term + 1)
        else node.wait()
      }
      const timeouts = nodes.map((node) => node.core.deadline - node.now).sort((a, b) => a - b)
      // Less than a round trip apart: a tenth of T.
      if (timeouts[1]! - timeouts[0]! < T / 10) conflicts++
    }
    expect(conflicts / 1000).toBeLessThanOrEqual(0.45)
  })

  it('a vote leaves only when it is durable, and so does a request for votes', () => {
    const voter = new Single()
    voter.instant = false
    voter.from(2, 'vote', {}, 1)
    expect(voter.sent()).toEqual([])
    expect(voter.batches).toMatchObject([{ hardState: { term: 1, vote: 2 }, sync: true }])
    voter.sync()
    expect(voter.transcript()).toEqual(['→2 t1 vote-result'])

    const candidate = new Single({ options: plain })
    candidate.instant = false
    candidate.wait()
    expect(candidate.sent()).toEqual([])
    candidate.sync()
    expect(candidate.sent('vote')).toHaveLength(2)
  })

  it('a lone server leads at once after a start, when its own vote is durable', () => {
    const node = new Single({ voters: [1], restored: restoredWith(4, 1, [4], 1) })
    node.instant = false
    expect(node.core.deadline).toBe(0)
    node.elapse(0)
    expect(node.status.role).toBe('candidate')
    node.sync()
    expect(node.status).toMatchObject({ role: 'leader', term: 5, commit: 1 })
    node.sync()
    expect(node.status.commit).toBe(2)
  })
})

describe('5.3 log replication', () => {
  it('a leader appends a proposal to its log and sends it to all in parallel, before its own disk has it', () => {
    const node = new Single().settle()
    node.instant = false
    node.propose('x')
    expect(node.status).toMatchObject({ lastIndex: 2, commit: 1, stable: 1 })
    expect(node.transcript()).toEqual(['→2 t1 append after 1/1 [2/1] commit 1', '→3 t1 append after 1/1 [2/1] commit 1'])
    expect(node.batches.at(-1)).toMatchObject({ entries: [{ index: 2, term: 1 }], hardState: undefined, sync: true })
  })

  it('a leader commits what a majority has, hands it out and tells all', () => {
    const node = new Single().settle()
    node.propose('x')
    node.acceptAll([2])
    expect(node.status.commit).toBe(2)
    expect(node.committed.at(-1)).toMatchObject({ index: 2, term: 1, payload: bytes('x') })
    const told = node.sent('append')
    expect(told).toMatchObject([
      { to: 2, commit: 2, entries: [] },
      { to: 3, commit: 2, entries: [] },
    ])
  })

  it.each([
    [1, [], true],
    [3, [], false],
    [3, [2], true],
    [3, [2, 3], true],
    [5, [], false],
    [5, [2], false],
    [5, [2, 3], true],
    [5, [2, 3, 4], true],
    [5, [2, 3, 4, 5], true],
  ])('of %i servers, with %o having taken it, committed: %s', (size, acceptors, committed) => {
    const node = new Single({ voters: sizeOf(size) }).settle()
    node.propose('x')
    node.acceptAll(acceptors)
    expect(node.status.commit === 2).toBe(committed)
  })

  it("a leader's own entry counts only when it is durable, on a lone server too", () => {
    for (const size of [1, 2, 3]) {
      const node = new Single({ voters: sizeOf(size) }).settle()
      node.instant = false
      node.propose('x')
      node.acceptAll([2])
      expect(node.status.commit).toBe(1)
      node.sync()
      expect(node.status.commit).toBe(2)
    }
  })

  it('what others have made durable is committed before the leader is, but handed out only when the leader has it', () => {
    const node = new Single().settle()
    node.instant = false
    node.propose('x')
    node.acceptAll([2, 3])
    expect(node.status).toMatchObject({ commit: 2, stable: 1 })
    expect(node.committed.at(-1)?.index).toBe(1)
    node.sync()
    expect(node.committed.at(-1)?.index).toBe(2)
  })

  it.each([[[]], [[2]], [[1, 2]], [[1]]])('with its own entry a leader commits all before it, of terms %o', (terms) => {
    const node = new Single({ restored: restoredWith(2, 0, terms) }).lead()
    node.propose('x')
    node.acceptAll()
    node.acceptAll()
    const handed = node.committed.map(({ index, term }) => [index, term])
    const last = terms.length
    expect(handed).toEqual([...terms.map((term, i) => [i + 1, term]), [last + 1, 3], [last + 2, 3]])
  })

  it.each([
    [[1], 1],
    [[1, 1], 2],
    [[1, 1], 1],
  ])('a follower hands out, in order, what the leader says is committed: terms %o, commit %i', (terms, commit) => {
    const node = new Single({ restored: restoredWith(1) })
    node.from(2, 'append', { entries: entriesOf(1, ...terms), commit })
    expect(node.status.commit).toBe(commit)
    expect(node.committed.map(({ index }) => index)).toEqual(sizeOf(commit))
  })

  it('a follower takes a commit index only as far as its log is known to agree', () => {
    const node = new Single({ restored: restoredWith(2, 0, [1, 1, 1]) })
    node.from(2, 'append', { index: 1, logTerm: 1, commit: 3 })
    expect(node.status.commit).toBe(1)
  })

  it.each([
    [0, 0, '→2 t2 have 1'],
    [1, 1, '→2 t2 have 1'],
    [2, 2, '→2 t2 have 2'],
    [2, 1, '→2 t2 refuse 2, try 1/1'],
    [3, 2, '→2 t2 refuse 3, try 2/2'],
  ])('a follower with terms [1 2] and commit 1 answers an append after %i of term %i: %s', (index, logTerm, answer) => {
    const node = new Single({ restored: restoredWith(2, 0, [1, 2], 1) })
    node.from(2, 'append', { index, logTerm })
    expect(node.transcript()).toEqual([answer])
  })

  it.each([
    [2, 2, entriesOf(3, 3), [1, 2, 3], [3]],
    [1, 1, entriesOf(2, 3, 4), [1, 3, 4], [2, 3]],
    [0, 0, entriesOf(1, 1), [1, 2], []],
    [0, 0, entriesOf(1, 3), [3], [1]],
  ])(
    'a follower with terms [1 2] given, after %i of term %i, %o has then %o and writes %o',
    (index, logTerm, entries, terms, written) => {
      const node = new Single({ restored: restoredWith(4, 0, [1, 2]) })
      node.from(2, 'append', { index, logTerm, entries }, 4)
      expect(sizeOf(node.status.lastIndex).map((at) => node.core.entryAt(at)!.term)).toEqual(terms)
      expect(node.batches.flatMap((batch) => batch.entries.map((each) => each.index))).toEqual(written)
    },
  )

  it('an answer to an append leaves only when its entries are durable', () => {
    const node = new Single({ restored: restoredWith(1) })
    node.instant = false
    node.from(2, 'append', { entries: entriesOf(1, 1) })
    node.from(2, 'append', { index: 1, logTerm: 1, entries: entriesOf(2, 1) })
    // The same again: it is in the log, but not on the disk yet.
    node.from(2, 'append', { entries: entriesOf(1, 1) })
    expect(node.sent()).toEqual([])
    node.core.persisted(node.batches[0]!.sequence, node.now)
    node.pump()
    expect(node.transcript()).toEqual(['→2 t1 have 1'])
    node.sync()
    expect(node.transcript()).toEqual(['→2 t1 have 2'])
  })

  it('a batch that is durable does not vouch for entries that were replaced while it was written', () => {
    const node = new Single({ restored: restoredWith(1), voters: [1, 2, 3] })
    node.instant = false
    node.from(2, 'append', { entries: entriesOf(1, 1, 1, 1) }, 1)
    node.from(3, 'append', { index: 1, logTerm: 1, entries: entriesOf(2, 2) }, 2)
    node.from(2, 'append', { index: 1, logTerm: 1, entries: entriesOf(2, 1, 1), commit: 3 }, 3)
    expect(node.batches).toHaveLength(3)
    // The first batch held 2 and 3 of term 1 as well, but by now the disk may hold 2 of term 2.
    node.core.persisted(1, node.now)
    expect(node.status.stable).toBe(1)
    node.sync()
    expect(node.status).toMatchObject({ stable: 3, commit: 3 })
  })

  it.each([
    [[1, 1, 1, 4, 4, 5, 5, 6, 6]],
    [[1, 1, 1, 4]],
    [[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    [[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    [[1, 1, 1, 4, 4, 4, 4]],
    [[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7: a leader brings a follower with terms %o to its own log', (terms) => {
    const own = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    const leader = new Single({ options: plain, restored: restoredWith(8, 0, own, own.length) })
    const follower = new Single({ id: 2, options: plain, restored: restoredWith(7, 0, terms) })
    const group = new Group(leader, follower)
    leader.wait()
    group.settle()
    // The follower may have the longer log; the third server, which is not there, votes for the leader.
    leader.from(3, 'vote-result', {}, 9)
    leader.propose('x')
    group.settle()
    const log = (node: Single): string[] => sizeOf(node.status.lastIndex).map((at) => `${at}/${node.core.entryAt(at)!.term}`)
    expect(log(follower)).toEqual(log(leader))
    expect(follower.status.lastIndex).toBe(12)
    expect(follower.status.commit).toBe(12)
  })
})

describe('5.4.1 election restriction', () => {
  it.each([[[1]], [[1, 2]]])('a request for votes names the last entry of a log with terms %o', (terms) => {
    const node = new Single({ options: plain })
    node.from(2, 'append', { entries: entriesOf(1, ...terms) }, terms.at(-1)!)
    node.sent()
    node.wait()
    const term = terms.at(-1)! + 1
    expect(node.transcript()).toEqual([2, 3].map((id) => `→${id} t${term} vote ${terms.length}/${terms.at(-1)}`))
  })

  it.each([
    [[1], 1, 1, true],
    [[1], 1, 2, true],
    [[1, 1], 1, 1, false],
    [[1], 2, 1, true],
    [[1], 2, 2, true],
    [[1, 1], 2, 1, true],
    [[2], 1, 1, false],
    [[2], 1, 2, false],
    [[2, 2], 1, 1, false],
    [[1, 1], 1, 1, false],
  ])('a voter with terms %o, asked with last term %i at index %i, grants: %s', (terms, logTerm, index, granted) => {
    for (const type of ['vote', 'pre-vote'] as const) {
      const node = new Single({ voters: [1, 2], restored: restoredWith(2, 0, terms) })
      node.from(2, type, { logTerm, index }, 3)
      expect(node.sent()).toMatchObject([{ type: `${type}-result`, reject: !granted }])
    }
  })
})

describe('5.4.2 entries of earlier terms', () => {
  it.each([
    [1, 0],
    [2, 0],
    [3, 3],
  ])('are never committed by counting: a follower has %i, commit is %i', (match, commit) => {
    const node = new Single({ voters: [1, 2], restored: restoredWith(2, 0, [1, 2]) }).lead()
    node.from(2, 'append-result', { index: match })
    expect(node.status).toMatchObject({ term: 3, commit })
  })
})

describe('figure 2, rules for all', () => {
  it('wrong, foreign and impossible messages are dropped with a reason, and change nothing', () => {
    const node = new Single().settle()
    const before = node.status
    const send = (type: MessageType, change: Record<string, unknown>): unknown => {
      const message = { type, from: 2, to: 1, term: 1, incarnation: 1002, index: 0, logTerm: 0, commit: 0, hint: 0, context: 0 }
      return node.core.receive({ ...message, reject: false, entries: [], snapshot: undefined, ...change } as never, node.now)
    }
    expect(node.core.receive(undefined as never, 0)).toBe('malformed')
    expect(send('append-result', { to: 3 })).toBe('wrong-receiver')
    expect(send('append-result', { from: 1 })).toBe('unknown-sender')
    expect(send('append-result', { from: 9 })).toBe('unknown-sender')
    expect(send('append-result', { index: 99 })).toBe('impossible-index')
    expect(send('append-result', { index: 99, reject: true })).toBe('impossible-index')
    expect(send('append', {})).toBe('second-leader')
    expect(send('heartbeat', {})).toBe('second-leader')
    expect(send('vote-result', {})).toBe('unexpected')
    expect(send('timeout-now', {})).toBe('unexpected')
    expect(send('append-result', { incarnation: 5 })).toBe('amnesiac-sender')
    for (const change of [
      { index: -1 },
      { index: 1.5 },
      { term: Number.NaN },
      { entries: undefined },
      { entries: [entry(5, 1)] },
      { index: 1, logTerm: 1, entries: [entry(2, 3)] },
      { index: 1, logTerm: 1, entries: [{ ...entry(2, 1), payload: 'text' }] },
      { index: 1, logTerm: 1, entries: [{ ...entry(2, 1), kind: 'other' }] },
      { index: 1, logTerm: 1, entries: [null] },
      { index: 3, logTerm: 0 },
    ])
      expect(send('append', change), JSON.stringify(change)).toBe('malformed')
    for (const snapshot of [
      undefined,
      {},
      { index: 5, term: 1, membership: { voters: [2, 1], outgoing: [], learners: [] }, data: bytes('') },
    ])
      expect(send('snapshot', { snapshot })).toBe('malformed')
    expect(node.status).toEqual(before)
  })

  it('a follower whose leader claims more than it has acknowledged does not commit it', () => {
    const node = new Single({ restored: restoredWith(1, 0, [1]) })
    expect(node.from(2, 'heartbeat', { commit: 5 })).toBe('impossible-index')
    expect(node.status.commit).toBe(0)
  })
})
