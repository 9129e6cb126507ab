import type { Height } from '../../ports/state-db.ts'
import type { UpdateBatch } from './update-batch.ts'

/** Where Fabric's peers keep the channel configuration in the state; it is part of neither commit hash nor content hash. */
export const CONFIG_NAMESPACE = ''
export const CONFIG_KEY = 'CHANNEL_CONFIG_ENV_BYTES'

/** @param configEnvelope serialized ConfigEnvelope, as a config transaction carries it */
export function writeChannelConfig(configEnvelope: Uint8Array, version: Height, updates: UpdateBatch): void {
  updates.set(CONFIG_NAMESPACE, CONFIG_KEY, configEnvelope, undefined, version)
}
