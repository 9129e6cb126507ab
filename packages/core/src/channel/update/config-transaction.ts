import { EnvelopeView } from '../../model/envelope-view.ts'
import { Envelope, HeaderType } from '../../model/messages/common.ts'
import { Config, ConfigEnvelope, ConfigUpdate, ConfigUpdateEnvelope } from '../../model/messages/configtx.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { configTree, nextVersion } from '../config/config-map.ts'
import { checkTransition } from '../config/config-transition.ts'
import { channelConfigFrom } from '../config/load-config.ts'
import { ConfigUpdateError } from '../errors.ts'
import { authorizeUpdate } from './authorize-update.ts'

/** A config update that was found good. */
export interface AppliedUpdate {
  /** Payload data of the CONFIG envelope that the ordering node wraps and signs. */
  readonly configEnvelope: Uint8Array
  readonly next: ChannelConfig
  readonly update: ConfigUpdate
}

/**
 * Applies a CONFIG_UPDATE envelope to the current configuration: versions, signatures and policies, the resulting
 * configuration by
 * itself, and the step to it. What the consensus says about the step is not asked: see `checkConsensusMigration`,
 * `Consenter.validateMetadata`.
 *
 * @throws ConfigUpdateError, ChannelError
 */
export async function applyConfigUpdate(
  current: ChannelConfig,
  updateEnvelope: EnvelopeView | Uint8Array,
  provider: IdentityProvider,
): Promise<AppliedUpdate> {
  const view = updateEnvelope instanceof Uint8Array ? new EnvelopeView(updateEnvelope) : updateEnvelope
  const { envelope, update } = readUpdate(view)
  const elements = await readable(() => authorizeUpdate(current, update, envelope, provider))
  const channelGroup = configTree(elements)
  if (channelGroup === undefined)
    throw new ConfigUpdateError('CONFIG_UPDATE_INCOMPLETE', 'a group of the result lists an element that it lacks')
  const config: Config = { sequence: nextVersion(current.sequence), channelGroup }
  const next = channelConfigFrom(current.channel, config, provider)
  checkTransition(current, next)
  const lastUpdate: Envelope = { payload: view.payload, signature: view.signature }
  return { configEnvelope: ConfigEnvelope.encode({ config, lastUpdate }), next, update }
}

/**
 * Checks a CONFIG envelope from a block by computing it again from the update inside, and gives the configuration that it makes.
 *
 * @throws ConfigUpdateError, ChannelError
 */
export async function validateConfigTransaction(
  current: ChannelConfig,
  transaction: EnvelopeView | Uint8Array,
  provider: IdentityProvider,
): Promise<ChannelConfig> {
  const view = transaction instanceof Uint8Array ? new EnvelopeView(transaction) : transaction
  const { config, lastUpdate } = readConfigEnvelope(view)
  if (config === undefined || lastUpdate === undefined) {
    throw new ConfigUpdateError('CONFIG_UPDATE_MALFORMED', 'the config transaction lacks its configuration or its update')
  }
  const sequence = nextVersion(current.sequence)
  if (config.sequence !== sequence) {
    throw new ConfigUpdateError(
      'CONFIG_TRANSACTION_SEQUENCE',
      `config transaction of sequence ${config.sequence}, the next is ${sequence}`,
      {
        found: `${config.sequence}`,
        expected: `${sequence}`,
      },
    )
  }
  const { next } = await applyConfigUpdate(current, Envelope.encode(lastUpdate), provider)
  if (Buffer.compare(Config.encode(config), next.configBytes) !== 0) {
    throw new ConfigUpdateError(
      'CONFIG_TRANSACTION_DIFFERS',
      'the config transaction carries another configuration than its update gives',
      {
        sequence,
      },
    )
  }
  return next
}

/**
 * The CONFIG_UPDATE inside a CONFIG envelope, to be checked again when the configuration advanced meanwhile. Throws
 * CONFIG_UPDATE_MALFORMED.
 */
export function updateInside(transaction: EnvelopeView): Uint8Array {
  const { lastUpdate } = readConfigEnvelope(transaction)
  if (lastUpdate === undefined) throw new ConfigUpdateError('CONFIG_UPDATE_MALFORMED', 'the config transaction lacks its update')
  return Envelope.encode(lastUpdate)
}

function readConfigEnvelope(view: EnvelopeView): ConfigEnvelope {
  return decoded(() => {
    demandType(view, HeaderType.CONFIG)
    return ConfigEnvelope.decode(view.data)
  })
}

function readUpdate(view: EnvelopeView): { envelope: ConfigUpdateEnvelope; update: ConfigUpdate } {
  return decoded(() => {
    demandType(view, HeaderType.CONFIG_UPDATE)
    const envelope = ConfigUpdateEnvelope.decode(view.data)
    return { envelope, update: ConfigUpdate.decode(envelope.configUpdate) }
  })
}

function demandType(view: EnvelopeView, type: number): void {
  if (view.hasHeader && view.type === type) return
  throw new ConfigUpdateError(
    'CONFIG_UPDATE_MALFORMED',
    `envelope of type ${view.hasHeader ? view.type : 'none'}, expected ${type}`,
  )
}

function decoded<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw malformed(cause)
  }
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause: unknown): unknown {
  if (!(cause instanceof DecodeError)) return cause
  return new ConfigUpdateError('CONFIG_UPDATE_MALFORMED', `the config update does not decode: ${cause.message}`, {}, { cause })
}
