import { describe, expect, it } from 'vitest'
import { ordererAdmin, plainDefinition, updateTo } from '../../channel/plain-channel.fixture.ts'
import { plainProvider, plainSigner } from '../../channel/plain-identity.fixture.ts'
import { setMaintenance } from '../../channel/update/edit-config.ts'
import { Envelope, HeaderType } from '../../model/messages/common.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import { envelope, settled, testOrderer, textsOf } from './ordering.fixture.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('ingress', () => {
  it('refuses an empty envelope', async () => {
    await using orderer = await testOrderer()
    await expect(orderer.host.broadcast(new Uint8Array(0))).rejects.toEqual(code('ORDER_EMPTY_ENVELOPE'))
  })

  it('refuses an outer envelope that is not canonical', async () => {
    await using orderer = await testOrderer()
    const { payload, signature } = Envelope.decode(await envelope('a'))
    const swapped = Buffer.concat([Envelope.encode({ signature }), Envelope.encode({ payload })])
    await expect(orderer.host.broadcast(swapped)).rejects.toEqual(code('ORDER_MALFORMED_ENVELOPE'))
  })

  it('refuses what does not decode', async () => {
    await using orderer = await testOrderer()
    const garbage = Envelope.encode({ payload: Buffer.from('garbage'), signature: Buffer.from('s') })
    await expect(orderer.host.broadcast(garbage)).rejects.toEqual(code('ORDER_MALFORMED_ENVELOPE'))
  })

  it('refuses an envelope for another channel', async () => {
    await using orderer = await testOrderer()
    await expect(orderer.host.broadcast(await envelope('a', { channel: 'other' }))).rejects.toEqual(code('ORDER_WRONG_CHANNEL'))
  })

  it('refuses CONFIG envelopes from clients', async () => {
    await using orderer = await testOrderer()
    await expect(orderer.host.broadcast(await envelope('a', { type: HeaderType.CONFIG }))).rejects.toEqual(
      code('ORDER_UNSUPPORTED_TYPE'),
    )
  })

  it('counts payload plus signature against AbsoluteMaxBytes', async () => {
    const limit = 500
    const batchSize = { absoluteMaxBytes: limit, preferredMaxBytes: limit }
    const { ordering } = plainDefinition()
    await using orderer = await testOrderer({ definition: { ordering: { ...ordering, batchSize } } })
    const fits = await envelope('a', { size: limit - overhead(await envelope('')) })
    const over = await envelope('b', { size: limit + 1 - overhead(await envelope('')) })
    await expect(orderer.host.broadcast(over)).rejects.toEqual(code('ORDER_TOO_LARGE'))
    void orderer.host.broadcast(fits)
    await settled()
    expect(orderer.consensus.waiting.map(({ submission }) => submission.size)).toEqual([limit])
    orderer.consensus.decideAll()
  })

  it('refuses an expired sender before it looks at the signature', async () => {
    let verified = 0
    const provider: IdentityProvider = {
      ...plainProvider,
      createMembership(configs) {
        const membership = plainProvider.createMembership(configs)
        return { ...membership, identity: (bytes) => ({ ...membership.identity(bytes), expiresAt: Date.UTC(2024, 0) }) }
      },
      verifyAll: (items) => {
        verified += items.length
        return plainProvider.verifyAll(items)
      },
    }
    await using orderer = await testOrderer({ provider })
    await expect(orderer.host.broadcast(await envelope('a'))).rejects.toEqual(code('ORDER_IDENTITY_EXPIRED'))
    expect(verified).toBe(0)
  })

  it('refuses a wrong signature', async () => {
    await using orderer = await testOrderer()
    await expect(orderer.host.broadcast(await envelope('a', { signature: Buffer.from('forged') }))).rejects.toEqual(
      code('ORDER_FORBIDDEN'),
    )
  })

  it('refuses a sender of an unknown organisation', async () => {
    await using orderer = await testOrderer()
    const stranger = await envelope('a', { signer: plainSigner('Org9MSP', 'client') })
    await expect(orderer.host.broadcast(stranger)).rejects.toEqual(code('ORDER_FORBIDDEN'))
  })

  it('refuses a sender who does not satisfy the Writers policy', async () => {
    const definition = { policies: { Writers: "OR('Org2MSP.member')" } }
    await using orderer = await testOrderer({ definition })
    await expect(orderer.host.broadcast(await envelope('a'))).rejects.toEqual(code('ORDER_FORBIDDEN'))
  })

  it('checks the signatures that come in one turn together', async () => {
    const calls: number[] = []
    const provider: IdentityProvider = {
      ...plainProvider,
      verifyAll: async (items) => {
        calls.push(items.length)
        return plainProvider.verifyAll(items)
      },
    }
    await using orderer = await testOrderer({ provider })
    const envelopes = await Promise.all(Array.from({ length: 100 }, (_, i) => envelope(`${i}`)))
    const outcomes = envelopes.map((each) => orderer.host.broadcast(each))
    await settled()
    orderer.consensus.decideAll()
    await Promise.all(outcomes)
    expect(calls).toEqual([100])
  })

  it('runs again when the configuration advances while the signature is checked', async () => {
    const gate = Promise.withResolvers<void>()
    let held = false
    const provider: IdentityProvider = {
      ...plainProvider,
      verifyAll: async (items) => {
        if (held) await gate.promise
        return plainProvider.verifyAll(items)
      },
    }
    await using orderer = await testOrderer({ provider })
    const update = await updateTo(orderer.host.config, setMaintenance(orderer.host.config.config, true), ordererAdmin)
    const configured = orderer.host.broadcast(update)
    await settled()
    held = true
    const outcome = orderer.host.broadcast(await envelope('late'))
    held = false
    orderer.consensus.decideConfig()
    gate.resolve()
    await expect(outcome).rejects.toEqual(code('ORDER_MAINTENANCE'))
    await configured
  })

  it('refuses with a typed error what exceeds the bound on envelopes in flight, and takes again when there is room', async () => {
    await using orderer = await testOrderer({ options: { limits: { envelopes: 2, bytes: 1e6 } } })
    const first = [orderer.host.broadcast(await envelope('a')), orderer.host.broadcast(await envelope('b'))]
    await expect(orderer.host.broadcast(await envelope('c'))).rejects.toEqual(code('ORDERER_OVERLOADED'))
    await settled()
    orderer.consensus.decideAll()
    await Promise.all(first)
    const again = orderer.host.broadcast(await envelope('c'))
    await settled()
    orderer.consensus.decideAll()
    expect(await again).toEqual({ blockNumber: 2 })
  })

  it('joins the same bytes while they are in flight, and does not join other bytes with the same transaction id', async () => {
    await using orderer = await testOrderer()
    const bytes = await envelope('a', { txId: 'same' })
    const twice = [orderer.host.broadcast(bytes), orderer.host.broadcast(Uint8Array.from(bytes))]
    const other = orderer.host.broadcast(await envelope('b', { txId: 'same' }))
    await settled()
    orderer.consensus.decideAll()
    expect(await Promise.all([...twice, other])).toEqual([{ blockNumber: 1 }, { blockNumber: 1 }, { blockNumber: 1 }])
    expect(textsOf(orderer.store.blocks[1]!)).toEqual(['a', 'b'])
  })
})

function overhead(bytes: Uint8Array): number {
  const { payload, signature } = Envelope.decode(bytes)
  // The length of the data and its tag take three bytes.
  return payload.length + signature.length + 3
}
