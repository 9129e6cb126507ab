import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createNetwork,
  EnvelopeView,
  type Network,
  type NetworkOptions,
  prepareNetwork,
  startNetwork,
  type UserIdentity,
} from '@heddle/core'
import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '@heddle/core/model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import { asset, BOTH, text } from './asset.fixture.ts'

let folder: string
const running: Network[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-processes-'))
})
afterEach(async () => {
  for (const network of running.splice(0).reverse()) await network.stop()
  await rm(folder, { recursive: true })
})

const NODES = ['orderer0.orderer', 'peer0.org1', 'peer0.org2']

/** Ports of loopback that nobody has now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function definition(options: Partial<NetworkOptions> = {}) {
  const ports = await freePorts(NODES.length)
  return {
    organizations: ['Org1', 'Org2'],
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    storage: { folder },
    nodes: Object.fromEntries(NODES.map((name, i) => [name, `127.0.0.1:${ports[i]}`])),
    ...options,
  }
}

async function start(config: ReturnType<typeof resolveConfig>, only?: readonly string[]): Promise<Network> {
  const network = await startNetwork(config, only === undefined ? {} : { only })
  running.push(network)
  return network
}

/** An envelope that an orderer takes: it does not look at what is in it. */
async function envelopeOf(channel: string, who: UserIdentity): Promise<EnvelopeView> {
  const nonce = new Uint8Array(24)
  const payload = Payload.encode({
    header: {
      channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId: channel, txId: 'a' }),
      signatureHeader: SignatureHeader.encode({ creator: who.identity, nonce }),
    },
    data: Buffer.from('anything'),
  })
  return new EnvelopeView(Envelope.encode({ payload, signature: await who.signer!.sign(payload) }))
}

describe('a network whose nodes have addresses', () => {
  it('runs over TCP in one process as it does without', async () => {
    const network = await createNetwork(await definition())
    running.push(network)
    const contract = network.gateway('Org1').channel('main').contract('asset')
    await contract.submit('put', 'a', '1')
    await network.channel('main').synchronize()
    expect(text(await network.gateway('Org2').channel('main').contract('asset').evaluate('get', 'a'))).toBe('1')
  })

  it('runs with each node started apart', async () => {
    const config = resolveConfig(await definition(), { from: 'code', base: import.meta.url })
    await prepareNetwork(config)
    await start(config, ['orderer0.orderer'])
    const one = await start(config, ['peer0.org1'])
    const two = await start(config, ['peer0.org2'])
    expect([one.peers.length, one.orderers.length, two.peers[0]!.name]).toEqual([1, 0, 'peer0.org2'])
    await one.peer('peer0.org1').reach('main', 1)
  })

  it('has metrics and health of each process where its node says', async () => {
    const given = await definition({ operations: { port: 0 } })
    const nodes = { ...given.nodes, 'peer0.org1': { address: String(given.nodes['peer0.org1']), operations: 0 } }
    const config = resolveConfig({ ...given, nodes }, { from: 'code', base: import.meta.url })
    await prepareNetwork(config)
    const orderer = await start(config, ['orderer0.orderer'])
    const peer = await start(config, ['peer0.org1'])
    await peer.peer('peer0.org1').reach('main', 1)
    expect(orderer.operationsPort).toBeUndefined()
    const metrics = async () => (await fetch(`http://127.0.0.1:${peer.operationsPort}/metrics`)).text()
    // The figures are there once the nodes have met.
    while (!(await metrics()).includes('heddle_transport_received_bytes_total{node="peer0.org1"}'))
      await new Promise((resolve) => setImmediate(resolve))
    const health = await fetch(`http://127.0.0.1:${peer.operationsPort}/readyz`)
    expect(health.status).toBe(200)
  })

  it('is refused what is missing or contradicts itself', async () => {
    const given = await definition()
    const resolve = (more: object) => resolveConfig({ ...given, ...more }, { from: 'code', base: import.meta.url })
    const config = resolve({})
    await expect(startNetwork(config, { only: ['peer0.org1'] })).rejects.toMatchObject({ code: 'NETWORK_NOT_PREPARED' })
    await expect(startNetwork(config, { only: ['peer0.org3'] })).rejects.toMatchObject({ code: 'NETWORK_UNKNOWN_NAME' })
    await expect(startNetwork(resolve({ nodes: {} }), { only: ['peer0.org1'] })).rejects.toMatchObject({
      code: 'CONFIG_CONTRADICTION',
    })
    await expect(prepareNetwork(resolve({ storage: 'memory' }))).rejects.toMatchObject({ code: 'NETWORK_NOT_PREPARED' })
    const { 'peer0.org2': _left, ...some } = given.nodes
    for (const nodes of [
      some,
      { ...given.nodes, 'peer9.org1': '127.0.0.1:1' },
      { ...given.nodes, 'peer0.org1': given.nodes['peer0.org2'] },
      { ...given.nodes, 'peer0.org1': '127.0.0.1:70000' },
    ])
      expect(() => resolve({ nodes })).toThrow(expect.objectContaining({ code: 'CONFIG_CONTRADICTION' }))
    expect(() => resolve({ nodes: { ...given.nodes, 'peer0.org1': 'nowhere' } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    await prepareNetwork(config)
    await rm(join(folder, 'nodes', 'peer0.org1', 'msp', 'keystore'), { recursive: true })
    await expect(startNetwork(config, { only: ['peer0.org1'] })).rejects.toMatchObject({ code: 'NETWORK_NOT_PREPARED' })
    const node = await start(config, ['peer0.org2'])
    expect(() => node.organization('Org2').authority).toThrow(expect.objectContaining({ code: 'NETWORK_NOT_HERE' }))
    await expect(startNetwork(config, { only: ['peer0.org2'] })).rejects.toMatchObject({ code: 'DISK_LOCKED' })
  })

  it('carries transactions of a client that runs no node, from deployment to events', async () => {
    const config = resolveConfig(await definition(), { from: 'code', base: import.meta.url })
    await prepareNetwork(config)
    for (const name of NODES) await start(config, [name])
    const client = await start(config, [])
    await client.deploy()
    await client.deploy()
    const channel = client.gateway('Org1').channel('main')
    const contract = channel.contract('asset')
    await contract.submit('put', 'a', '1')
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
    const heights = running.flatMap((network) => network.peers).map((peer) => peer.height('main'))
    expect(Math.max(...heights)).toBeGreaterThanOrEqual(5)
    await expect(contract.submit('nothing')).rejects.toMatchObject({ code: 'ENDORSE_REFUSED' })
  })

  it('serves envelopes and blocks to a client that runs no node', async () => {
    const config = resolveConfig(await definition(), { from: 'code', base: import.meta.url })
    await prepareNetwork(config)
    const orderer = await start(config, ['orderer0.orderer'])
    const client = await start(config, [])
    const who = client.organization('Org1').identity('client')
    const remote = await client.remoteOrderer('orderer0.orderer', 'main', who)
    const reading = new AbortController()
    const numbers: number[] = []
    for await (const block of remote.deliver(0, reading.signal)) {
      numbers.push(block.number)
      break
    }
    expect(numbers).toEqual([0])
    await expect(remote.broadcast(new EnvelopeView(new Uint8Array(3)))).rejects.toMatchObject({
      code: 'ORDER_MALFORMED_ENVELOPE',
    })
    const envelope = await envelopeOf('main', who)
    expect(await remote.broadcast(envelope)).toEqual({ blockNumber: 1 })
    expect(orderer.orderer('orderer0.orderer').height('main')).toBe(2)
  })
})
