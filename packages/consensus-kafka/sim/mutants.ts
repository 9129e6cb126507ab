import type { Mutant } from '@heddle/testkit/simulator'

const order = 'packages/core/src/flow/order'
const ordering = `${order}/log-ordering.ts`
const embedded = 'packages/consensus-kafka/src/embedded'

/** Safety checks of ordering by a log, and of the embedded log, taken out one at a time. */
export const mutants: readonly Mutant[] = [
  {
    name: 'log ordering: a block begins after a record that still waits',
    file: ordering,
    find: 'holdsIt ? this.consumed : before',
    replace: 'this.consumed',
    // Needs a restart right behind a batch that one record made overflow.
    seeds: 500,
  },
  {
    name: 'log ordering: records of an older configuration are ordered',
    file: ordering,
    find: 'if (configSequence < current) {',
    replace: 'if (configSequence < 0) {',
  },
  {
    name: 'log ordering: each orderer cuts by its own clock',
    file: ordering,
    find: 'cut: () => this.askToCut(),',
    replace: 'cut: () => this.cut(),',
  },
  {
    name: 'log ordering: records of others taken for its own',
    file: ordering,
    find: 'const isMine = record.isBy(this.producer)',
    replace: 'const isMine = true',
  },
  {
    name: 'log ordering: config records stand in blocks with others',
    file: ordering,
    find: 'if (record.class === RecordClass.CONFIG) {',
    replace: 'if (record.class > RecordClass.CONFIG) {',
  },
  {
    name: 'log producer: an append of unknown outcome is said not to have happened',
    file: `${order}/log-producer.ts`,
    find: "unknown ||= duty !== 'retry'",
    replace: "unknown ||= duty === 'fix-chaincode'",
  },
  {
    name: 'embedded log: fsync taken out',
    file: `${embedded}/embedded-log.ts`,
    find: '    await file.file.datasync()\n    const next',
    replace: '    const next',
  },
]
