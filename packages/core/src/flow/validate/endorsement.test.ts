import { describe, expect, it } from 'vitest'
import { plainChannel, plainDefinition } from '../../channel/plain-channel.fixture.ts'
import { plainMsp, plainProvider, plainSigner } from '../../channel/plain-identity.fixture.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { ValidationHalted } from './errors.ts'
import { OwnSignatures } from './own-signatures.ts'
import {
  definitionWrites,
  type Plan,
  peer1,
  peer2,
  stranger,
  type TestDefinition,
  TestLedger,
  transaction,
} from './test-ledger.fixture.ts'

const FAILURE = 'ENDORSEMENT_POLICY_FAILURE'
const ORG1 = "OR('Org1MSP.peer')"
const ORG2 = "OR('Org2MSP.peer')"
const put: Plan = { cc: { writes: { k: 'v' } } }
const by = (plan: Plan, ...endorsers: (typeof peer1)[]) => transaction(plan, { endorsers })
const defined = (definition: TestDefinition) => new TestLedger({ definitions: { cc: definition } })
const one = async (ledger: TestLedger, envelope: Promise<Uint8Array>): Promise<string> => (await ledger.codes(envelope))[0]!

describe("a chaincode's endorsement policy", () => {
  it('holds when its organisations signed, in any order', async () => {
    expect(await new TestLedger().codes(by(put, peer1, peer2), by(put, peer2, peer1))).toEqual(['VALID', 'VALID'])
  })

  it('fails when one is missing, or nobody signed', async () => {
    expect(await new TestLedger().codes(by(put, peer1), by(put))).toEqual([FAILURE, FAILURE])
  })

  it('fails for a signature over something else, and for an identity of no organisation', async () => {
    const forged = transaction(put, { endorsement: () => utf8Bytes('no signature') })
    expect(await new TestLedger().codes(forged, by(put, peer1, stranger))).toEqual([FAILURE, FAILURE])
  })

  it('counts an endorser once, however often it signed', async () => {
    const two = defined({ endorsement: "OutOf(2, 'Org1MSP.peer', 'Org1MSP.peer')" })
    expect(await one(two, by(put, peer1, peer1))).toBe(FAILURE)
    expect(await one(two, by(put, peer1, plainSigner('Org1MSP', 'peer', 'second')))).toBe('VALID')
  })

  it('takes a right signature of an endorser whose first one is wrong', async () => {
    const repeated = transaction(put, {
      payload: (payload) => {
        const [first, ...others] = payload.action!.endorsements!
        const wrong = { ...first, signature: utf8Bytes('wrong') }
        return { ...payload, action: { ...payload.action, endorsements: [wrong, first!, ...others] } }
      },
    })
    expect(await one(new TestLedger(), repeated)).toBe('VALID')
  })

  it('may be a policy of the channel', async () => {
    const majority = () => defined({ endorsement: '/Channel/Application/Endorsement' })
    expect(await one(majority(), by(put, peer1, peer2))).toBe('VALID')
    expect(await one(majority(), by(put, peer1))).toBe(FAILURE)
    expect(await one(defined({ endorsement: '/Channel/Application/NoSuchPolicy' }), by(put, peer1, peer2))).toBe(FAILURE)
  })

  it('must hold for every namespace that is written, not for one that is only read', async () => {
    const ledger = () => new TestLedger({ definitions: { cc: { endorsement: ORG1 }, other: { endorsement: ORG2 } } })
    expect(await one(ledger(), by({ ...put, other: { writes: { k: 'v' } } }, peer1))).toBe(FAILURE)
    expect(await one(ledger(), by({ ...put, other: { writes: { k: 'v' } } }, peer1, peer2))).toBe('VALID')
    expect(await one(ledger(), by({ ...put, other: { reads: { k: null } } }, peer1))).toBe('VALID')
  })

  it('must hold for the called chaincode even when nothing is written', async () => {
    expect(await one(new TestLedger(), by({}, peer1))).toBe(FAILURE)
    expect(await one(new TestLedger(), by({}, peer1, peer2))).toBe('VALID')
  })

  it('is the one of the state before the block: a definition changed in the block counts from the next on', async () => {
    const ledger = defined({ endorsement: ORG1 })
    expect(await ledger.codes(by(put, peer1))).toEqual(['VALID'])
    const writes = definitionWrites('cc', { endorsement: ORG2 }).map(({ key, value }) => ({ key, value: value! }))
    const lifecycle = transaction({ _lifecycle: { kv: { writes } } }, { chaincode: '_lifecycle' })
    expect(await ledger.codes(lifecycle, by(put, peer1))).toEqual(['VALID', 'VALID'])
    expect(await ledger.codes(by(put, peer1), by(put, peer2))).toEqual([FAILURE, 'VALID'])
  })

  it('of _lifecycle is LifecycleEndorsement of the channel', async () => {
    const approve: Plan = {
      _lifecycle: { collections: { _implicit_org_Org1MSP: { writes: { 'namespaces/metadata/x#1': 'm' } } } },
    }
    const lifecycle = (plan: Plan, ...endorsers: (typeof peer1)[]) => transaction(plan, { chaincode: '_lifecycle', endorsers })
    expect(await one(new TestLedger(), lifecycle(approve, peer1))).toBe('VALID')
    expect(await one(new TestLedger(), lifecycle(approve, peer2))).toBe(FAILURE)
    const commit: Plan = { _lifecycle: { writes: { 'namespaces/metadata/x': 'm' } } }
    expect(await one(new TestLedger(), lifecycle(commit, peer1))).toBe(FAILURE)
    expect(await one(new TestLedger(), lifecycle(commit, peer1, peer2))).toBe('VALID')
  })

  it('with a validation plugin that is not built in halts validation and marks nothing', async () => {
    const halted = defined({ plugin: 'custom' }).codes(by(put, peer1, peer2))
    await expect(halted).rejects.toThrow(ValidationHalted)
    await expect(halted).rejects.toMatchObject({ code: 'VALIDATION_PLUGIN_UNKNOWN' })
  })

  it('with an empty plugin, or no policy, is INVALID_CHAINCODE', async () => {
    expect(await one(defined({ plugin: '' }), by(put, peer1, peer2))).toBe('INVALID_CHAINCODE')
  })

  it('does not take revoked endorsers', async () => {
    const organizations = [
      { name: 'Org1', mspConfig: plainMsp('Org1MSP') },
      { name: 'Org2', mspConfig: plainMsp('Org2MSP', { revoked: ['peer'] }) },
    ]
    const config = plainChannel({ application: { ...plainDefinition().application, organizations } })
    expect(await new TestLedger({ config }).codes(by(put, peer1, peer2))).toEqual([FAILURE])
  })
})

describe('collections', () => {
  const collections = { own: ORG1, none: null }
  const ledger = () => defined({ endorsement: ORG2, collections })
  const write = (collection: string): Plan => ({ cc: { collections: { [collection]: { writes: { k: 'v' } } } } })

  it("a collection's policy replaces the chaincode's for its keys", async () => {
    expect(await one(ledger(), by(write('own'), peer1))).toBe('VALID')
    expect(await one(ledger(), by(write('own'), peer2))).toBe(FAILURE)
  })

  it("a collection without one falls back to the chaincode's", async () => {
    expect(await one(ledger(), by(write('none'), peer2))).toBe('VALID')
    expect(await one(ledger(), by(write('none'), peer1))).toBe(FAILURE)
  })

  it('a public write next to it still needs the policy of the chaincode', async () => {
    const both: Plan = { cc: { writes: { k: 'v' }, collections: { own: { writes: { k: 'v' } } } } }
    expect(await one(ledger(), by(both, peer1))).toBe(FAILURE)
    expect(await one(ledger(), by(both, peer1, peer2))).toBe('VALID')
  })

  it('nobody may write to a collection that is not defined', async () => {
    expect(await one(ledger(), by(write('missing'), peer1, peer2))).toBe(FAILURE)
  })

  it('each organisation has an implicit one under its own policy; others have none', async () => {
    expect(await one(ledger(), by(write('_implicit_org_Org1MSP'), peer1))).toBe('VALID')
    expect(await one(ledger(), by(write('_implicit_org_Org1MSP'), peer2))).toBe(FAILURE)
    expect(await one(ledger(), by(write('_implicit_org_Org9MSP'), peer1, peer2))).toBe(FAILURE)
  })

  it('a key in a collection may have a policy of its own', async () => {
    const chain = ledger()
    const set: Plan = { cc: { collections: { own: { writes: { k: 'v' }, metadata: { k: ORG2 } } } } }
    expect(await one(chain, by(set, peer1))).toBe('VALID')
    expect(await one(chain, by(write('own'), peer1))).toBe(FAILURE)
    expect(await one(chain, by(write('own'), peer2))).toBe('VALID')
  })
})

describe('key-level policies', () => {
  const setPolicy = (policy: string | null, key = 'k'): Plan => ({ cc: { metadata: { [key]: policy } } })
  const withKey = async (policy: string) => {
    const chain = new TestLedger()
    expect(await chain.codes(by({ cc: { writes: { k: 'v', other: 'v' }, metadata: { k: policy } } }, peer1, peer2))).toEqual([
      'VALID',
    ])
    return chain
  }

  it("replace the chaincode's for that key, in both directions", async () => {
    expect(await one(await withKey(ORG1), by(put, peer1))).toBe('VALID')
    expect(await one(await withKey(ORG1), by(put, peer2))).toBe(FAILURE)
  })

  it("leave other keys to the chaincode's policy", async () => {
    const chain = await withKey(ORG1)
    expect(await one(chain, by({ cc: { writes: { k: 'v', other: 'v' } } }, peer1))).toBe(FAILURE)
    expect(await one(chain, by({ cc: { writes: { k: 'v', other: 'v' } } }, peer1, peer2))).toBe('VALID')
  })

  it('must hold for changing or clearing the policy itself; cleared, the chaincode decides again', async () => {
    const chain = await withKey(ORG1)
    expect(await one(chain, by(setPolicy(null), peer2))).toBe(FAILURE)
    expect(await one(chain, by(setPolicy(null), peer1))).toBe('VALID')
    expect(await one(chain, by(put, peer1))).toBe(FAILURE)
  })

  it('go with the key when it is deleted', async () => {
    const chain = await withKey(ORG1)
    expect(await chain.codes(by({ cc: { writes: { k: null } } }, peer1))).toEqual(['VALID'])
    expect(await one(chain, by(put, peer1))).toBe(FAILURE)
  })

  it('that are no policy are satisfied by nobody, and stop no peer', async () => {
    const chain = await withKey('raw:this is no policy')
    expect(await one(chain, by(put, peer1, peer2))).toBe(FAILURE)
  })

  it('changed by an endorsed transaction, make a later write to the key in the same block fail', async () => {
    const chain = new TestLedger()
    expect(await chain.codes(by(put, peer1, peer2))).toEqual(['VALID'])
    const codes = await chain.codes(
      by(setPolicy(ORG1), peer1, peer2),
      by(put, peer1, peer2),
      by({ cc: { writes: { z: 'v' } } }, peer1, peer2),
    )
    expect(codes).toEqual(['VALID', FAILURE, 'VALID'])
  })

  it('changed by a transaction that is endorsed but fails MVCC, do so all the same', async () => {
    const chain = new TestLedger()
    await chain.codes(by(put, peer1, peer2))
    const stale: Plan = { cc: { reads: { k: null }, metadata: { k: ORG1 } } }
    expect(await chain.codes(by(stale, peer1, peer2), by(put, peer1, peer2))).toEqual(['MVCC_READ_CONFLICT', FAILURE])
  })

  it('changed by a transaction that is not endorsed, do not', async () => {
    const chain = new TestLedger()
    await chain.codes(by(put, peer1, peer2))
    expect(await chain.codes(by(setPolicy(ORG1), peer1), by(put, peer1, peer2))).toEqual([FAILURE, 'VALID'])
  })

  it('changed later in the block, do not matter to an earlier write', async () => {
    const chain = new TestLedger()
    await chain.codes(by(put, peer1, peer2))
    expect(await chain.codes(by(put, peer1, peer2), by(setPolicy(ORG1), peer1, peer2))).toEqual(['VALID', 'VALID'])
  })
})

describe("a node's own signatures", () => {
  it('are not verified again; those of others are', async () => {
    const own = new OwnSignatures()
    const verified: number[] = []
    const provider = {
      ...plainProvider,
      verifyAll: (items: Parameters<typeof plainProvider.verifyAll>[0]) => {
        verified.push(items.length)
        return plainProvider.verifyAll(items)
      },
    }
    const ledger = new TestLedger({ provider, own })
    const envelope = await transaction(put, {
      payload: (payload) => {
        const { proposalResponsePayload, endorsements } = payload.action!
        const mine = endorsements![0]!
        own.remember(Buffer.concat([proposalResponsePayload!, mine.endorser!]), mine.signature!)
        return payload
      },
    })
    expect(await ledger.codes(envelope)).toEqual(['VALID'])
    expect(await ledger.codes(await transaction(put))).toEqual(['VALID'])
    expect(verified).toEqual([2, 3])
  })

  it('do not make another message valid', () => {
    const own = new OwnSignatures()
    own.remember(utf8Bytes('message'), utf8Bytes('signature'))
    expect(own.recognise(utf8Bytes('mess'), utf8Bytes('agf'), utf8Bytes('signature'))).toBe(false)
    expect(own.recognise(utf8Bytes('mess'), utf8Bytes('age'), utf8Bytes('signature'))).toBe(true)
  })
})
