import { definePlugin, type LocalNodes } from '@heddle/core/plugin'
import { memoryDisk, noMetrics, seededRandom, silentLogger, systemClock } from '@heddle/core/testing'
import { orderedLogConformance, orderingConformance } from '@heddle/testkit'
import { describe, it } from 'vitest'
import { embeddedLogs } from '../src/embedded/embedded-logs.ts'
import kafka, { type KafkaOptions } from '../src/index.ts'
import { localNodes } from './local-nodes.fixture.ts'

const environment = {
  clock: systemClock,
  random: seededRandom('embedded'),
  logger: silentLogger,
  metrics: noMetrics,
  transport: undefined as never,
}

orderedLogConformance(
  { describe, it },
  {
    name: 'embedded',
    create: async () => {
      const disk = memoryDisk()
      // Files so small that every test crosses from one to the next.
      const limits = { fileBytes: 300, tailBytes: 200 }
      let local = localNodes(['conformance'], disk)
      const providers: ReturnType<typeof embeddedLogs>[] = []
      const provider = () => {
        const made = embeddedLogs({ node: 'conformance', environment: { ...environment, disk: memoryDisk() }, local }, limits)
        providers.push(made)
        return made
      }
      const stop = async () => {
        for (const each of providers.splice(0)) await each.stop()
      }
      return {
        provider: provider(),
        another: async () => provider(),
        reopen: async () => {
          await stop()
          local = localNodes(['conformance'], disk)
          return provider()
        },
        dispose: stop,
      }
    },
  },
)

/** The plugin as a network runs it: its nodes share a disk and the log on it. */
const together = definePlugin<'ordering', KafkaOptions & { readonly together?: LocalNodes }>({
  ...kafka,
  create: ({ ...context }, { together: local, ...options }) =>
    kafka.create(local === undefined ? context : { ...context, local }, { ...options }),
})

orderingConformance({ describe, it }, { name: 'embedded, one orderer', plugin: kafka, nodes: 1 })

orderingConformance(
  { describe, it },
  {
    name: 'embedded, three orderers',
    plugin: together,
    nodes: 3,
    prepare: async () => ({
      options: { together: localNodes(['orderer0', 'orderer1', 'orderer2'], memoryDisk()) },
    }),
  },
)
