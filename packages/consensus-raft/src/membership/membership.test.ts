import { SerializedIdentity } from '@heddle/core/model'
import type { ChannelHost, OrderingConfig } from '@heddle/core/plugin'
import { etcdraftMetadata } from '@heddle/core/plugin'
import { describe, expect, it } from 'vitest'
import { certificateKey, consenterSet } from './consenters.ts'
import { parseDuration } from './duration.ts'
import { MemberNames } from './member-names.ts'
import { assertQuorumStays, membershipChange, targetOf } from './membership-change.ts'
import { channelOptions, checkMetadata } from './metadata-rules.ts'

const identity = (name: string): Uint8Array => SerializedIdentity.encode({ mspid: 'OrdererMSP', idBytes: Buffer.from(name) })

function config(names: readonly string[], options = {}): OrderingConfig {
  const consenters = names.map((name) => {
    const cert = Buffer.from(name)
    return { host: `host-${name}`, port: 7050, clientTlsCert: cert, serverTlsCert: cert }
  })
  return {
    sequence: 0,
    consensusType: 'etcdraft',
    consensusMetadata: etcdraftMetadata(consenters, options),
    maintenance: false,
    batchSize: { maxMessageCount: 1, absoluteMaxBytes: 1, preferredMaxBytes: 1 },
    batchTimeout: 1,
  }
}

const set = consenterSet(config(['a', 'b', 'c']), { ids: [1, 2, 3], next: 4 })
const members = { voters: [1, 2, 3], outgoing: [], learners: [] }

describe('membership changes', () => {
  it('one who is added gets the next id, and learns first', () => {
    const change = membershipChange(set, config(['a', 'd', 'b', 'c']))
    expect(change).toEqual({ ids: { ids: [1, 4, 2, 3], next: 5 }, added: 4, removed: 0, rotated: 0 })
    expect(targetOf(members, change)).toEqual({ voters: [1, 2, 3], learners: [4] })
  })

  it('one who is removed takes the id along', () => {
    const change = membershipChange(set, config(['a', 'c']))
    expect(change).toEqual({ ids: { ids: [1, 3], next: 4 }, added: 0, removed: 2, rotated: 0 })
    expect(targetOf({ ...members, learners: [5] }, change)).toEqual({ voters: [1, 3], learners: [5] })
  })

  it('one whose certificate changes keeps id and vote', () => {
    const change = membershipChange(set, config(['a', 'x', 'c']))
    expect(change).toEqual({ ids: { ids: [1, 2, 3], next: 4 }, added: 0, removed: 0, rotated: 2 })
    expect(targetOf(members, change)).toBeUndefined()
  })

  it('order and addresses may change without a change of members', () => {
    expect(membershipChange(set, config(['c', 'a', 'b']))).toMatchObject({
      ids: { ids: [3, 1, 2], next: 4 },
      added: 0,
      removed: 0,
    })
  })

  it('two at once are refused', () => {
    for (const names of [['a', 'b', 'c', 'd', 'e'], ['a'], ['a', 'x', 'y'], ['a', 'b', 'x', 'y']])
      expect(() => membershipChange(set, config(names))).toThrow(expect.objectContaining({ code: 'ORDER_CONFIG_REFUSED' }))
  })

  it('a removal or rotation needs a living quorum of those who remain', () => {
    const removal = membershipChange(set, config(['a', 'c']))
    const rotation = membershipChange(set, config(['a', 'x', 'c']))
    for (const change of [removal, rotation]) {
      expect(() => assertQuorumStays(members, change, (id) => id !== 2)).not.toThrow()
      expect(() => assertQuorumStays(members, change, (id) => id === 1)).toThrow(/too few/)
    }
  })
})

describe('metadata', () => {
  it.each([
    ['no consenters', config([])],
    ['a certificate twice', config(['a', 'a'])],
    ['an empty certificate', config(['a', ''])],
    ['no heartbeat', config(['a'], { heartbeatTick: 0 })],
    ['no election tick', config(['a'], { electionTick: 0 })],
    ['no blocks in flight', config(['a'], { maxInflightBlocks: 0 })],
    ['a heartbeat as long as the election timeout', config(['a'], { heartbeatTick: 5, electionTick: 5 })],
    ['a tick that is no duration', config(['a'], { tickInterval: '10' })],
    ['a tick of nothing', config(['a'], { tickInterval: '0s' })],
    ['an election timeout of days', config(['a'], { tickInterval: '10h' })],
    ['other bytes', { ...config(['a']), consensusMetadata: Uint8Array.of(0xff) }],
  ])('with %s is refused', (_, next) => {
    expect(() => checkMetadata(undefined, next)).toThrow(expect.objectContaining({ code: 'ORDER_CONFIG_REFUSED' }))
  })

  it('gives the times of a channel of Fabric', () => {
    expect(
      channelOptions({
        consenters: [],
        options: { tickInterval: '500ms', electionTick: 10, heartbeatTick: 1, maxInflightBlocks: 5, snapshotIntervalSize: 0 },
      }),
    ).toEqual({
      electionTimeout: 5000,
      heartbeat: 500,
      maxInflightBlocks: 5,
      snapshotInterval: 16 * 1024 * 1024,
    })
  })

  it('may be that of another consensus: which may follow which is for the host to say', () => {
    const other = { ...config(['x', 'y', 'z']), consensusType: 'kafka' }
    expect(() => checkMetadata(other, config(['a']))).not.toThrow()
  })

  it('durations are those of Go', () => {
    expect(['1.5s', '1m30s', '2h', '250us', '.5s', '1ms1ns'].map(parseDuration)).toEqual([
      1500, 90_000, 7_200_000, 0.25, 500, 1.000001,
    ])
    expect(['', '5', 's', '1s ', '-1s', '1s2', '1d'].map(parseDuration)).toEqual(Array(7).fill(undefined))
  })

  it('certificates are compared without their line breaks', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n'
    expect(certificateKey(Buffer.from(pem))).toBe(certificateKey(Buffer.from(pem.replaceAll('\n', '\r\n'))))
    expect(certificateKey(Buffer.from(pem))).not.toBe(certificateKey(Buffer.from(pem.replace('BBBB', 'BBBC'))))
  })
})

describe('names of members', () => {
  const names = (known: Record<string, string> = {}) =>
    new MemberNames(
      {
        members: ['node-a', 'node-b', 'node-c', 'host-b', 'node-d'],
        identityOf: (name: string) => (known[name] === undefined ? undefined : identity(known[name])),
      } as unknown as ChannelHost,
      set,
    )

  it('come from certificates that are known beforehand, from what was proved, and from the configuration', () => {
    const map = names({ 'node-a': 'a' })
    expect([1, 2, 3].map((id) => map.nameOf(id))).toEqual(['node-a', 'host-b', undefined])
    expect(map.maySpeakFor('node-c', identity('c'), 3)).toBe(true)
    expect(map.nameOf(3)).toBe('node-c')
  })

  it('a certificate speaks for its own id only', () => {
    const map = names()
    expect(map.maySpeakFor('node-a', identity('a'), 2)).toBe(false)
    expect(map.maySpeakFor('node-x', identity('x'), 1)).toBe(false)
    expect(map.maySpeakFor('node-x', Uint8Array.of(0xff), 3)).toBe(false)
    expect(map.maySpeakFor('node-a', identity('a'), 1)).toBe(true)
  })

  it('nobody speaks for an id that the configuration does not have', () => {
    const map = names()
    expect(map.maySpeakFor('node-d', identity('d'), 4)).toBe(false)
    expect(map.maySpeakFor('node-a', identity('a'), 5)).toBe(false)
    expect(map.maySpeakFor('node-a', identity('a'), 0)).toBe(false)
  })

  it('a member that proves itself from another node is reached there', () => {
    const map = names({ 'node-a': 'a' })
    expect(map.nameOf(1)).toBe('node-a')
    expect(map.maySpeakFor('node-d', identity('a'), 1)).toBe(true)
    expect(map.nameOf(1)).toBe('node-d')
  })
})
