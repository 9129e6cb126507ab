import { describe, expect, it } from 'vitest'
import type { Config } from '../../model/messages/configtx.ts'
import { plainChannel } from '../plain-channel.fixture.ts'
import { plainProvider } from '../plain-identity.fixture.ts'
import { computeConfigUpdate } from '../update/compute-update.ts'
import { setBatchSize, setConsensusMetadata, setConsensusType, setMaintenance, setPolicy } from '../update/edit-config.ts'
import { checkConsensusMigration } from './config-transition.ts'
import { channelConfigFrom } from './load-config.ts'

const normal = plainChannel().config
const maintenance = setMaintenance(normal, true)
const raft = (config: Config) => setConsensusType(config, 'etcdraft', Uint8Array.of(1))

/** Whether the step may be made: 'allowed', or the code of the refusal. */
function step(from: Config, to: Config): string {
  const load = (config: Config) => channelConfigFrom('trade', config, plainProvider)
  try {
    checkConsensusMigration(load(from), load(to), computeConfigUpdate('trade', from, to))
    return 'allowed'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('moving a channel to another consensus', () => {
  it('goes through maintenance mode: enter, change, leave', () => {
    expect(step(normal, maintenance)).toBe('allowed')
    expect(step(maintenance, raft(maintenance))).toBe('allowed')
    expect(step(raft(maintenance), setMaintenance(raft(maintenance), false))).toBe('allowed')
  })

  it('and back, before leaving', () => {
    expect(step(raft(maintenance), maintenance)).toBe('allowed')
  })

  it.each<[string, Config, Config]>([
    ['the type changes outside maintenance mode', normal, raft(normal)],
    ['the type changes while entering', normal, raft(maintenance)],
    ['the type changes while leaving', maintenance, raft(normal)],
    ['the metadata changes while entering', normal, setConsensusMetadata(maintenance, Uint8Array.of(1))],
    ['the metadata changes while leaving', maintenance, setConsensusMetadata(normal, Uint8Array.of(1))],
    ['another value changes while entering', normal, setBatchSize(maintenance, { maxMessageCount: 7 })],
    ['a value of the channel changes while entering', normal, setPolicy(maintenance, '/Channel/Extra', 'ANY Readers')],
    ['another section changes while leaving', maintenance, setPolicy(normal, '/Channel/Application/Readers', 'ALL Readers')],
  ])('is refused when %s', (_what, from, to) => {
    expect(step(from, to)).toBe('CONFIG_UPDATE_NOT_IN_MAINTENANCE')
  })

  it('other updates are free, in and out of maintenance mode', () => {
    for (const config of [normal, maintenance]) expect(step(config, setBatchSize(config, { maxMessageCount: 7 }))).toBe('allowed')
    expect(step(normal, setConsensusMetadata(normal, Uint8Array.of(1)))).toBe('allowed')
  })
})
