import { describe, expect, it } from 'vitest'
import type { NetworkDefinition } from './definition.ts'
import { ConfigError } from './errors.ts'
import { resolveConfig } from './resolve-config.ts'

const refused = (definition: unknown): { code: string; message: string } => {
  try {
    resolveConfig(definition as NetworkDefinition, { from: 'code' })
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('the definition was taken')
}

describe('resolveConfig', () => {
  it('fills in every default: one channel, one peer an organisation, one orderer, memory', () => {
    const config = resolveConfig({ organizations: ['Org1', 'Org2'] }, { from: 'code' })
    expect(config.organizations[1]).toEqual({ name: 'Org2', mspId: 'Org2MSP', peers: ['peer0.org2'], clients: ['client'] })
    expect(config.orderers).toEqual([{ name: 'Orderer', mspId: 'OrdererMSP', nodes: ['orderer0.orderer'] }])
    expect(config.channels.map(({ name, organizations }) => ({ name, organizations }))).toEqual([
      { name: 'main', organizations: ['Org1', 'Org2'] },
    ])
    expect([config.stateDb.use, config.chaincodeRuntime.use, config.folder]).toEqual(['memory', 'inline', undefined])
  })

  it('from a file, the runtime is a worker and data goes to a folder beside the file', () => {
    const config = resolveConfig({ organizations: ['Org1'] }, { from: 'file', base: 'file:///srv/net/network.yaml' })
    expect([config.stateDb.use, config.chaincodeRuntime.use, config.folder]).toEqual(['level', 'worker', '/srv/net/data'])
  })

  it('freezes the result', () => {
    const config = resolveConfig({ organizations: ['Org1'] }, { from: 'code' })
    expect(() => (config.channels[0]!.batch as { timeout: number }).timeout++).toThrow(TypeError)
  })

  it.each([
    [{ organisations: ['Org1'], organizations: ['Org1'] }, /organisations is unknown; did you mean 'organizations'\?/],
    [{ organizations: ['Org1'], channels: { main: { bach: {} } } }, /channels\.main\.bach is unknown; did you mean 'batch'\?/],
    [{ organizations: ['Org1'], log: { level: 'wran' } }, /log\.level is 'wran'; did you mean 'warn'\?/],
    [{}, /lacks 'organizations'/],
    [{ organizations: [] }, /organizations needs at least 1 element/],
    [{ organizations: ['Org 1'] }, /organizations\[0\] is 'Org 1'/],
    [
      { organizations: ['Org1'], channels: { main: { batch: { timeout: 0 } } } },
      /channels\.main\.batch\.timeout must be at least 1/,
    ],
    [{ organizations: ['Org1'], ordering: 3 }, /ordering must be a string or an object/],
    [{ organizations: ['Org1'], storage: 'disk' }, /storage is 'disk'/],
  ])('refuses a wrong shape and says where: %j', (definition, message) => {
    const error = refused(definition)
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toMatch(message)
  })

  it.each([
    [
      { organizations: ['Org1'], channels: { main: { organizations: ['Org2'] } } },
      /names the organisation 'Org2', which is not defined; did you mean 'Org1'\?/,
    ],
    [{ organizations: ['Org1', 'org1'] }, /has the name 'org1' twice/],
    [{ organizations: ['Org1'], chaincodes: { asset: {} } }, /needs either 'module' or, in code, 'chaincode'/],
    [
      { organizations: ['Org1'], channels: { main: { batch: { preferredMaxBytes: 20, absoluteMaxBytes: 10 } } } },
      /more than absoluteMaxBytes/,
    ],
    [{ organizations: ['Org1'], seed: 'x', storage: { folder: '/data' } }, /seed makes keys that anyone can compute/],
    [{ organizations: ['Org1'], chaincodes: { asset: { module: './a.js', channels: ['mian'] } } }, /did you mean 'main'\?/],
  ])('refuses options that contradict each other: %j', (definition, message) => {
    const error = refused(definition)
    expect(error.code).toBe('CONFIG_CONTRADICTION')
    expect(error.message).toMatch(message)
  })
})
