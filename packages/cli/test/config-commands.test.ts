import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULTS } from '@heddle/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkConfig, configDefaults, configSchema } from '../src/commands/config-text.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = async (text: string): Promise<string> => {
  const path = join(folder, 'network.yaml')
  await writeFile(path, text)
  return path
}
const MINIMAL = `organizations: [Org1]\nordering: ${JSON.stringify(new URL(import.meta.resolve('@heddle/consensus-solo')).pathname)}\n`

it('`config defaults` lists every default with its reason', () => {
  const lines = configDefaults(false).trimEnd().split('\n')
  expect(lines).toHaveLength(Object.keys(DEFAULTS).length)
  expect(lines.find((line) => line.startsWith('channels.batch.timeout'))).toMatch(/2000\s+Fabric's default/)
  expect(JSON.parse(configDefaults(true))).toEqual(DEFAULTS)
})

it('`config schema` has the options of the plugins that the file names', async () => {
  const schema = JSON.parse(await configSchema(await file(`${MINIMAL}identity: { use: x509 }\n`))) as {
    additionalProperties: boolean
    properties: Record<string, { then?: { properties: { options: { properties: object } } } }>
  }
  expect(schema.additionalProperties).toBe(false)
  expect(Object.keys(schema.properties.identity?.then?.properties.options.properties ?? {})).toContain('crypto')
})

it('the schema is a valid JSON Schema that takes what is right and refuses what is not', async () => {
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(await configSchema(undefined)))
  expect(validate({ organizations: ['Org1', { name: 'Org2', peers: 2 }], channels: { main: { batch: { timeout: 100 } } } })).toBe(
    true,
  )
  expect(validate({ organizations: ['Org1'], chanels: {} })).toBe(false)
  expect(validate({ organizations: ['Org1'], ordering: { use: 'x', optoins: {} } })).toBe(false)
})

it('`config check` prints the configuration with its defaults, and refuses a bad one', async () => {
  expect(await checkConfig(await file(MINIMAL), false)).toMatch(/ordering {10}@heddle\/consensus-solo[\s\S]*mspId: Org1MSP/)
  await expect(
    checkConfig(await file(`${MINIMAL}identity: { use: x509, options: { crypt: noble } }\n`), false),
  ).rejects.toMatchObject({
    code: 'PLUGIN_BAD_OPTIONS',
    message: expect.stringContaining("identity: options of plugin x509: options.crypt is unknown; did you mean 'crypto'?"),
  })
})
