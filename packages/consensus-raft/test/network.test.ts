import { createNetwork, type Network } from '@heddle/core'
import { until } from '@heddle/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import raft, { addConsenter, removeConsenter } from '../src/index.ts'
import { PATIENCE, QUICK, type RaftStatus } from './cluster.fixture.ts'

let network: Network

/** A counter for each name. */
const counter = {
  async invoke(stub: {
    getFunctionAndParameters(): { params: string[] }
    getState(key: string): Promise<Uint8Array>
    putState(key: string, value: Uint8Array): unknown
  }) {
    const [key = ''] = stub.getFunctionAndParameters().params
    const next = Number(Buffer.from(await stub.getState(key)).toString() || 0) + 1
    await stub.putState(key, Buffer.from(String(next)))
    return String(next)
  },
}

const start = (orderers: number, options: object = {}): Promise<Network> =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    orderers,
    ordering: { use: raft, options: { ...QUICK, ...options } },
    chaincodes: { counter: { chaincode: counter } },
  })

const statusOf = (name: string): RaftStatus => network.orderer(name).status().channels[0]!.consensus as unknown as RaftStatus

async function leader(): Promise<string> {
  const names = () => network.orderers.filter(({ running }) => running).map(({ name }) => name)
  await until(PATIENCE, () => names().some((name) => statusOf(name).role === 'leader'), 'a leader')
  return names().find((name) => statusOf(name).role === 'leader')!
}

const count = async (key: string): Promise<string> => {
  const result = await network.gateway('Org1').contract('counter').submit('add', key)
  return Buffer.from(result as Uint8Array).toString()
}

afterEach(() => network.stop())

describe('a network on Raft', { timeout: 60_000 }, () => {
  it('orders with certificates, survives the kill of its leader, and takes it back', async () => {
    network = await start(3)
    expect(await count('a')).toBe('1')
    const first = await leader()
    await network.orderer(first).kill()
    expect(network.orderer(first).running).toBe(false)
    expect(await count('a')).toBe('2')
    await network.orderer(first).start()
    expect(await count('a')).toBe('3')
    const heights = () => network.orderers.map((orderer) => orderer.height('main'))
    await until(
      PATIENCE,
      () => new Set(heights()).size === 1,
      () => `equal heights: ${heights()}`,
    )
    await network.channel('main').synchronize()
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
  })

  it('on one orderer elects itself, again after a restart', async () => {
    network = await start(1)
    expect(await count('a')).toBe('1')
    const [orderer] = network.orderers
    await orderer!.kill()
    await orderer!.start()
    expect(await count('a')).toBe('2')
  })

  it('a consenter leaves and comes back under a new id by config updates of the orderer organisation', async () => {
    network = await start(3)
    await leader()
    const gone = network.orderers.map(({ name }) => name).find((name) => statusOf(name).role !== 'leader')!
    const channel = network.channel('main')
    await channel.update((config) => removeConsenter(config, gone))
    await until(PATIENCE, () => statusOf(gone).role === 'none', 'to leave')
    expect(await count('a')).toBe('1')
    const { identity } = network.organization('Orderer').identity(gone)
    await channel.update((config) => addConsenter(config, { name: gone, mspId: 'OrdererMSP', identity }))
    await until(PATIENCE, () => statusOf(gone).node === 4, 'to come back')
    expect(await count('a')).toBe('2')
    expect(() => removeConsenter(channel.config.config, 'nobody')).toThrow(/called nobody/)
  })

  it('options that do not fit together are refused by name', async () => {
    network = await start(1)
    for (const wrong of [
      { electionTimeout: 50, heartbeat: 50 },
      { submitTimeout: 20_000, outcomeTimeout: 1000 },
    ])
      await expect(start(1, wrong)).rejects.toMatchObject({ code: 'RAFT_BAD_OPTIONS' })
    await expect(start(1, { electionTimout: 50 })).rejects.toMatchObject({ code: 'PLUGIN_BAD_OPTIONS' })
  })

  it('a snapshot of the whole network can be taken and reverted to', async () => {
    network = await start(3)
    await count('a')
    const before = network.snapshot()
    await count('a')
    await network.revert(before)
    expect(await count('a')).toBe('2')
  })
})
