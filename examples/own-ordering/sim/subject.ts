import type { OrderingSubject } from '@heddle/testkit/simulator'
import fileLog from '../src/index.ts'

/** The plugin of this example under simulation: one node, whose disk is all that it has. `npm run sim -- --plugin PATH --seeds 0..100` */
const subject: OrderingSubject = {
  name: 'file-log',
  plugin: fileLog,
  plan: () => ({
    nodes: 1,
    options: {},
    patience: 60_000,
    lostDisks: 1,
    // Its log has no mark by which damage could be told from the torn end of a crash, so it makes no promise about damage.
    without: ['new-disk', 'damage'],
  }),
  minimum: (seeds) => ({
    crashes: seeds,
    'crashes with unsynced data': Math.floor(seeds / 4),
    'torn writes': Math.floor(seeds / 4),
    'disk faults': Math.floor(seeds / 10),
    'config changes': Math.floor(seeds / 4),
  }),
}

export default subject
