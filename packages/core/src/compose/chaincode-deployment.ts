import { parseApplicationPolicy } from '../channel/policy/application-policy.ts'
import type { Gateway } from '../client/gateway.ts'
import type { ChaincodeConfig } from '../config/definition.ts'
import { ConfigError } from '../config/errors.ts'
import { type ChaincodeDefinition, readDefinition } from '../flow/lifecycle/definitions.ts'
import { ApplicationPolicy } from '../model/messages/application-policy.ts'
import {
  ApproveChaincodeDefinitionForMyOrgArgs,
  CheckCommitReadinessArgs,
  CheckCommitReadinessResult,
  CommitChaincodeDefinitionArgs,
} from '../model/messages/lifecycle.ts'
import { LIFECYCLE_NAMESPACE } from '../model/namespace.ts'
import type { PeerChannel } from '../node/peer-channel.ts'
import { packageIdOf } from './chaincode-registry.ts'
import { NetworkError } from './errors.ts'

/** An organisation that approves, with the gateway of its administrator. */
export interface Approver {
  readonly mspId: string
  readonly gateway: Gateway
}

/** The parts of a definition that organisations agree on. */
export interface Parameters {
  readonly sequence: number
  readonly name: string
  readonly version: string
  readonly endorsementPlugin: string
  readonly validationPlugin: string
  readonly validationParameter: Uint8Array
  readonly initRequired: boolean
}

/**
 * Brings the definition of a chaincode to a channel as Fabric does: every organisation approves, then one commits. Nothing happens when
 * the channel has the definition already.
 *
 * @param peers those of the channel in this process
 * @throws ConfigError CONFIG_DIFFERS_FROM_LEDGER when the channel has another definition and no next sequence is asked for
 * @throws NetworkError NETWORK_CHAINCODE_NOT_DEPLOYED
 */
export async function deployChaincode(
  channel: string,
  chaincode: ChaincodeConfig,
  approvers: readonly Approver[],
  peers: () => readonly PeerChannel[],
): Promise<void> {
  const [peer] = peers()
  if (peer === undefined)
    throw new NetworkError('NETWORK_CHAINCODE_NOT_DEPLOYED', `no peer of channel ${channel} is running`, { channel })
  const committed = await readDefinition(peer.world.state, chaincode.name)
  const parameters = parametersOf(chaincode, chaincode.sequence ?? committed?.sequence ?? 1)
  if (committed !== undefined && parameters.sequence <= committed.sequence) {
    checkSame(channel, chaincode, parameters, committed)
    return
  }
  try {
    await Promise.all(approvers.map((approver) => approveOnce(channel, parameters, approver, peers)))
    await level(peers())
    // The definition counts at a peer from the block that carries it; whoever asks next must find it everywhere.
    await lifecycle(approvers[0]!.gateway, channel).submit(
      'CommitChaincodeDefinition',
      CommitChaincodeDefinitionArgs.encode(parameters),
    )
    await level(peers())
  } catch (cause) {
    // A deployment that a crash broke off may have been ordered: a peer that just caught up shows it only now.
    await level(peers())
    const late = await readDefinition(peer.world.state, chaincode.name)
    if (late !== undefined && parameters.sequence <= late.sequence) {
      checkSame(channel, chaincode, parameters, late)
      return
    }
    const message = `chaincode ${chaincode.name} was not deployed to channel ${channel}: ${(cause as Error).message}`
    throw new NetworkError('NETWORK_CHAINCODE_NOT_DEPLOYED', message, { channel, chaincode: chaincode.name }, { cause })
  }
}

/** Approves a definition that the channel has already, in the name of an organisation that came later. */
export async function approveChaincode(
  channel: string,
  chaincode: ChaincodeConfig,
  approver: Approver,
  peer: PeerChannel,
): Promise<void> {
  const committed = await readDefinition(peer.world.state, chaincode.name)
  if (committed !== undefined) await approve(channel, parametersOf(chaincode, committed.sequence), approver)
}

/** Approves, unless the organisation has: an approval whose acknowledgement a crash took may stand in a block that its peer reads just now. */
async function approveOnce(
  channel: string,
  parameters: Parameters,
  approver: Approver,
  peers: () => readonly PeerChannel[],
): Promise<void> {
  try {
    await approve(channel, parameters, approver)
  } catch (error) {
    await level(peers())
    const readiness = await lifecycle(approver.gateway, channel)
      .evaluate('CheckCommitReadiness', CheckCommitReadinessArgs.encode(parameters))
      .then(
        (bytes) => CheckCommitReadinessResult.decode(bytes),
        () => undefined,
      )
    if (readiness?.approvals.get(approver.mspId) !== true) throw error
  }
}

export async function approve(channel: string, parameters: Parameters, { mspId, gateway }: Approver): Promise<void> {
  const source = { localPackage: { packageId: packageIdOf(parameters.name, parameters.version) } }
  const approval = ApproveChaincodeDefinitionForMyOrgArgs.encode({ ...parameters, source })
  await lifecycle(gateway, channel).submit('ApproveChaincodeDefinitionForMyOrg', approval, { endorsingOrganizations: [mspId] })
}

export function lifecycle(gateway: Gateway, channel: string) {
  return gateway.channel(channel).contract(LIFECYCLE_NAMESPACE)
}

export function parametersOf({ name, version, endorsement, initRequired }: ChaincodeConfig, sequence: number): Parameters {
  return {
    sequence,
    name,
    version,
    endorsementPlugin: 'escc',
    validationPlugin: 'vscc',
    validationParameter: ApplicationPolicy.encode(parseApplicationPolicy(endorsement)),
    initRequired,
  }
}

/** @throws ConfigError CONFIG_DIFFERS_FROM_LEDGER */
export function checkSame(
  channel: string,
  chaincode: ChaincodeConfig,
  wanted: Parameters,
  found: Pick<ChaincodeDefinition, 'version' | 'validationParameter' | 'initRequired'> & {
    readonly sequence: number | undefined
  },
): void {
  const differs: string[] = []
  if (chaincode.sequence !== undefined && chaincode.sequence !== found.sequence)
    differs.push(`sequence ${chaincode.sequence}, ledger ${found.sequence}`)
  if (wanted.version !== found.version) differs.push(`version ${wanted.version}, ledger ${found.version}`)
  if (Buffer.compare(wanted.validationParameter, found.validationParameter) !== 0) differs.push('another endorsement policy')
  if (wanted.initRequired !== found.initRequired)
    differs.push(`initRequired ${wanted.initRequired}, ledger ${found.initRequired}`)
  if (differs.length === 0) return
  throw new ConfigError(
    'CONFIG_DIFFERS_FROM_LEDGER',
    `chaincode ${chaincode.name} on channel ${channel}: ${differs.join('; ')}. To upgrade, say sequence: ${(found.sequence ?? 0) + 1}`,
    { channel, chaincode: chaincode.name, differences: differs },
  )
}

/** Waits until every peer has committed what the most advanced one has. */
async function level(peers: readonly PeerChannel[]): Promise<void> {
  const height = Math.max(...peers.map((peer) => peer.committed))
  await Promise.all(peers.map((peer) => peer.reach(height)))
}
