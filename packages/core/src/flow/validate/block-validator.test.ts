import { describe, expect, it } from 'vitest'
import { type admin1, plainChannel, updateTo } from '../../channel/plain-channel.fixture.ts'
import { plainProvider, plainSigner } from '../../channel/plain-identity.fixture.ts'
import { applyConfigUpdate } from '../../channel/update/config-transaction.ts'
import { ChannelHeader, HeaderType, SignatureHeader } from '../../model/messages/common.ts'
import { KVMetadataWrite } from '../../model/messages/kv-rwset.ts'
import { BatchSize } from '../../model/messages/orderer-configuration.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { CONFIG_KEY, CONFIG_NAMESPACE } from './config-state.ts'
import { ValidationHalted } from './errors.ts'
import { CHANNEL, keyPolicy, type Plan, seal, TestLedger, transaction } from './test-ledger.fixture.ts'

const put = (key: string, value: string | null = 'v'): Plan => ({ cc: { writes: { [key]: value } } })
const ORG1 = "OR('Org1MSP.peer')"

describe('duplicate transaction ids', () => {
  it('of a valid transaction in an earlier block are DUPLICATE_TXID', async () => {
    const ledger = new TestLedger()
    const envelope = await transaction(put('k'))
    expect(await ledger.codes(envelope)).toEqual(['VALID'])
    expect(await ledger.codes(envelope)).toEqual(['DUPLICATE_TXID'])
  })

  it('of an invalid transaction in an earlier block are DUPLICATE_TXID, whatever else is wrong', async () => {
    const ledger = new TestLedger()
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same', endorsers: [] }))).toEqual(['ENDORSEMENT_POLICY_FAILURE'])
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same' }))).toEqual(['DUPLICATE_TXID'])
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same', version: '' }))).toEqual(['DUPLICATE_TXID'])
  })

  it('a broken body or a wrong signature comes before them', async () => {
    const ledger = new TestLedger()
    await ledger.add(transaction(put('k'), { nonce: 'same' }))
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same', data: Uint8Array.of(0xff) }))).toEqual([
      'INVALID_ENDORSER_TRANSACTION',
    ])
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same', signature: () => utf8Bytes('x') }))).toEqual([
      'BAD_CREATOR_SIGNATURE',
    ])
  })

  it('of a transaction whose header states none are those that nonce and creator give', async () => {
    const ledger = new TestLedger()
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same', txId: '' }))).toEqual(['BAD_PROPOSAL_TXID'])
    expect(await ledger.codes(transaction(put('k'), { nonce: 'same' }))).toEqual(['DUPLICATE_TXID'])
  })

  it('inside a block the first one whose endorsements hold wins', async () => {
    const ledger = new TestLedger()
    const good = await transaction(put('k'), { nonce: 'same' })
    const bad = await transaction(put('k'), { nonce: 'same', endorsers: [] })
    expect(await ledger.codes(bad, good, bad, good)).toEqual([
      'ENDORSEMENT_POLICY_FAILURE',
      'VALID',
      'ENDORSEMENT_POLICY_FAILURE',
      'DUPLICATE_TXID',
    ])
  })

  it('inside a block the first one wins even when it fails MVCC then', async () => {
    const ledger = new TestLedger()
    const stale = await transaction({ cc: { reads: { k: [5, 5] }, writes: { k: 'v' } } })
    expect(await ledger.codes(stale, stale)).toEqual(['MVCC_READ_CONFLICT', 'DUPLICATE_TXID'])
  })
})

describe('writes', () => {
  const metadataOf = (ledger: TestLedger, key: string) => ledger.state.get('cc', key)?.metadata
  const policy = KVMetadataWrite.encode({ entries: [{ name: 'VALIDATION_PARAMETER', value: keyPolicy(ORG1) }] })

  it('of an empty value are a delete', async () => {
    const ledger = new TestLedger()
    await ledger.add(transaction(put('k')))
    await ledger.add(transaction({ cc: { kv: { writes: [{ key: 'k', value: new Uint8Array(0) }] } } }))
    expect(ledger.value('cc', 'k')).toBeUndefined()
  })

  it('keep the metadata of the key; a delete drops it', async () => {
    const ledger = new TestLedger()
    await ledger.add(transaction({ cc: { writes: { k: 'v' }, metadata: { k: ORG1 } } }))
    expect(metadataOf(ledger, 'k')).toEqual(policy)
    await ledger.add(transaction(put('k', 'w')))
    expect(metadataOf(ledger, 'k')).toEqual(policy)
    await ledger.add(transaction(put('k', null)))
    await ledger.add(transaction(put('k', 'x')))
    expect(metadataOf(ledger, 'k')).toBeUndefined()
  })

  it('of metadata alone raise the version and keep the value', async () => {
    const ledger = new TestLedger()
    await ledger.add(transaction(put('k')))
    await ledger.add(transaction({ cc: { metadata: { k: ORG1 } } }))
    expect(ledger.value('cc', 'k')).toBe('v@2.0')
    expect(metadataOf(ledger, 'k')).toEqual(policy)
  })

  it('of metadata alone do nothing on an absent key, or one deleted earlier in the block', async () => {
    const ledger = new TestLedger()
    expect(await ledger.codes(transaction({ cc: { metadata: { absent: ORG1 } } }))).toEqual(['VALID'])
    expect(ledger.value('cc', 'absent')).toBeUndefined()
    await ledger.add(transaction(put('k')))
    const { updates } = await ledger.add(transaction(put('k', null)), transaction({ cc: { metadata: { k: ORG1 } } }))
    expect(updates.get('cc', 'k')).toMatchObject({ value: undefined, version: { blockNumber: 3, txNumber: 0 } })
    expect(ledger.value('cc', 'k')).toBeUndefined()
  })

  it('of metadata see what earlier transactions of the block wrote', async () => {
    const ledger = new TestLedger()
    await ledger.add(transaction(put('k', 'old')))
    await ledger.add(transaction(put('k', 'new')), transaction({ cc: { metadata: { k: ORG1 } } }))
    expect(ledger.value('cc', 'k')).toBe('new@2.1')
  })

  it('of hashes: the hash of an empty value is a delete', async () => {
    const ledger = new TestLedger({ definitions: { cc: { collections: { col: null } } } })
    const hashed = (value: string): Plan => ({ cc: { collections: { col: { writes: { k: value } } } } })
    const { updates } = await ledger.add(transaction(hashed('v')))
    const [write] = updates.writes()
    expect(ledger.state.get('cc\u0000col', write!.key)).toBeDefined()
    await ledger.add(transaction(hashed('')))
    expect(ledger.state.get('cc\u0000col', write!.key)).toBeUndefined()
  })

  // Which no simulation produces, but endorsers may sign: see write-rules.ts.
  it.each<[string, object, string | undefined]>([
    [
      'two values read as a change of metadata: the committed value stays',
      {
        writes: [
          { key: 'k', value: utf8Bytes('x') },
          { key: 'k', value: utf8Bytes('y') },
        ],
      },
      'v@2.0',
    ],
    [
      'a value and a delete are a delete',
      {
        writes: [
          { key: 'k', value: utf8Bytes('x') },
          { key: 'k', isDelete: true },
        ],
      },
      undefined,
    ],
    [
      'two deletes delete nothing',
      {
        writes: [
          { key: 'k', isDelete: true },
          { key: 'k', isDelete: true },
        ],
      },
      'v@2.0',
    ],
    ['two removals of metadata are a delete', { metadataWrites: [{ key: 'k' }, { key: 'k' }] }, undefined],
  ])("an operation twice on a key is what Fabric's sum of flags makes of it: %s", async (_, kv, expected) => {
    const ledger = new TestLedger()
    await ledger.add(transaction(put('k')))
    expect(await ledger.codes(transaction({ cc: { kv } }))).toEqual(['VALID'])
    expect(ledger.value('cc', 'k')).toBe(expected)
  })
})

describe('config transactions', () => {
  const orderer = plainSigner('OrdererMSP', 'orderer')
  const config = plainChannel()

  async function configEnvelope(count: number, ...signers: (typeof admin1)[]): Promise<Uint8Array> {
    const next = structuredClone(config.config)
    const value = next.channelGroup!.groups.get('Orderer')!.values.get('BatchSize')!
    value.value = BatchSize.encode({ ...BatchSize.decode(value.value), maxMessageCount: count })
    const update = await updateTo(config, next, ...signers)
    return wrapped((await applyConfigUpdate(config, update, plainProvider)).configEnvelope)
  }

  function wrapped(data: Uint8Array): Promise<Uint8Array> {
    const channelHeader = ChannelHeader.encode({ type: HeaderType.CONFIG, channelId: CHANNEL })
    const signatureHeader = SignatureHeader.encode({ creator: orderer.identity, nonce: utf8Bytes('nonce') })
    return seal({ channelHeader, signatureHeader }, data, orderer)
  }

  it('are computed again; a good one gives the configuration from this block on', async () => {
    const ledger = new TestLedger({ config })
    const envelope = await configEnvelope(7, plainSigner('OrdererMSP', 'admin'))
    const { flags, nextConfig } = await ledger.add(envelope)
    expect([...flags]).toEqual([0])
    expect(nextConfig?.ordering.batchSize.maxMessageCount).toBe(7)
    expect(ledger.value(CONFIG_NAMESPACE, CONFIG_KEY)).toBeDefined()
    expect(await ledger.codes(envelope)).toEqual(['INVALID_CONFIG_TRANSACTION'])
  })

  it('that do not decode, or do not follow, are INVALID_CONFIG_TRANSACTION and stop no peer', async () => {
    const ledger = new TestLedger({ config })
    expect(await ledger.codes(wrapped(Uint8Array.of(0xff)), wrapped(new Uint8Array(0)))).toEqual([
      'INVALID_CONFIG_TRANSACTION',
      'INVALID_CONFIG_TRANSACTION',
    ])
    expect(ledger.value(CONFIG_NAMESPACE, CONFIG_KEY)).toBeUndefined()
  })
})

describe('an error of the infrastructure', () => {
  it('in the state halts validation and marks nothing; the same block can be validated later', async () => {
    const ledger = new TestLedger()
    const block = ledger.makeBlock([await transaction({ cc: { reads: { k: null } } })])
    const { validator, config } = ledger
    let broken = true
    const state = {
      get: () => ledger.state.get('', ''),
      range: () => ledger.state.range('cc', '', ''),
      getMany: (namespace: string, keys: readonly string[]) => {
        if (broken) throw new Error('disk on fire')
        return ledger.state.getMany(namespace, keys)
      },
    }
    const context = { config, state, knownTransactions: () => new Set<string>() }
    const prepared = validator.prepare(block)
    await expect(validator.validate(prepared, context)).rejects.toThrow(ValidationHalted)
    await expect(validator.validate(prepared, context)).rejects.toMatchObject({ code: 'VALIDATION_STATE_UNAVAILABLE' })
    broken = false
    expect([...(await validator.validate(prepared, context)).flags]).toEqual([0])
  })

  it('in the block store, or in the signature work, too', async () => {
    const ledger = new TestLedger()
    const block = ledger.makeBlock([await transaction(put('k'))])
    const knownTransactions = () => Promise.reject(new Error('no index'))
    const context = { config: ledger.config, state: ledger.state, knownTransactions }
    await expect(ledger.validator.validate(ledger.validator.prepare(block), context)).rejects.toMatchObject({
      code: 'VALIDATION_STATE_UNAVAILABLE',
    })
    const provider = { ...plainProvider, verifyAll: () => Promise.reject(new Error('no worker')) }
    await expect(new TestLedger({ provider }).codes(transaction(put('k')))).rejects.toMatchObject({
      code: 'VALIDATION_SIGNATURES_UNAVAILABLE',
    })
  })
})

describe('what a validated block tells', () => {
  it('events of the valid transactions only, and all transaction ids', async () => {
    const ledger = new TestLedger()
    const event = (name: string) => ({ name, payload: `payload of ${name}` })
    const first = transaction(put('a'), { event: event('first') })
    const validated = await ledger.add(
      first,
      transaction(put('b'), { event: event('second'), endorsers: [] }),
      Uint8Array.of(0xff),
    )
    expect(validated.events().map(({ name, txNumber, chaincode }) => [name, txNumber, chaincode])).toEqual([['first', 0, 'cc']])
    expect(validated.txIds.map((txId) => txId.length)).toEqual([64, 64, 0])
  })

  it('validation of equal blocks on an equal state gives equal flags and updates', async () => {
    const envelopes = await Promise.all([
      transaction(put('a')),
      transaction(put('b'), { endorsers: [] }),
      transaction(put('a', null)),
    ])
    const [one, other] = await Promise.all([new TestLedger().add(...envelopes), new TestLedger().add(...envelopes)])
    expect(one.flags).toEqual(other.flags)
    expect(one.updates.writes()).toEqual(other.updates.writes())
  })
})
