import type { ConfigUpdate } from '../../model/messages/configtx.ts'
import { ConfigUpdateError } from '../errors.ts'
import type { ChannelConfig } from './channel-config.ts'

/**
 * What may not change between two configurations of a living channel: the MSP identifier of an organisation that stays.
 * Fabric: Bundle.ValidateNew.
 *
 * @throws ConfigUpdateError CONFIG_UPDATE_FORBIDDEN
 */
export function checkTransition(current: ChannelConfig, next: ChannelConfig): void {
  for (const section of ['orderer', 'application'] as const) {
    const before = new Map(current.organizations[section].map(({ name, mspId }) => [name, mspId]))
    for (const { name, mspId } of next.organizations[section]) {
      const was = before.get(name)
      if (was === undefined || was === mspId) continue
      throw new ConfigUpdateError(
        'CONFIG_UPDATE_FORBIDDEN',
        `${section} organisation ${name} may not change its MSP from ${was} to ${mspId}`,
        {
          section,
          organization: name,
          from: was,
          to: mspId,
        },
      )
    }
  }
}

/**
 * Rules for moving a channel to another consensus: the type changes only while the channel is, and stays, in maintenance
 * mode; the updates
 * that enter and leave maintenance change nothing but the state. Ordering nodes ask this of each config update, peers do not.
 * Fabric: orderer/common/msgprocessor/maintenancefilter.go; which types may follow which is for the ordering plugins to say.
 *
 * @param update the update that leads from one to the other
 * @throws ConfigUpdateError CONFIG_UPDATE_NOT_IN_MAINTENANCE
 */
export function checkConsensusMigration(current: ChannelConfig, next: ChannelConfig, update: ConfigUpdate): void {
  const [before, after] = [current.ordering, next.ordering]
  const typeChanges = before.consensusType !== after.consensusType
  if (before.maintenance !== after.maintenance) {
    const step = after.maintenance ? 'entering' : 'leaving'
    if (typeChanges)
      throw notNow(
        `the consensus type changes from ${before.consensusType} to ${after.consensusType} while ${step} maintenance mode`,
      )
    if (Buffer.compare(before.consensusMetadata, after.consensusMetadata) !== 0)
      throw notNow(`the consensus metadata changes while ${step} maintenance mode`)
    const other = changesBesideConsensusType(update)
    if (other !== undefined) throw notNow(`${other} while ${step} maintenance mode`)
  } else if (typeChanges && !before.maintenance) {
    throw notNow(`the consensus type changes from ${before.consensusType} to ${after.consensusType} outside maintenance mode`)
  }
}

function notNow(reason: string): ConfigUpdateError {
  return new ConfigUpdateError('CONFIG_UPDATE_NOT_IN_MAINTENANCE', reason)
}

/** What a write set holds beside /Channel/Orderer/ConsensusType, in words. */
function changesBesideConsensusType({ writeSet }: ConfigUpdate): string | undefined {
  if (writeSet === undefined || writeSet.groups.size === 0) return 'the update changes no group'
  if (writeSet.values.size > 0) return 'the update touches values of /Channel'
  if (writeSet.groups.size > 1) return 'the update touches more than one group'
  const orderer = writeSet.groups.get('Orderer')
  if (orderer === undefined) return 'the update does not touch /Channel/Orderer'
  if (orderer.groups.size > 0) return 'the update touches groups of /Channel/Orderer'
  if (!orderer.values.has('ConsensusType')) return 'the update does not touch the consensus type'
  return orderer.values.size > 1 ? 'the update touches more values of /Channel/Orderer' : undefined
}
