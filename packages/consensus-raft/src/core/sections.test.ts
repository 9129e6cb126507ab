/** What the paper's later sections and the dissertation add: members, snapshots, pre-vote, check-quorum, leadership transfer, reads. */
import { describe, expect, it } from 'vitest'
import { makeMessage } from './message.ts'
import { Group } from './testing/group.fixture.ts'
import { bytes, entriesOf, entry, founding, Single, sizeOf, T } from './testing/single.fixture.ts'
import type { MemberId, Membership, Snapshot } from './types.ts'

const groupOf = (size: number): Group =>
  new Group(...sizeOf(size).map((id) => new Single({ id, voters: sizeOf(size), random: id / 10 })))

/** The group elects its first member. */
const elected = (size: number): { group: Group; leader: Single } => {
  const group = groupOf(size)
  group.elapse(T * 1.1 + 1)
  const leader = group.member(1)
  expect(leader.status.role).toBe('leader')
  return { group, leader }
}

const change = (node: Single, voters: MemberId[], learners: MemberId[] = [], payload = 'config'): ReturnType<Single['propose']> =>
  node.core.proposeConfig(bytes(payload), { voters, learners }, node.now)

describe('section 6: cluster membership changes', () => {
  it('a change of voters is one entry with block and membership, in force from appending, and ends by an entry without payload', () => {
    const { group, leader } = elected(3)
    const index = leader.status.lastIndex + 1
    expect(change(leader, [1, 2])).toEqual({ accepted: true, index, term: 1 })
    expect(leader.status.membership).toEqual({ voters: [1, 2], outgoing: [1, 2, 3], learners: [] })
    group.settle()
    expect(leader.status.membership).toEqual({ voters: [1, 2], outgoing: [], learners: [] })
    const applied = leader.committed.slice(-2)
    expect(applied).toMatchObject([
      { kind: 'config', payload: bytes('config'), membership: { voters: [1, 2], outgoing: [1, 2, 3] } },
      { kind: 'empty', payload: bytes(''), membership: { voters: [1, 2], outgoing: [] } },
    ])
    expect(group.member(2).status.membership).toEqual(leader.status.membership)
  })

  it('while joint, both majorities decide commits', () => {
    const node = new Single({ voters: [1, 2, 3] }).settle()
    change(node, [1, 4, 5])
    node.pump()
    node.sent()
    const index = node.status.lastIndex
    for (const id of [4, 5]) node.from(id, 'append-result', { index })
    expect(node.status.commit).toBe(index - 1)
    node.from(2, 'append-result', { index })
    expect(node.status.commit).toBe(index)
  })

  it('while joint, both majorities decide elections', () => {
    const membership: Membership = { voters: [1, 4, 5], outgoing: [1, 2, 3], learners: [] }
    const entries = [entry(1, 1, 'config', membership)]
    const node = new Single({ options: { preVote: false }, restored: { hardState: { term: 1, vote: 0, commit: 0 }, entries } })
    node.wait()
    expect(node.sent('vote').map(({ to }) => to)).toEqual([2, 3, 4, 5])
    node.from(4, 'vote-result')
    node.from(5, 'vote-result')
    expect(node.status.role).toBe('candidate')
    node.from(2, 'vote-result')
    expect(node.status.role).toBe('leader')
  })

  it('an uncommitted change goes back when its entry is truncated', () => {
    const node = new Single({ restored: { hardState: { term: 1, vote: 0, commit: 0 } } })
    const membership: Membership = { voters: [1, 2], outgoing: [1, 2, 3], learners: [] }
    node.from(2, 'append', { entries: [entry(1, 1, 'config', membership)] }, 1)
    expect(node.status.membership).toEqual(membership)
    node.from(3, 'append', { entries: entriesOf(1, 2) }, 2)
    expect(node.status.membership).toEqual({ voters: [1, 2, 3], outgoing: [], learners: [] })
    expect(node.effects.flatMap((effects) => effects.membership ?? []).map(({ index }) => index)).toEqual([1, 0])
  })

  it('a second change is refused until the first has ended', () => {
    const node = new Single().settle()
    expect(change(node, [1, 2]).accepted).toBe(true)
    expect(change(node, [1, 3])).toEqual({ accepted: false, reason: 'change-pending', leader: 1 })
    node.pump()
    node.acceptAll([2, 3])
    expect(change(node, [1, 3])).toMatchObject({ reason: 'change-pending' })
    node.acceptAll([2, 3])
    expect(change(node, [1, 3]).accepted).toBe(true)
  })

  it('a leader that has committed nothing of its term refuses changes, since it may not know of a pending one', () => {
    const node = new Single().lead()
    expect(change(node, [1, 2])).toMatchObject({ accepted: false, reason: 'leader-too-new' })
    node.acceptAll()
    expect(change(node, [1, 2]).accepted).toBe(true)
  })

  it('refuses what is no membership', () => {
    const node = new Single().settle()
    for (const [voters, learners] of [
      [[], [1]],
      [[1, 1], []],
      [[1, 2], [2]],
      [[0, 1], []],
      [[1.5], []],
      [[-1, 2], []],
    ] as const)
      expect(change(node, [...voters], [...learners])).toMatchObject({ accepted: false, reason: 'invalid-membership' })
  })

  it('a config block without a change of members is an entry without membership, whatever is pending', () => {
    const node = new Single().settle()
    expect(change(node, [1, 2]).accepted).toBe(true)
    expect(node.core.proposeConfig(bytes('timeout'), undefined, node.now)).toMatchObject({ accepted: true })
    expect(node.core.entryAt(node.status.lastIndex)).toMatchObject({ kind: 'config', membership: undefined })
  })

  it('a learner gets the log, counts for nothing, and never stands', () => {
    const node = new Single({ voters: [1, 2, 3], learners: [4] }).settle()
    node.propose('x')
    node.from(4, 'append-result', { index: node.status.lastIndex })
    expect(node.status.commit).toBe(1)
    const learner = new Single({ id: 4, voters: [1, 2, 3], learners: [4] })
    expect(learner.core.deadline).toBe(Number.POSITIVE_INFINITY)
    learner.elapse(10 * T)
    expect(learner.status.role).toBe('follower')
  })

  it('a learner votes when asked: it may have been made a voter without knowing', () => {
    const learner = new Single({ id: 4, voters: [1, 2, 3], learners: [4] })
    learner.from(2, 'vote', {}, 1)
    expect(learner.sent()).toMatchObject([{ type: 'vote-result', reject: false }])
  })

  it('a leader that is removed hands over when that is committed, and the heir ends the change', () => {
    const { group, leader } = elected(3)
    change(leader, [2, 3])
    group.settle()
    expect(leader.status).toMatchObject({ role: 'follower' })
    const heir = [2, 3].map((id) => group.member(id)).find((node) => node.status.role === 'leader')!
    expect(heir.status).toMatchObject({ term: 2, membership: { voters: [2, 3], outgoing: [] } })
    expect(heir.propose('x').accepted).toBe(true)
    group.settle()
    expect(heir.status.commit).toBe(heir.status.lastIndex)
    expect(leader.core.deadline).toBe(Number.POSITIVE_INFINITY)
  })

  it('a leader that is removed and finds no heir ends the change itself, then steps down', () => {
    const { group, leader } = elected(3)
    group.drop = ({ type }) => type === 'timeout-now'
    change(leader, [2, 3])
    group.settle()
    expect(leader.status.transferTo).not.toBe(0)
    expect(leader.propose('x')).toMatchObject({ reason: 'transferring' })
    for (let i = 0; i < 6; i++) group.elapse(100)
    expect(leader.status).toMatchObject({ role: 'follower', leader: 0, membership: { voters: [2, 3], outgoing: [] } })
    expect(group.member(2).status.commit).toBe(leader.status.commit)
  })

  it('one whose removal is not committed still stands, without its own vote: nobody else might win (dissertation 4.2.2)', () => {
    const joint: Membership = { voters: [2], outgoing: [1, 2], learners: [] }
    const ended: Membership = { voters: [2], outgoing: [], learners: [] }
    const entries = [entry(1, 1, 'config', joint), { ...entry(2, 1, '', ended) }]
    const node = new Single({ voters: [1, 2], restored: { hardState: { term: 1, vote: 1, commit: 1 }, entries } })
    node.wait()
    node.from(2, 'pre-vote-result', {}, 2)
    expect(node.status.role).toBe('candidate')
    node.from(2, 'vote-result')
    expect(node.status.role).toBe('leader')
    node.acceptAll()
    expect(node.status).toMatchObject({ role: 'follower', commit: 3 })
    expect(node.core.deadline).toBe(Number.POSITIVE_INFINITY)
  })

  it('one who joins learns the members from the log, from its first entry on', () => {
    const { group, leader } = elected(3)
    const joiner = new Single({ id: 4, restored: {} })
    const wider = new Group(...[1, 2, 3].map((id) => group.member(id)), joiner)
    const empty = new Single({ id: 5, restored: {} })
    expect(empty.core.deadline).toBe(Number.POSITIVE_INFINITY)
    change(leader, [1, 2, 3], [4])
    wider.settle()
    leader.elapse(100)
    wider.settle()
    expect(joiner.status).toMatchObject({ membership: { voters: [1, 2, 3], learners: [4] }, commit: leader.status.commit })
  })

  it('the way back: a fresh id takes the place of one whose disk was lost, with the quorum of those that stayed', () => {
    const { group, leader } = elected(3)
    leader.propose('a', 'b')
    group.settle()
    const fresh = new Single({ id: 1003, restored: { snapshot: founding(1, 2, 3) } })
    const stayed = new Group(leader, group.member(2), fresh)
    expect(leader.core.proposeConfig(bytes(''), { voters: [1, 2, 1003], learners: [] }, leader.now).accepted).toBe(true)
    stayed.settle()
    leader.elapse(100)
    stayed.settle()
    expect(leader.status.membership).toEqual({ voters: [1, 2, 1003], outgoing: [], learners: [] })
    expect(fresh.status.commit).toBe(leader.status.commit)
    expect(fresh.committed.filter(({ kind }) => kind === 'normal').map(({ payload }) => payload)).toEqual([
      bytes('a'),
      bytes('b'),
    ])
  })
})

describe('a lost disk', () => {
  it('a member heard with a second incarnation is dropped and told, and then silent for ever', () => {
    const node = new Single().settle()
    const wiped = new Single({ id: 2, options: { incarnation: 77, preVote: false } })
    wiped.wait()
    const request = wiped.sent('vote').find(({ to }) => to === 1)!
    expect(node.core.receive({ ...request, context: 1 }, node.now)).toBe('amnesiac-sender')
    node.pump()
    const [disown] = node.sent('disown')
    wiped.core.receive(disown!, wiped.now)
    wiped.pump()
    expect(wiped.effects.at(-1)!.disowned).toBe(true)
    expect(wiped.core.deadline).toBe(Number.POSITIVE_INFINITY)
    expect(wiped.from(3, 'vote', {}, 9)).toBe('silent')
    expect(wiped.sent()).toEqual([])
  })

  it('a disowning of another incarnation does not concern this one', () => {
    const node = new Single()
    expect(node.from(2, 'disown', { context: 5 }, 0)).toBe('unexpected')
    expect(node.status.silent).toBe('no')
  })

  const founder = (id: MemberId, incarnation = 11): Single =>
    new Single({ id, options: { incarnation }, random: id / 10, restored: { founding: 'survey' } })

  it('founders that survey take no part until all others have answered', () => {
    const nodes = [1, 2, 3].map((id) => founder(id))
    const group = new Group(...nodes)
    group.drop = ({ from, type }) => from === 3 && type === 'survey-result'
    for (let i = 0; i < 20; i++) group.elapse(100)
    expect(nodes.map((node) => node.status.silent)).toEqual(['survey', 'survey', 'no'])
    const request = makeMessage({ id: 3, incarnation: 11, term: 1 }, 'vote', 1, {})
    expect(nodes[0]!.core.receive(request, nodes[0]!.now)).toBe('silent')
    group.drop = () => false
    for (let i = 0; i < 20; i++) group.elapse(100)
    expect(nodes.map((node) => node.status.silent)).toEqual(['no', 'no', 'no'])
    expect(nodes.filter((node) => node.status.role === 'leader')).toHaveLength(1)
  })

  it('a survey that is over is durable, and is not held again', () => {
    const nodes = [1, 2, 3].map((id) => founder(id))
    const group = new Group(...nodes)
    group.elapse(100)
    expect(nodes[0]!.batches).toMatchObject([{ hardState: { term: 0, vote: 0, commit: 0 }, sync: true }])
    const again = new Single({ restored: { founding: 'survey', hardState: { term: 0, vote: 0, commit: 0 } } })
    expect(again.status.silent).toBe('no')
  })

  it('a founder that lost its disk is condemned by whoever has history, even if that is only a vote', () => {
    const nodes = [1, 2, 3].map((id) => founder(id))
    const group = new Group(...nodes)
    group.elapse(100)
    group.drop = ({ type }) => type === 'vote-result'
    group.elapse(2 * T)
    const wiped = founder(3, 99)
    const later = new Group(nodes[0]!, nodes[1]!, wiped)
    later.elapse(100)
    expect(wiped.status.silent).toBe('disowned')
    expect(wiped.effects.some(({ disowned }) => disowned)).toBe(true)
  })

  it('a founder who cannot finish, because another is gone for ever, gives up its id once the others have a leader', () => {
    const node = founder(1)
    node.elapse(9 * T)
    node.from(2, 'heartbeat', {}, 3)
    expect(node.status.silent).toBe('survey')
    node.elapse(2 * T)
    node.from(2, 'heartbeat', {}, 3)
    expect(node.status.silent).toBe('disowned')
  })
})

describe('section 7: snapshots and compaction', () => {
  /** A leader with ten entries, of which it has compacted all but the last two. */
  const compacted = (): { node: Single; snapshot: Snapshot } => {
    const node = new Single().settle()
    node.propose(...'bcdefghij')
    node.acceptAll([2])
    node.acceptAll([2])
    node.core.applied(10)
    const snapshot = node.core.snapshotAt(8, bytes('block 8'))
    node.core.compact(snapshot, 0)
    node.sent()
    return { node, snapshot }
  }

  it('a snapshot names index, term and members, and only of what is applied', () => {
    const { node, snapshot } = compacted()
    expect(snapshot).toMatchObject({ index: 8, term: 1, membership: { voters: [1, 2, 3] }, data: bytes('block 8') })
    expect(node.status).toMatchObject({ firstIndex: 9, lastIndex: 10 })
    expect(() => node.core.snapshotAt(11, bytes(''))).toThrow(RangeError)
    expect(() => node.core.snapshotAt(3, bytes(''))).toThrow(RangeError)
  })

  it('what was not applied is not compacted, nor is anything twice', () => {
    const { node, snapshot } = compacted()
    node.propose('k')
    node.core.compact({ ...snapshot, index: 11, term: 1 }, 0)
    node.core.compact({ ...snapshot, index: 9, term: 7 }, 0)
    node.core.compact(snapshot, 0)
    expect(node.status.firstIndex).toBe(9)
  })

  it('entries kept before the snapshot serve slow followers', () => {
    const node = new Single().settle()
    node.propose(...'bcdefghij')
    node.acceptAll([2])
    node.core.applied(10)
    node.core.compact(node.core.snapshotAt(8, bytes('')), 3)
    expect(node.status.firstIndex).toBe(6)
  })

  it('a follower that needs what is compacted gets the snapshot, then the entries after it', () => {
    const { node } = compacted()
    node.from(3, 'append-result', { index: 9, reject: true, hint: 0 })
    expect(node.transcript()).toEqual(['→3 t1 snapshot 8/1'])
    node.propose('k')
    expect(node.sent().filter(({ to }) => to === 3)).toEqual([])
    node.from(3, 'append-result', { index: 8 })
    expect(node.transcript()).toEqual(['→3 t1 append after 8/1 [9/1 10/1 11/1] commit 10'])
  })

  it('a snapshot that was lost is sent again, but not before T has passed', () => {
    const { node } = compacted()
    node.from(3, 'append-result', { index: 9, reject: true, hint: 0 })
    node.sent()
    node.now += T - 1
    node.from(3, 'heartbeat-result')
    expect(node.sent('snapshot')).toEqual([])
    node.now += 1
    node.from(3, 'heartbeat-result')
    expect(node.sent('snapshot')).toHaveLength(1)
  })

  const snapshot: Snapshot = { index: 8, term: 2, membership: founding(1, 2, 3).membership, data: bytes('block 8') }

  it('a follower takes a snapshot into its log only when it is installed, and answers when that is durable', () => {
    const node = new Single({ restored: { hardState: { term: 2, vote: 0, commit: 1 }, entries: entriesOf(1, 1, 1, 1) } })
    node.instant = false
    node.from(2, 'snapshot', { snapshot }, 3)
    expect(node.effects.at(-1)!.install).toEqual(snapshot)
    expect(node.status).toMatchObject({ lastIndex: 3, commit: 1 })
    node.sync()
    expect(node.sent()).toEqual([])
    node.core.installed(8, node.now)
    node.pump()
    expect(node.batches.at(-1)).toMatchObject({ snapshot, entries: [], sync: true })
    expect(node.status).toMatchObject({ firstIndex: 9, lastIndex: 8, commit: 8, applied: 8 })
    expect(node.sent()).toEqual([])
    node.sync()
    expect(node.transcript()).toEqual(['→2 t3 have 8'])
    node.from(2, 'append', { index: 8, logTerm: 2, entries: entriesOf(9, 3), commit: 9 })
    node.sync()
    expect(node.committed.map(({ index }) => index)).toEqual([1, 9])
  })

  it('one snapshot at a time; one that failed is forgotten', () => {
    const node = new Single()
    node.from(2, 'snapshot', { snapshot }, 3)
    node.from(2, 'snapshot', { snapshot: { ...snapshot, index: 9 } }, 3)
    expect(node.effects.filter(({ install }) => install !== undefined)).toHaveLength(1)
    node.core.installFailed(8)
    node.core.installed(8, node.now)
    expect(node.status.commit).toBe(0)
    node.from(2, 'snapshot', { snapshot: { ...snapshot, index: 9 } }, 3)
    expect(node.effects.at(-1)!.install!.index).toBe(9)
  })

  it('a snapshot of what a follower has only moves its commit index', () => {
    const node = new Single({
      restored: { hardState: { term: 2, vote: 0, commit: 1 }, entries: entriesOf(1, 1, 1, 2, 2, 2, 2, 2, 2, 2) },
    })
    node.from(2, 'snapshot', { snapshot }, 3)
    expect(node.status).toMatchObject({ firstIndex: 1, lastIndex: 9, commit: 8 })
    expect(node.transcript()).toEqual(['→2 t3 have 8'])
    node.from(2, 'snapshot', { snapshot: { ...snapshot, index: 4 } }, 3)
    expect(node.transcript()).toEqual(['→2 t3 have 8'])
  })

  it('starts again from a snapshot, handing out only what was not applied', () => {
    const entries = entriesOf(9, 2, 2, 2)
    const node = new Single({ restored: { snapshot, entries, hardState: { term: 2, vote: 0, commit: 11 }, applied: 9 } })
    node.pump()
    expect(node.committed.map(({ index }) => index)).toEqual([10, 11])
    const beyond = new Single({ restored: { snapshot, entries, hardState: { term: 2, vote: 0, commit: 10 }, applied: 50 } })
    expect(beyond.status.applied).toBe(10)
  })

  it('does not start on a log with a hole, or one that ends before what was committed', () => {
    const start =
      (restored: object): (() => Single) =>
      () =>
        new Single({ restored })
    expect(start({ snapshot, entries: entriesOf(10, 2) })).toThrow(/does not follow/)
    expect(start({ snapshot, entries: entriesOf(9, 1) })).toThrow(/does not follow/)
    expect(start({ snapshot, hardState: { term: 2, vote: 0, commit: 9 } })).toThrow(/was committed/)
  })

  it('a crash between entries and hard state of a batch raises the term, with no vote in it', () => {
    const node = new Single({ restored: { entries: entriesOf(1, 3), hardState: { term: 2, vote: 2, commit: 0 } } })
    expect(node.status).toMatchObject({ term: 3, vote: 0 })
    node.pump()
    expect(node.batches).toMatchObject([{ hardState: { term: 3, vote: 0 }, sync: true }])
  })
})

describe('dissertation 9.6: pre-vote, and check-quorum', () => {
  it('a node asks for pre-votes in the next term without entering it, and stands when a quorum would vote for it', () => {
    const node = new Single({ restored: { hardState: { term: 4, vote: 0, commit: 0 }, entries: entriesOf(1, 4) } })
    node.wait()
    expect(node.status).toMatchObject({ role: 'pre-candidate', term: 4, vote: 0 })
    expect(node.transcript()).toEqual(['→2 t5 pre-vote 1/4', '→3 t5 pre-vote 1/4'])
    expect(node.batches).toEqual([])
    node.from(2, 'pre-vote-result', {}, 5)
    expect(node.status).toMatchObject({ role: 'candidate', term: 5, vote: 1 })
  })

  it('a voter grants a pre-vote without a trace, and to several', () => {
    const node = new Single()
    for (const id of [2, 3]) node.from(id, 'pre-vote', {}, 1)
    expect(node.transcript()).toEqual(['→2 t1 pre-vote-result', '→3 t1 pre-vote-result'])
    expect(node.status).toMatchObject({ term: 0, vote: 0 })
    expect(node.batches).toEqual([])
  })

  it('a node that was cut off does not raise its term, and does not disturb when it returns', () => {
    const { group, leader } = elected(3)
    group.drop = ({ from, to }) => from === 3 || to === 3
    for (let i = 0; i < 50; i++) group.elapse(100)
    expect(group.member(3).status).toMatchObject({ term: 1, role: 'pre-candidate' })
    group.drop = () => false
    for (let i = 0; i < 5; i++) group.elapse(100)
    expect(group.member(3).status).toMatchObject({ term: 1, leader: 1, role: 'follower' })
    expect(leader.status).toMatchObject({ term: 1, role: 'leader' })
  })

  it('a candidate with a shorter log loses the pre-vote and learns a later term from the refusal', () => {
    const node = new Single()
    node.wait()
    node.from(2, 'pre-vote-result', { reject: true }, 7)
    expect(node.status).toMatchObject({ role: 'follower', term: 7, leader: 0 })
  })

  it.each(['vote', 'pre-vote'] as const)(
    'a %s is not looked at while a leader is heard, and is when it has been silent for T',
    (type) => {
      const node = new Single()
      node.from(2, 'heartbeat', {}, 1)
      node.sent()
      node.now += T - 1
      expect(node.from(3, type, {}, 2)).toBe('leased')
      expect(node.status.term).toBe(1)
      expect(node.sent()).toEqual([])
      node.now += 1
      expect(node.from(3, type, {}, 2)).toBeUndefined()
      expect(node.sent()).toMatchObject([{ type: `${type}-result`, reject: false }])
    },
  )

  it('a leader ignores candidates, and without check-quorum gives way to them', () => {
    const node = new Single().settle()
    expect(node.from(3, 'vote', { index: 9, logTerm: 1 }, 2)).toBe('leased')
    const lax = new Single({ options: { checkQuorum: false } }).settle()
    lax.from(3, 'vote', { index: 9, logTerm: 1 }, 2)
    expect(lax.status).toMatchObject({ role: 'follower', term: 2, vote: 3 })
  })

  it('a leader that hears from no quorum for T steps down', () => {
    const node = new Single({ voters: sizeOf(5) }).settle()
    node.elapse(T)
    node.from(2, 'heartbeat-result')
    node.from(3, 'heartbeat-result')
    node.elapse(T)
    expect(node.status.role).toBe('leader')
    node.from(2, 'heartbeat-result')
    node.elapse(T)
    expect(node.status).toMatchObject({ role: 'follower', term: 1, leader: 0 })
  })

  it('a clock that jumps back puts off nothing, and one that jumps ahead costs an election at most', () => {
    const node = new Single()
    node.elapse(0)
    node.now = -1_000_000
    node.elapse(0)
    expect(node.core.deadline - node.now).toBeLessThan(2 * T)
    node.now = 1e12
    node.elapse(0)
    expect(node.status).toMatchObject({ role: 'pre-candidate', term: 0 })
    node.core.tick(Number.NaN)
    expect(node.core.deadline - node.now).toBeLessThan(2 * T)
  })
})

describe('dissertation 3.10: leadership transfer', () => {
  it('a target with the whole log is told at once, stands without pre-vote and in spite of leases', () => {
    const { group, leader } = elected(3)
    expect(leader.core.transfer(3, leader.now).accepted).toBe(true)
    group.settle()
    expect(group.member(3).status).toMatchObject({ role: 'leader', term: 2 })
    expect(leader.status).toMatchObject({ role: 'follower', leader: 3 })
  })

  it('a target that lags is told when it has caught up; proposals are refused meanwhile', () => {
    const node = new Single().settle()
    node.propose('x')
    node.sent()
    node.core.transfer(2, node.now)
    node.pump()
    expect(node.sent('timeout-now')).toEqual([])
    expect(node.propose('y')).toMatchObject({ accepted: false, reason: 'transferring' })
    node.from(2, 'append-result', { index: 2 })
    expect(node.sent('timeout-now')).toMatchObject([{ to: 2 }])
  })

  it('a transfer that takes T is given up', () => {
    const node = new Single().settle()
    node.core.transfer(2, node.now)
    for (let i = 0; i < 5; i++) {
      node.elapse(100)
      node.from(3, 'heartbeat-result')
    }
    expect(node.propose('x')).toMatchObject({ reason: 'transferring' })
    node.elapse(100)
    expect(node.status).toMatchObject({ role: 'leader', transferTo: 0 })
    expect(node.propose('x').accepted).toBe(true)
  })

  it('without a target the one with the longest log is chosen; itself, learners and strangers are refused', () => {
    const node = new Single({ voters: [1, 2, 3], learners: [4] }).settle()
    node.propose('x')
    node.from(3, 'append-result', { index: 2 })
    node.core.transfer(0, node.now)
    expect(node.status.transferTo).toBe(3)
    for (const to of [1, 4, 9]) expect(node.core.transfer(to, node.now)).toMatchObject({ reason: 'invalid-target' })
    expect(new Single().core.transfer(2, 0)).toMatchObject({ reason: 'not-leader' })
  })

  it('only its leader can tell a follower to stand', () => {
    const node = new Single()
    node.from(2, 'heartbeat', {}, 1)
    expect(node.from(3, 'timeout-now')).toBe('unexpected')
    expect(node.status.role).toBe('follower')
    node.from(2, 'timeout-now')
    expect(node.status).toMatchObject({ role: 'candidate', term: 2 })
    expect(node.sent('vote')).toMatchObject([{ context: 1 }, { context: 1 }])
  })
})

describe('dissertation 6.4: read index', () => {
  const reads = (node: Single): readonly { context: number; index: number }[] => node.effects.flatMap((effects) => effects.reads)

  it('a leader answers with its commit index when a quorum has confirmed it in a later round', () => {
    const node = new Single({ voters: sizeOf(5) }).settle()
    node.core.readIndex(70, node.now)
    node.core.readIndex(71, node.now)
    node.pump()
    expect(node.transcript().slice(0, 2)).toEqual(['→2 t1 heartbeat commit 1 round 1', '→3 t1 heartbeat commit 1 round 1'])
    node.from(2, 'heartbeat-result', { context: 1 })
    expect(reads(node)).toEqual([])
    node.from(2, 'heartbeat-result', { context: 1 })
    node.from(3, 'heartbeat-result', { context: 0 })
    expect(reads(node)).toEqual([])
    node.from(3, 'heartbeat-result', { context: 1 })
    expect(reads(node)).toEqual([
      { context: 70, index: 1 },
      { context: 71, index: 1 },
    ])
  })

  it('a round that nobody was asked is confirmed by nobody', () => {
    const node = new Single().settle()
    node.core.readIndex(1, node.now)
    node.pump()
    node.from(2, 'heartbeat-result', { context: 99 })
    expect(reads(node)).toEqual([])
  })

  it('waits until the leader has committed an entry of its term', () => {
    const node = new Single({ restored: { hardState: { term: 1, vote: 0, commit: 0 }, entries: entriesOf(1, 1) } }).lead()
    node.core.readIndex(7, node.now)
    node.pump()
    node.from(2, 'heartbeat-result')
    expect(reads(node)).toEqual([])
    node.acceptAll([2])
    node.acceptAll([2])
    node.from(2, 'heartbeat-result', { context: 1 })
    expect(reads(node)).toEqual([{ context: 7, index: 2 }])
  })

  it('a lone server answers at once, once it has committed', () => {
    const node = new Single({ voters: [1] }).settle()
    node.core.readIndex(7, node.now)
    node.pump()
    expect(reads(node)).toEqual([{ context: 7, index: 1 }])
  })

  it('a follower asks its leader; without one it refuses', () => {
    const { group, leader } = elected(3)
    const follower = group.member(2)
    follower.core.readIndex(42, follower.now)
    group.settle()
    expect(reads(follower)).toEqual([{ context: 42, index: leader.status.commit }])
    expect(new Single().core.readIndex(1, 0)).toEqual({ accepted: false, reason: 'not-leader', leader: 0 })
  })

  it('reads that wait are bounded', () => {
    const node = new Single().settle()
    for (let i = 0; i < 10_000; i++) expect(node.core.readIndex(i, node.now).accepted).toBe(true)
    expect(node.core.readIndex(1, node.now)).toMatchObject({ reason: 'too-many-reads' })
  })
})
