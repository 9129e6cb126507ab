import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { BlockMessage, Envelope, Payload, SignatureHeader } from '../../model/messages/common.ts'
import { ConfigEnvelope, type ConfigGroup } from '../../model/messages/configtx.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { pemBlock } from '../crypto/pem.ts'
import { parseCertificate } from './certificate.ts'
import { provider } from './msp.fixture.ts'

const folder = new URL('../../../test/vectors/fabric-ledger/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.block'))
const envelopesOf = (name: string): Envelope[] =>
  BlockMessage.decode(readFileSync(new URL(name, folder))).data!.data.map((bytes) => Envelope.decode(bytes))

function mspsOf(group: ConfigGroup): Uint8Array[] {
  const own = group.values.get('MSP')
  return [...(own === undefined ? [] : [own.value]), ...[...group.groups.values()].flatMap(mspsOf)]
}

it('every creator in a ledger of Fabric’s is a member of its channel, and signed its envelope', async () => {
  const genesis = Payload.decode(envelopesOf('0000.block')[0]!.payload)
  const membership = provider.createMembership(mspsOf(ConfigEnvelope.decode(genesis.data).config!.channelGroup!))
  expect(membership.mspIds).toEqual(['OrdererMSP', 'Org1MSP', 'Org2MSP'])
  const items = names.slice(1).flatMap((name) =>
    envelopesOf(name).map(({ payload, signature }) => {
      const { creator } = SignatureHeader.decode(Payload.decode(payload).header!.signatureHeader)
      const identity = membership.identity(creator)
      const { subject } = parseCertificate(pemBlock(SerializedIdentity.decode(creator).idBytes).bytes)
      expect(identity.organizationalUnits).toEqual(subject.organizationalUnits)
      return { key: identity.publicKey, data: payload, signature }
    }),
  )
  expect(items).toHaveLength(424)
  expect(new Set(await provider.verifyAll(items))).toEqual(new Set([true]))
})
