import type { ChaincodeConfig } from '../config/definition.ts'
import { ConfigError } from '../config/errors.ts'
import { HeddleError } from '../model/errors.ts'
import {
  CheckCommitReadinessArgs,
  CheckCommitReadinessResult,
  CommitChaincodeDefinitionArgs,
  QueryChaincodeDefinitionArgs,
  QueryChaincodeDefinitionResult,
} from '../model/messages/lifecycle.ts'
import type { Clock } from '../ports/clock.ts'
import { type Approver, approve, checkSame, lifecycle, type Parameters, parametersOf } from './chaincode-deployment.ts'
import { NetworkError } from './errors.ts'

/** How often nodes elsewhere are asked again, and the pause between, milliseconds: time to start, to elect a leader, to catch up. */
const ATTEMPTS = 150
const PAUSE = 200

/**
 * Brings the definition of a chaincode to a channel whose peers are in other processes, through their gateways: the organisations whose
 * administrators are here approve; it is committed when enough have approved, here or elsewhere.
 *
 * @throws ConfigError CONFIG_DIFFERS_FROM_LEDGER
 * @throws NetworkError NETWORK_CHAINCODE_NOT_DEPLOYED
 */
export async function deployThroughGateways(
  channel: string,
  chaincode: ChaincodeConfig,
  approvers: readonly Approver[],
  clock: Clock,
): Promise<void> {
  const [first] = approvers
  if (first === undefined)
    throw new NetworkError('NETWORK_NOT_HERE', `no administrator of channel ${channel} has its key in this process`, { channel })
  const failed = (message: string, cause: unknown): NetworkError => {
    const data = { channel, chaincode: chaincode.name }
    return new NetworkError(
      'NETWORK_CHAINCODE_NOT_DEPLOYED',
      `chaincode ${chaincode.name} on channel ${channel}: ${message}`,
      data,
      {
        cause,
      },
    )
  }
  const patiently = async <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> => {
    let last: unknown
    for (let i = 0; i < ATTEMPTS; i++) {
      try {
        const result = await attempt()
        if (result !== undefined) return result
      } catch (error) {
        // What the nodes say may change; what this process lacks does not.
        if (error instanceof ConfigError || error instanceof NetworkError || !(error instanceof HeddleError)) throw error
        last = error
      }
      await new Promise<void>((resolve) => void clock.setTimer(PAUSE, resolve, true))
    }
    throw failed(`${what}: ${(last as Error | undefined)?.message ?? 'it did not come to pass'}`, last)
  }

  const committed = await patiently('its definition was not to be had', () => query(channel, chaincode.name, first))
  const parameters = parametersOf(chaincode, chaincode.sequence ?? committed.sequence ?? 1)
  if (committed.sequence !== undefined && parameters.sequence <= committed.sequence)
    return checkSame(channel, chaincode, parameters, committed)
  await Promise.all(
    approvers.map((approver) => patiently(`${approver.mspId} did not approve`, () => approveOnce(channel, parameters, approver))),
  )
  await patiently('it was not committed', async () => {
    const found = await query(channel, chaincode.name, first)
    if (found.sequence !== undefined && found.sequence >= parameters.sequence) {
      checkSame(channel, chaincode, parameters, found)
      return true
    }
    await lifecycle(first.gateway, channel).submit('CommitChaincodeDefinition', CommitChaincodeDefinitionArgs.encode(parameters))
    return true
  })
  // The definition counts at a peer from the block that carries it; whoever asks next should find it.
  await Promise.all(
    approvers.map((approver) =>
      patiently(`${approver.mspId} does not know it`, async () => {
        const { sequence } = await query(channel, chaincode.name, approver)
        return sequence !== undefined && sequence >= parameters.sequence ? true : undefined
      }),
    ),
  )
}

/** The definition that an organisation's peers have; without a sequence when there is none. */
async function query(
  channel: string,
  name: string,
  { gateway, mspId }: Approver,
): Promise<Omit<QueryChaincodeDefinitionResult, 'sequence'> & { readonly sequence: number | undefined }> {
  const contract = lifecycle(gateway, channel)
  const options = { endorsingOrganizations: [mspId] }
  try {
    const bytes = await contract.evaluate('QueryChaincodeDefinition', QueryChaincodeDefinitionArgs.encode({ name }), options)
    const found = QueryChaincodeDefinitionResult.decode(bytes)
    return { ...found, sequence: Number(found.sequence) }
  } catch (error) {
    // The chaincode's own answer to a name without a definition, not a peer that is away.
    if (error instanceof HeddleError && error.code === 'EVALUATE_REFUSED' && error.data.status === NOT_FOUND)
      return { ...QueryChaincodeDefinitionResult.decode(new Uint8Array(0)), sequence: undefined }
    throw error
  }
}

async function approveOnce(channel: string, parameters: Parameters, approver: Approver): Promise<true> {
  const { sequence } = await query(channel, parameters.name, approver)
  if (sequence !== undefined && sequence >= parameters.sequence) return true
  const approvals = await lifecycle(approver.gateway, channel)
    .evaluate('CheckCommitReadiness', CheckCommitReadinessArgs.encode(parameters), { endorsingOrganizations: [approver.mspId] })
    .then((bytes) => CheckCommitReadinessResult.decode(bytes).approvals)
  if (approvals.get(approver.mspId) !== true) await approve(channel, parameters, approver)
  return true
}

/** Status with which the lifecycle chaincode answers for a name that has no definition. */
const NOT_FOUND = 404
