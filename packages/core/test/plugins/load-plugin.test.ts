import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createNetwork, createNetworkFromFile, definePlugin, type NetworkOptions } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** An application of somebody else, with a node_modules of its own. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-app-'))
})
afterAll(() => rm(folder, { recursive: true }))

const write = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}
const base = (): string => pathToFileURL(join(folder, 'network.yaml')).href
const create = (options: Partial<NetworkOptions>) => createNetwork({ organizations: ['Org1'], base: base(), ...options })

/** A dissemination plugin that does nothing, in plain JavaScript. */
const BODY = `{
  name: 'idle', provides: 'dissemination', api: 1, capabilities: {},
  options: { type: 'object', additionalProperties: false, properties: { fanout: { type: 'integer', minimum: 1 } } },
  create() { return { async start() {}, async stop() {}, async join() {}, async leave() {}, status() { return {} } } },
}`
const starts = async (use: string, options?: Record<string, unknown>): Promise<void> => {
  // solo comes from this repository, not from the application.
  const { default: ordering } = await import('@heddle/consensus-solo')
  await using network = await create({ ordering, dissemination: { use, ...(options === undefined ? {} : { options }) } })
  expect(network.status().dissemination).toBe('idle')
}

describe('plugins of other people', () => {
  it('an ES module in the application’s own node_modules, plain JavaScript', async () => {
    await write('node_modules/idle-esm/package.json', '{"name":"idle-esm","type":"module","exports":{"import":"./index.js"}}')
    await write('node_modules/idle-esm/index.js', `export default ${BODY}`)
    await starts('idle-esm', { fanout: 3 })
  })

  it('a CommonJS package', async () => {
    await write('node_modules/idle-cjs/package.json', '{"name":"idle-cjs","main":"index.js"}')
    await write('node_modules/idle-cjs/index.js', `module.exports = ${BODY}`)
    await starts('idle-cjs')
  })

  it('CommonJS compiled from an ES module', async () => {
    await write('node_modules/idle-compiled/package.json', '{"name":"idle-compiled","main":"index.js"}')
    await write('node_modules/idle-compiled/index.js', `exports.__esModule = true\nexports.default = ${BODY}`)
    await starts('idle-compiled')
  })

  it('a path from the folder of the configuration', async () => {
    await write('plugins/idle.mjs', `export default ${BODY}`)
    await starts('./plugins/idle.mjs')
  })

  it('a plugin that another copy of core defined, of the same interface version', async () => {
    await write('plugins/branded.mjs', `export default { ...${BODY}, [Symbol.for('@heddle/core/plugin')]: 1 }`)
    await starts('./plugins/branded.mjs')
  })

  it('a plugin object, made with definePlugin', async () => {
    const stopped: string[] = []
    const idle = definePlugin<'dissemination'>({
      name: 'idle-object',
      provides: 'dissemination',
      capabilities: {},
      create: () => ({
        start: async () => {},
        stop: async () => void stopped.push('stopped'),
        join: async () => {},
        leave: async () => {},
        status: () => ({}),
      }),
    })
    const { default: ordering } = await import('@heddle/consensus-solo')
    await (await create({ ordering, dissemination: idle })).stop()
    expect(stopped).toEqual(['stopped'])
  })

  it('from a network.yaml, with the application’s packages', async () => {
    await write('node_modules/idle-esm/package.json', '{"name":"idle-esm","type":"module","exports":{"import":"./index.js"}}')
    await write('node_modules/idle-esm/index.js', `export default ${BODY}`)
    const solo = JSON.stringify(new URL(import.meta.resolve('@heddle/consensus-solo')).pathname)
    await write(
      'network.yaml',
      `organizations: [Org1]\nstorage: memory\nordering: ${solo}\ndissemination: { use: idle-esm, options: { fanout: 2 } }\n`,
    )
    await using network = await createNetworkFromFile(join(folder, 'network.yaml'))
    expect(network.status().dissemination).toBe('idle')
  })
})

describe('plugins that are refused before their code runs', () => {
  it.each([
    ['PLUGIN_NOT_FOUND', 'delivr', /did you mean 'deliver'\?/],
    ['PLUGIN_NOT_FOUND', './nowhere.mjs', /'\.\/nowhere\.mjs' is not found from/],
  ])('%s: %s', async (code, use, message) => {
    await expect(create({ dissemination: use })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it.each([
    [
      'PLUGIN_WRONG_API',
      "{ name: 'x', provides: 'dissemination', api: 2, capabilities: {}, create() { throw 1 } }",
      /version 2 of the plugin interface, this is version 1/,
    ],
    ['PLUGIN_WRONG_API', "{ [Symbol.for('@heddle/core/plugin')]: 7 }", /second copy of @heddle\/core/],
    [
      'PLUGIN_WRONG_KIND',
      "{ name: 'x', provides: 'stateDb', api: 1, capabilities: {}, create() { throw 1 } }",
      /provides 'stateDb', where 'dissemination' is wanted/,
    ],
    ['PLUGIN_INVALID', "{ provides: 'dissemination', api: 1, capabilities: {}, create() {} }", /has no 'name'/],
    ['PLUGIN_INVALID', "{ name: 'x', provides: 'dissemination', api: 1, capabilities: {} }", /has no function 'create'/],
    ['PLUGIN_INVALID', '7', /exports no plugin/],
    [
      'PLUGIN_CREATE_FAILED',
      "{ name: 'x', provides: 'dissemination', api: 1, capabilities: {}, create() { throw new Error('on fire') } }",
      /on fire/,
    ],
  ])('%s: %s', async (code, body, message) => {
    const name = `plugins/bad-${Math.abs([...body].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 0))}.mjs`
    await write(name, `export default ${body}`)
    const { default: ordering } = await import('@heddle/consensus-solo')
    await expect(create({ ordering, dissemination: `./${name}` })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it('a module that throws while it loads', async () => {
    await write('plugins/throws.mjs', "throw new Error('no such luck')")
    await expect(create({ dissemination: './plugins/throws.mjs' })).rejects.toMatchObject({
      code: 'PLUGIN_LOAD_FAILED',
      message: expect.stringContaining('no such luck'),
    })
  })

  it('options that do not fit the schema, each with its path and the nearest right name', async () => {
    await write('plugins/idle.mjs', `export default ${BODY}`)
    const wrong = create({ dissemination: { use: './plugins/idle.mjs', options: { fanot: 1, fanout: 0 } } })
    await expect(wrong).rejects.toMatchObject({
      code: 'PLUGIN_BAD_OPTIONS',
      data: {
        problems: expect.arrayContaining(["options.fanot is unknown; did you mean 'fanout'?", 'options.fanout must be >= 1']),
      },
    })
  })

  it('an ordering plugin that does not run on so many nodes', async () => {
    const { default: ordering } = await import('@heddle/consensus-solo')
    await expect(create({ ordering, orderers: 3 })).rejects.toMatchObject({
      code: 'PLUGIN_NOT_SUITED',
      message: '@heddle/consensus-solo runs on exactly 1 ordering node, the network has 3',
    })
  })
})
