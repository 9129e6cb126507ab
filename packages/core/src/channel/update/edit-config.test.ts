import { describe, expect, it } from 'vitest'
import { Config } from '../../model/messages/configtx.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { channelConfigFrom } from '../config/load-config.ts'
import { plainChannel } from '../plain-channel.fixture.ts'
import { plainIdentity, plainMsp, plainProvider, plainSigner } from '../plain-identity.fixture.ts'
import {
  addOrdererOrganization,
  addOrganization,
  editConfig,
  removeOrganization,
  revokeCertificates,
  setAcls,
  setAnchorPeers,
  setBatchTimeout,
  setCapabilities,
  setConsensusMetadata,
  setConsensusType,
  setEndpoints,
  setMaintenance,
  setPolicy,
} from './edit-config.ts'

const current = plainChannel()
const after = (edit: (config: Config) => Config): ChannelConfig => channelConfigFrom('trade', edit(current.config), plainProvider)

describe('edits of a configuration', () => {
  it('leave the configuration that they start from as it is', () => {
    const before = Config.encode(current.config)
    editConfig(current.config, (root) => {
      root.groups.clear()
      root.values.clear()
    })
    expect(Config.encode(current.config)).toEqual(before)
  })

  it('change what their names say', () => {
    expect(after((config) => setBatchTimeout(config, 1500)).ordering.batchTimeout).toBe(1500)
    expect(
      after((config) => setAnchorPeers(config, 'Org2', [{ host: 'a', port: 1 }])).organizations.application[1]?.anchorPeers,
    ).toEqual([{ host: 'a', port: 1 }])
    expect(after((config) => setEndpoints(config, 'Orderers', ['b:2'])).ordererAddresses).toEqual(['b:2'])
    expect(after((config) => setAcls(config, { 'peer/Propose': 'Admins' })).acls.get('peer/Propose')).toBe(
      '/Channel/Application/Admins',
    )
    expect(after((config) => setCapabilities(config, 'application', ['V2_0'])).capabilities.application).toEqual(
      new Set(['V2_0']),
    )
    expect(after((config) => setMaintenance(config, true)).ordering.maintenance).toBe(true)
    expect(after((config) => setConsensusMetadata(config, Uint8Array.of(1))).ordering).toMatchObject({
      consensusType: 'solo',
      consensusMetadata: Uint8Array.of(1),
    })
    expect(after((config) => setConsensusType(config, 'etcdraft', Uint8Array.of(2))).ordering).toMatchObject({
      consensusType: 'etcdraft',
      consensusMetadata: Uint8Array.of(2),
    })
    expect(
      after((config) =>
        addOrdererOrganization(config, { name: 'More', mspConfig: plainMsp('MoreMSP') }),
      ).organizations.orderer.map(({ name }) => name),
    ).toEqual(['More', 'Orderers'])
  })

  it('setting a policy keeps who may change it, and a new one is guarded by Admins', () => {
    const open = after((config) => setPolicy(config, '/Channel/Application/Org1/Readers', "OR('Org2MSP.peer')"))
    expect(open.policies.policy('/Channel/Application/Org1/Readers')!.evaluate([plainIdentity('Org2MSP', 'peer')])).toBe(true)
    const added = after((config) => setPolicy(config, '/Channel/Auditors', 'ANY Admins'))
    expect(added.config.channelGroup!.policies.get('Auditors')?.modPolicy).toBe('Admins')
  })

  it('revoking a certificate reaches the MSP in every section where it stands', () => {
    const both = plainChannel({ ordering: { type: 'solo', organizations: [{ name: 'Org1', mspConfig: plainMsp('Org1MSP') }] } })
    const thief = plainSigner('Org1MSP', 'client', 'thief')
    expect(() => both.membership.identity(thief.identity)).not.toThrow()
    const next = channelConfigFrom('trade', revokeCertificates(both.config, 'Org1MSP', Buffer.from('thief')), plainProvider)
    expect(() => next.membership.identity(thief.identity)).toThrow()
    expect(() => next.membership.identity(plainSigner('Org1MSP', 'client').identity)).not.toThrow()
  })

  it('of what is not there are refused', () => {
    for (const edit of [
      () => removeOrganization(current.config, 'application', 'Org9'),
      () => setAnchorPeers(current.config, 'Org9', []),
      () => setPolicy(current.config, '/Elsewhere/Readers', 'ANY Readers'),
      () => setPolicy(current.config, 'Readers', 'ANY Readers'),
      () => revokeCertificates(current.config, 'Org9MSP', new Uint8Array(0)),
      () => addOrganization(current.config, { name: 'Org1', mspConfig: plainMsp('Org1MSP') }),
    ]) {
      expect(edit).toThrow(expect.objectContaining({ code: 'CHANNEL_BAD_DEFINITION' }))
    }
  })
})
