import { definePlugin, type Pace } from '@heddle/core/plugin'
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
      pace: {
        type: 'object',
        additionalProperties: false,
        description: 'When a batch that is not full is cut.',
        properties: {
          crowd: {
            type: 'integer',
            minimum: 0,
            default: 8,
            description: 'Load begins when this many envelopes within a tenth of a second came while others were in flight.',
          },
          quiet: {
            type: 'number',
            minimum: 0,
            default: 3,
            description: 'Milliseconds without a new envelope after which a batch is cut under load.',
          },
          longest: {
            type: 'number',
            minimum: 0,
            default: 50,
            description: 'Milliseconds after which a batch is cut under load; the batch timeout of the channel bounds it.',
          },
        },
      },
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
