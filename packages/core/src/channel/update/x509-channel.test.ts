import { beforeAll, describe, expect, it } from 'vitest'
import { CertificateAuthority, type EnrolmentRole } from '../../adapters/ca/certificate-authority.ts'
import { mspConfig, serializeIdentity } from '../../adapters/ca/msp-definition.ts'
import { seededAuthority } from '../../adapters/ca/seeded-authority.fixture.ts'
import { pemBlock } from '../../adapters/crypto/pem.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import type { Signer } from '../../ports/identity.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { channelConfigFrom, channelConfigFromBlock } from '../config/load-config.ts'
import { genesisBlock } from '../genesis/genesis-block.ts'
import { updateTo } from '../plain-channel.fixture.ts'
import { realProvider } from '../real-ledger.fixture.ts'
import { applyConfigUpdate, validateConfigTransaction } from './config-transaction.ts'
import { addOrganization, revokeCertificates, setBatchSize } from './edit-config.ts'
import { configEnvelope } from './sign-update.ts'

const provider = realProvider()
const seed = { timestamp: 0, nonce: new Uint8Array(24) }

class Organization {
  readonly mspId: string
  readonly authority: CertificateAuthority

  constructor(name: string) {
    this.mspId = `${name}MSP`
    this.authority = CertificateAuthority.createRoot({ commonName: `ca.${name}` }, seededAuthority(name))
  }

  get mspConfig(): Uint8Array {
    return mspConfig({ mspId: this.mspId, roots: [this.authority.certificate] })
  }

  enrol(role: EnrolmentRole, name: string = role): Signer & { certificate: string } {
    const { certificate, privateKey } = this.authority.issue({ enrolmentId: name, role })
    return { ...provider.signer(serializeIdentity(this.mspId, certificate), pemBlock(privateKey!).bytes), certificate }
  }
}

describe('a channel of X.509 members', () => {
  const [org1, org2, orderers] = [new Organization('org1'), new Organization('org2'), new Organization('orderers')]
  const [admin1, admin2, ordererAdmin, orderer] = [
    org1.enrol('admin'),
    org2.enrol('admin'),
    orderers.enrol('admin'),
    orderers.enrol('orderer'),
  ]
  const client = org1.enrol('client')
  let channel: ChannelConfig

  beforeAll(() => {
    channel = channelConfigFromBlock(
      genesisBlock({
        channel: 'trade',
        ordering: { type: 'solo', organizations: [{ name: 'orderers', mspConfig: orderers.mspConfig }] },
        application: { organizations: [{ name: 'org1', mspConfig: org1.mspConfig }] },
      }),
      provider,
    )
  })

  /** From a config update to what a peer makes of the block. */
  async function update(wanted: ChannelConfig['config'], ...signers: Signer[]): Promise<ChannelConfig> {
    const applied = await applyConfigUpdate(channel, await updateTo(channel, wanted, ...signers), provider)
    return validateConfigTransaction(channel, await configEnvelope('trade', applied.configEnvelope, orderer, seed), provider)
  }

  it('takes in an organisation that its administrators agree on', async () => {
    const wanted = addOrganization(channel.config, { name: 'org2', mspConfig: org2.mspConfig })
    await expect(update(wanted, admin2)).rejects.toMatchObject({ code: 'CONFIG_UPDATE_NOT_AUTHORIZED' })
    const next = await update(wanted, admin1)
    const newcomer = next.membership.identity(admin2.identity)
    expect(next.policies.policy('/Channel/Application/org2/Admins')!.evaluate([newcomer])).toBe(true)
  })

  it('a client is no administrator, an administrator of peers none of the ordering service', async () => {
    const wanted = setBatchSize(channel.config, { maxMessageCount: 7 })
    for (const signer of [client, admin1])
      await expect(update(wanted, signer)).rejects.toMatchObject({ code: 'CONFIG_UPDATE_NOT_AUTHORIZED' })
    expect((await update(wanted, ordererAdmin)).ordering.batchSize.maxMessageCount).toBe(7)
  })

  it('a signature over another update does not count', async () => {
    const signer = { ...ordererAdmin, sign: () => ordererAdmin.sign(Buffer.from('else')) }
    await expect(update(setBatchSize(channel.config, { maxMessageCount: 7 }), signer)).rejects.toMatchObject({
      code: 'CONFIG_UPDATE_NOT_AUTHORIZED',
    })
  })

  it('revokes a certificate from the configuration that carries the list', async () => {
    org1.authority.revoke(client.certificate)
    const next = await update(revokeCertificates(channel.config, 'org1MSP', utf8Bytes(org1.authority.revocationList())), admin1)
    expect(() => channel.membership.identity(client.identity)).not.toThrow()
    expect(() => next.membership.identity(client.identity)).toThrow(expect.objectContaining({ code: 'IDENTITY_REVOKED' }))
    expect(next.membership.identity(admin1.identity).mspId).toBe('org1MSP')
  })

  it('is refused with an MSP that holds no certificate', () => {
    const definition = {
      channel: 'trade',
      ordering: {
        type: 'solo',
        organizations: [{ name: 'orderers', mspConfig: mspConfig({ mspId: 'X', roots: ['nonsense'] }) }],
      },
      application: { organizations: [{ name: 'org1', mspConfig: org1.mspConfig }] },
    }
    expect(() => channelConfigFromBlock(genesisBlock(definition), provider)).toThrow(
      expect.objectContaining({ code: 'CHANNEL_BAD_MSP' }),
    )
    expect(channelConfigFrom('trade', channel.config, provider).configBytes).toEqual(channel.configBytes)
  })
})
