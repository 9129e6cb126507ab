import { ConfigError } from '../config/errors.ts'
import type { NetworkCore } from './network-core.ts'

/** One more peer of an organisation, on its channels: it gets their blocks from the first on. @throws ConfigError, NetworkError */
export async function addPeer(core: NetworkCore, organization: string, peer: string): Promise<void> {
  const { mspId } = core.identitiesOf(organization)
  if (core.nodes.peers.has(peer) || core.nodes.orderers.has(peer))
    throw new ConfigError('CONFIG_CONTRADICTION', `there is a node '${peer}' already`, { name: peer, organization, mspId })
  const channels = core.members.filter(({ organizations }) => organizations.includes(organization)).map(({ name }) => name)
  for (const channel of channels) core.channels.get(channel)!.peers.add(peer)
  const config = core.organizationConfigs.find(({ name }) => name === organization)!
  await core.startPeers({ ...config, peers: [peer] })
  await core.saveIdentities()
  const running = core.nodes.peers.get(peer)!
  for (const chaincode of new Set(channels.flatMap((channel) => core.deployed(channel))))
    if (chaincode.organizations?.includes(organization) ?? true) await running.install(chaincode)
}
