import { definePlugin, type Pace, paceSchema } from '@heddle/core/plugin'
import { SoloOrdering } from './solo-ordering.ts'

export interface SoloOptions {
  /** When a batch that is not full is cut; see the package's README. */
  readonly pace?: Partial<Pace>
}

/**
 * Ordering by one node, for development and tests. Durable: what it acknowledges is on disk. Not fault-tolerant: while the node is down
 * nothing is ordered, and a lost disk loses the chain.
 */
const solo = definePlugin<'ordering', SoloOptions>({
  name: '@heddle/consensus-solo',
  provides: 'ordering',
  capabilities: { consensusType: 'solo', faultModel: 'none', simulable: true, nodes: { min: 1, max: 1 } },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      pace: paceSchema,
    },
  },
  create: (_context, options) => ({
    start: async () => {},
    stop: async () => {},
    join: (host) => new SoloOrdering(host, options.pace ?? {}),
    // There is no metadata that could be wrong.
    validateMetadata: () => {},
    isConsenter: () => true,
  }),
})

export default solo
