import { definePlugin } from '../../ports/plugin.ts'
import { DeliverDissemination, type DeliverOptions } from './deliver-dissemination.ts'

/** Peers pull blocks from the orderers: what core uses unless told otherwise. */
export const deliverDissemination = definePlugin<'dissemination', DeliverOptions>({
  name: '@heddle/core/deliver',
  provides: 'dissemination',
  capabilities: {},
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      minBackOff: {
        type: 'integer',
        minimum: 1,
        default: 50,
        description: 'Milliseconds before an orderer that failed is tried again; doubles each time.',
      },
      maxBackOff: { type: 'integer', minimum: 1, default: 5000, description: 'Milliseconds that this wait grows to at most.' },
    },
  },
  create: (_context, options) => new DeliverDissemination(options),
})
