import type { Config } from '../model/messages/configtx.ts'
import { ConfigUpdate } from '../model/messages/configtx.ts'
import type { Signer } from '../ports/identity.ts'
import type { ChannelConfig } from './config/channel-config.ts'
import { channelConfigFrom } from './config/load-config.ts'
import type { ChannelDefinition } from './genesis/definition.ts'
import { genesisConfig } from './genesis/genesis-block.ts'
import { plainMsp, plainProvider, plainSigner } from './plain-identity.fixture.ts'
import { computeConfigUpdate } from './update/compute-update.ts'
import { configUpdateEnvelope, signConfigUpdate } from './update/sign-update.ts'

/** Two organisations with peers, one with an ordering node, all with test identities. */
export function plainDefinition(changes: Partial<ChannelDefinition> = {}): ChannelDefinition {
  return {
    channel: 'trade',
    consortium: 'banks',
    ordering: {
      type: 'solo',
      organizations: [{ name: 'Orderers', mspConfig: plainMsp('OrdererMSP'), endpoints: ['localhost:7050'] }],
    },
    application: {
      organizations: [
        { name: 'Org1', mspConfig: plainMsp('Org1MSP'), anchorPeers: [{ host: 'localhost', port: 7051 }] },
        { name: 'Org2', mspConfig: plainMsp('Org2MSP') },
      ],
    },
    ...changes,
  }
}

export function plainChannel(changes: Partial<ChannelDefinition> = {}): ChannelConfig {
  const definition = plainDefinition(changes)
  return channelConfigFrom(definition.channel, genesisConfig(definition), plainProvider)
}

export const admin1: Signer = plainSigner('Org1MSP', 'admin')
export const admin2: Signer = plainSigner('Org2MSP', 'admin')
export const ordererAdmin: Signer = plainSigner('OrdererMSP', 'admin')

const seed = { timestamp: 1_700_000_000_000, nonce: new Uint8Array(24).fill(7) }

/** The envelope that leads from the current configuration to the next, signed. */
export function updateTo(current: ChannelConfig, next: Config, ...signers: readonly Signer[]): Promise<Uint8Array> {
  return signedUpdate(computeConfigUpdate(current.channel, current.config, next), ...signers)
}

/** An update in an envelope, signed. */
export async function signedUpdate(update: ConfigUpdate, ...signers: readonly Signer[]): Promise<Uint8Array> {
  const bytes = ConfigUpdate.encode(update)
  const signatures = await Promise.all(signers.map((signer) => signConfigUpdate(bytes, signer, seed.nonce)))
  return configUpdateEnvelope(bytes, signatures, signers[0] ?? admin1, seed)
}
