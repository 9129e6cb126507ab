import { describe, expect, it } from 'vitest'
import type { ChannelDefinition } from '../genesis/definition.ts'
import { plainChannel, plainDefinition } from '../plain-channel.fixture.ts'
import { plainMsp, plainProvider } from '../plain-identity.fixture.ts'
import { revokeCertificates, setAnchorPeers, setConsensusMetadata } from '../update/edit-config.ts'
import { compareConfig } from './compare-config.ts'
import { channelConfigFrom } from './load-config.ts'

const ledger = plainChannel()
const differences = (changes: Partial<ChannelDefinition>) => compareConfig(plainDefinition(changes), ledger)
const ordering = plainDefinition().ordering

describe('a definition compared with the ledger', () => {
  it('agrees with the ledger that it made, defaults spelled out or not', () => {
    expect(differences({})).toEqual([])
    expect(
      differences({
        policies: { Readers: 'ANY Readers' },
        ordering: { ...ordering, batchTimeout: 2000, batchSize: { maxMessageCount: 500 } },
      }),
    ).toEqual([])
  })

  it.each<[string, Partial<ChannelDefinition>, object[]]>([
    [
      'the ordering type',
      { ordering: { ...ordering, type: 'kafka' } },
      [{ path: '/Channel/Orderer/ConsensusType', configured: 'kafka', ledger: 'solo' }],
    ],
    [
      'batch limits',
      { ordering: { ...ordering, batchSize: { maxMessageCount: 7 } } },
      [{ path: '/Channel/Orderer/BatchSize/maxMessageCount', configured: '7', ledger: '500' }],
    ],
    [
      'the batch timeout',
      { ordering: { ...ordering, batchTimeout: 100 } },
      [{ path: '/Channel/Orderer/BatchTimeout', configured: '100', ledger: '2000' }],
    ],
    ['the consortium', { consortium: 'carriers' }, [{ path: '/Channel/Consortium', configured: 'carriers', ledger: 'banks' }]],
    [
      'a policy',
      { policies: { Readers: 'ALL Readers', Extra: "OR('A.peer')" } },
      [
        { path: '/Channel/Readers', configured: 'ALL Readers', ledger: 'ANY Readers' },
        { path: '/Channel/Extra', configured: "OR('A.peer')", ledger: '(none)' },
      ],
    ],
    [
      'organisations',
      {
        application: {
          organizations: [
            { name: 'Org1', mspConfig: plainMsp('Org1MSP') },
            { name: 'Org3', mspConfig: plainMsp('Org3MSP') },
          ],
        },
      },
      [
        { path: '/Channel/Application/Org2', configured: '(none)', ledger: 'Org2' },
        { path: '/Channel/Application/Org3', configured: 'Org3', ledger: '(none)' },
      ],
    ],
  ])('tells other values of %s', (_what, changes, expected) => {
    expect(differences(changes)).toEqual(expected)
  })

  it('tells another root certificate, and a policy of an organisation', () => {
    const found = differences({
      ordering: {
        ...ordering,
        organizations: [{ name: 'Orderers', mspConfig: plainMsp('ElseMSP'), policies: { Admins: "OR('ElseMSP.admin')" } }],
      },
    })
    expect(found.map(({ path }) => path)).toEqual(['/Channel/Orderer/Orderers/MSP', '/Channel/Orderer/Orderers/Admins'])
    expect(found[1]).toMatchObject({ configured: "OR('ElseMSP.admin')", ledger: "OR('OrdererMSP.admin')" })
  })

  it('passes over what ordinary config updates change', () => {
    const config = setConsensusMetadata(
      setAnchorPeers(revokeCertificates(ledger.config, 'Org1MSP', Buffer.from('x')), 'Org1', []),
      Uint8Array.of(1),
    )
    expect(compareConfig(plainDefinition(), channelConfigFrom('trade', config, plainProvider))).toEqual([])
  })
})
