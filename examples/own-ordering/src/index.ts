import { definePlugin, orderingFromLog } from '@heddle/core/plugin'
import { FileLog } from './file-log.ts'

/** Ordering by way of a log in a file: one ordering node, which keeps the log on its own disk. */
export default definePlugin<'ordering', { folder?: string }>({
  name: 'file-log',
  provides: 'ordering',
  capabilities: { faultModel: 'none', simulable: true, nodes: { min: 1, max: 1 } },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      folder: { type: 'string', default: 'file-log', description: "Folder of the logs, in the node's data folder." },
    },
  },
  create: ({ environment }, { folder = 'file-log' }) =>
    orderingFromLog({
      provider: {
        start: async () => {},
        stop: async () => {},
        open: async (channel) => new FileLog(environment.disk, `${folder}/${channel}.log`),
      },
    }),
})
