import type { Mutant } from '@heddle/testkit/simulator'

const raft = 'packages/consensus-raft/src'
const outbox = `${raft}/core/outbox.ts`
const heldBack = 'if (sequence <= this.#durable) {'

/** Safety checks of the Raft core, its log, its shell, and of what core lends it, taken out one at a time. */
export const mutants: readonly Mutant[] = [
  {
    name: 'raft core: votes sent before they are durable',
    file: outbox,
    find: heldBack,
    replace: "if ((message.type === 'vote-result' && message.to !== this.#owner) || sequence <= this.#durable) {",
  },
  {
    name: 'raft core: votes asked for before the own term is durable',
    file: outbox,
    find: heldBack,
    replace: "if (message.type === 'vote' || sequence <= this.#durable) {",
  },
  {
    name: 'raft core: appends answered before they are durable',
    file: outbox,
    find: heldBack,
    replace: "if (message.type === 'append-result' || sequence <= this.#durable) {",
  },
  {
    name: 'raft core: leader counts its entries before they are durable',
    file: `${raft}/core/replication.ts`,
    find: 'own?.advance(Math.min(log.stable, log.last))',
    replace: 'own?.advance(log.last)',
  },
  {
    name: 'raft core: log matching check removed',
    file: `${raft}/core/follower.ts`,
    find: 'if (log.termAt(message.index) !== message.logTerm) {',
    replace: 'if (log.termAt(message.index) === -1) {',
  },
  {
    name: 'raft core: truncation of a conflicting suffix left out',
    file: `${raft}/core/log.ts`,
    find: 'if (this.termAt(entry.index) === entry.term) continue',
    replace: 'continue',
  },
  {
    name: 'raft core: messages of earlier terms accepted',
    file: `${raft}/core/raft-core.ts`,
    find: '} else if (message.term < node.term) {',
    replace: '} else if (message.term < 0) {',
  },
  {
    name: 'raft core: quorum off by one',
    file: `${raft}/core/quorum.ts`,
    find: 'Math.floor(size / 2) + 1',
    replace: 'Math.max(1, Math.floor(size / 2))',
  },
  {
    name: 'raft core: double vote',
    file: `${raft}/core/votes.ts`,
    find: 'return ballot.vote === candidate || (ballot.vote === 0 && ballot.leader === 0)',
    replace: 'return true',
  },
  {
    name: 'raft core: vote forgotten when it is given',
    file: `${raft}/core/election.ts`,
    find: 'node.vote = message.from',
    replace: '',
  },
  {
    name: 'raft core: votes for candidates with shorter logs',
    file: `${raft}/core/election.ts`,
    find: ' && node.log.isUpToDate(message.index, message.logTerm)',
    replace: '',
  },
  {
    name: 'raft log: fsync taken out',
    file: `${raft}/log/raft-log.ts`,
    find: 'await file.datasync()',
    replace: 'await undefined',
  },
  {
    name: 'raft log: votes not synced',
    file: `${raft}/log/raft-log.ts`,
    find: 'const sync = isVote || snapshot !== undefined || entries.length > 0',
    replace: 'const sync = snapshot !== undefined || entries.length > 0',
  },
  {
    name: 'raft log: torn end not cut off',
    file: `${raft}/log/replay.ts`,
    find: 'await segment.file.truncate(end)',
    replace: '',
  },
  {
    name: 'raft log: checksums not compared',
    file: `${raft}/log/segment.ts`,
    find: 'return isFrameIntact(bytes) ? ',
    replace: 'return true ? ',
  },
  {
    name: 'raft log: damage taken for a torn end',
    file: `${raft}/log/segment.ts`,
    find: 'if (frame.durable > bad) return true',
    replace: '',
    seeds: 600,
  },
  {
    name: 'raft: lost disk not noticed',
    file: `${raft}/driver/open-replica.ts`,
    find: '...(isFounder ? { founding } : {}),',
    replace: '',
  },
  {
    name: 'raft: entries applied again after a restart',
    file: `${raft}/ordering/applier.ts`,
    find: 'if (index <= this.#appliedIndex) {',
    replace: 'if (index < 0) {',
  },
  {
    name: 'raft: blocks that were taken meanwhile made again',
    file: `${raft}/ordering/raft-ordering.ts`,
    find: 'Math.max(opened.appliedIndex, taken)',
    replace: 'opened.appliedIndex',
  },
  {
    name: 'raft: acknowledged before durable',
    file: `${raft}/ordering/submissions.ts`,
    find: '    durable.then(\n      () => {\n        for (const each of waiting) this.resolve(each, { blockNumber })',
    replace:
      '    Promise.resolve().then(\n      () => {\n        for (const each of waiting) this.resolve(each, { blockNumber })',
  },
  {
    name: 'raft: what a leader has is said not to be ordered',
    file: `${raft}/ordering/submissions.ts`,
    find: "this.reject(waiting, waiting.standing === 'sent' ? unknown() : unavailable(why))",
    replace: 'this.reject(waiting, unavailable(why))',
  },
  {
    name: 'raft: config change without a barrier',
    file: `${raft}/ordering/leader-intake.ts`,
    find: 'return this.#ready && !this.#configUnderWay',
    replace: 'return this.#ready',
  },
  {
    name: 'raft: log compacted before its blocks are durable',
    file: `${raft}/ordering/applier.ts`,
    find: 'isDurable: durable === undefined }',
    replace: 'isDurable: true }',
    seeds: 600,
  },
  {
    name: 'host: recheck under the new configuration left out',
    file: 'packages/core/src/flow/order/plugin-host.ts',
    find: 'if (submission.configSequence === config.sequence) return submission',
    replace: 'return { ...submission, configSequence: config.sequence }',
  },
]
