import solo from '@heddle/consensus-solo'
import type { OrderingSubject } from '@heddle/testkit/simulator'
import { mutants } from './mutants.ts'

/** Solo under simulation: one node, whose disk is all that it has. */
const subject: OrderingSubject = {
  name: 'solo',
  plugin: solo,
  plan: (draw) => ({
    nodes: 1,
    options: { pace: draw.pick([{}, { crowd: 1, quiet: 10, longest: 200 }, { crowd: 1000 }]) },
    patience: 60_000,
    // Damage is found and refused; the way back is a copy of the files.
    lostDisks: 1,
    without: ['new-disk'],
  }),
  minimum: (seeds) => ({
    crashes: seeds * 5,
    'crashes with unsynced data': Math.floor(seeds / 2),
    'torn writes': Math.floor(seeds / 4),
    'disk faults': Math.floor(seeds / 4),
    'files damaged': Math.floor(seeds / 4),
    'config changes': Math.floor(seeds / 4),
    'clock jumps': Math.floor(seeds / 4),
    'outcomes unknown': seeds,
    'envelopes ordered twice': seeds,
  }),
  mutants,
}

export default subject
