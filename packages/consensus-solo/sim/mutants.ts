import type { Mutant } from '@heddle/testkit/simulator'

const blockFiles = 'packages/core/src/adapters/block-files'
const order = 'packages/core/src/flow/order'
const solo = 'packages/consensus-solo/src/solo-ordering.ts'

/** Safety checks of the block store, of core's host and of solo, taken out one at a time. */
export const mutants: readonly Mutant[] = [
  {
    name: 'block store: fsync taken out',
    file: `${blockFiles}/block-file-store.ts`,
    find: 'await segment.file.datasync()',
    replace: 'await undefined',
  },
  {
    name: 'block store: new files not synced in their folder',
    file: `${blockFiles}/segment.ts`,
    find: 'await disk.syncFolder(folder)',
    replace: 'await undefined',
  },
  {
    name: 'block store: files of a killed process not synced in their folder',
    file: `${blockFiles}/recover.ts`,
    find: 'if (last !== undefined) await disk.syncFolder(folder)',
    replace: '',
    seeds: 800,
  },
  {
    name: 'block store: torn end not cut off',
    file: `${blockFiles}/recover.ts`,
    find: 'await segment.file.truncate(step.value)',
    replace: '',
  },
  {
    name: 'block store: checksums not compared',
    file: `${blockFiles}/frame.ts`,
    find: 'return bytes.readUInt32BE(20) === crc32(',
    replace: 'return true || bytes.readUInt32BE(20) === crc32(',
  },
  {
    name: 'block store: damage taken for a torn end',
    file: `${blockFiles}/segment.ts`,
    find: 'if (header.durable > number) return true',
    replace: '',
  },
  {
    name: 'host: acknowledged before durable',
    file: `${order}/block-writer.ts`,
    find: 'await (group.length === 1 ? this.store.append(group[0]!) : this.store.appendAll(group))',
    replace: 'void (group.length === 1 ? this.store.append(group[0]!) : this.store.appendAll(group)).catch(() => {})',
  },
  {
    name: 'host: envelopes of one transaction id joined whatever they say',
    file: `${order}/in-flight.ts`,
    find: '&& Buffer.compare(found.view.bytes, view.bytes) === 0',
    replace: '',
  },
  {
    name: 'host: what may be ordered is said not to be, at the end',
    file: `${order}/ordering-host.ts`,
    find: "? new OrderError('ORDER_OUTCOME_UNKNOWN', 'ordering ended before",
    replace: "? new OrderError('ORDER_UNAVAILABLE', 'ordering ended before",
  },
  {
    name: 'solo: config block overtakes what was checked before it',
    file: solo,
    find: '    this.cut()\n    const { number, durable }',
    replace: '    const { number, durable }',
  },
  {
    name: 'solo: what may be on the disk is said not to be ordered',
    file: solo,
    find: "new OrderError('ORDER_OUTCOME_UNKNOWN', 'the block did not reach",
    replace: "new OrderError('ORDER_UNAVAILABLE', 'the block did not reach",
  },
]
