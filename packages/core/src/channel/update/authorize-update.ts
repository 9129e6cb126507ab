import { SignatureHeader } from '../../model/messages/common.ts'
import type { ConfigSignature, ConfigUpdate, ConfigUpdateEnvelope } from '../../model/messages/configtx.ts'
import type { Identity, IdentityProvider, SignedData } from '../../ports/identity.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { type ConfigElement, type ConfigMap, channelGroupOf, configMap, nextVersion } from '../config/config-map.ts'
import { isElementName } from '../config/names.ts'
import { ConfigUpdateError } from '../errors.ts'
import type { Policy } from '../policy/policy.ts'
import { verifiedIdentities } from '../policy/signed-data.ts'

/**
 * Checks an update against the current configuration and lays it over it (Fabric: common/configtx/update.go). Every changed
 * element
 * must go up by one version, and its current mod_policy must be satisfied by the signatures; a new element starts at version
 * 0, and the
 * group that takes it up changes with it.
 *
 * @returns the elements of the next configuration
 * @throws ConfigUpdateError; ChannelError CHANNEL_BAD_NAME
 */
export async function authorizeUpdate(
  current: ChannelConfig,
  update: ConfigUpdate,
  envelope: ConfigUpdateEnvelope,
  provider: IdentityProvider,
): Promise<ConfigMap> {
  if (update.channelId !== current.channel) {
    throw new ConfigUpdateError(
      'CONFIG_UPDATE_WRONG_CHANNEL',
      `the update is for channel '${update.channelId}', this is '${current.channel}'`,
      {
        channel: current.channel,
        found: update.channelId,
      },
    )
  }
  const elements = configMap(channelGroupOf(current.config))
  const readSet = configMap(update.readSet)
  checkReadSet(readSet, elements)
  const writeSet = configMap(update.writeSet)
  const changes = changedElements(readSet, writeSet)
  if (changes.size === 0) throw new ConfigUpdateError('CONFIG_UPDATE_NO_CHANGE', 'the update changes nothing')
  // Versions before signatures: a stale update costs no cryptography.
  for (const [key, change] of changes) checkVersion(key, change, elements.get(key))
  const signers = await verifiedIdentities(current.membership, provider, signedData(envelope))
  for (const key of changes.keys()) checkAuthorized(key, elements.get(key), signers, current)
  return new Map([...elements, ...changes])
}

function checkReadSet(readSet: ConfigMap, current: ConfigMap): void {
  for (const [key, { item }] of readSet) {
    const now = current.get(key)?.item.version
    if (now === item.version) continue
    const message =
      now === undefined ? `${key} was read and does not exist` : `${key} was read at version ${item.version} and is at ${now}`
    throw new ConfigUpdateError('CONFIG_UPDATE_STALE', message, { element: key, read: `${item.version}`, current: `${now}` })
  }
}

/** What the write set holds at another version than the read set, or beside it. */
function changedElements(readSet: ConfigMap, writeSet: ConfigMap): Map<string, ConfigElement> {
  const changes = new Map<string, ConfigElement>()
  for (const [key, element] of writeSet) {
    if (readSet.get(key)?.item.version !== element.item.version) changes.set(key, element)
  }
  return changes
}

function checkVersion(key: string, change: ConfigElement, current: ConfigElement | undefined): void {
  if (!isModPolicy(change.item.modPolicy)) {
    throw new ConfigUpdateError(
      'CONFIG_UPDATE_BAD_MOD_POLICY',
      `${key} has the illegal mod_policy '${change.item.modPolicy.slice(0, 300)}'`,
      { element: key },
    )
  }
  const expected = current === undefined ? 0 : nextVersion(current.item.version)
  if (change.item.version === expected) return
  throw new ConfigUpdateError(
    'CONFIG_UPDATE_STALE',
    `${key} is written at version ${change.item.version}, the next is ${expected}`,
    {
      element: key,
      written: `${change.item.version}`,
      expected: `${expected}`,
    },
  )
}

function isModPolicy(path: string): boolean {
  return path !== '' && (path.startsWith('/') ? path.slice(1) : path).split('/').every(isElementName)
}

function checkAuthorized(
  key: string,
  current: ConfigElement | undefined,
  signers: readonly Identity[],
  channel: ChannelConfig,
): void {
  // New elements have no policy yet; the group that lists them is at a new version and has one.
  if (current === undefined) return
  const { modPolicy } = current.item
  const policy = policyFor(current, channel)
  if (policy === undefined) {
    throw new ConfigUpdateError('CONFIG_UPDATE_NO_POLICY', `${key} has the mod_policy '${modPolicy}', which does not exist`, {
      element: key,
      policy: modPolicy,
    })
  }
  if (policy.evaluate(signers)) return
  throw new ConfigUpdateError(
    'CONFIG_UPDATE_NOT_AUTHORIZED',
    `the signatures do not satisfy '${modPolicy}', the mod_policy of ${key}`,
    {
      element: key,
      policy: modPolicy,
      signers: signers.map(({ mspId }) => mspId),
    },
  )
}

/** A relative mod_policy is one of the group around the element; for a group, one of its own. */
function policyFor(element: ConfigElement, channel: ChannelConfig): Policy | undefined {
  const { modPolicy } = element.item
  if (modPolicy.startsWith('/')) return channel.policies.policy(modPolicy)
  const [, ...path] = element.kind === 'group' ? [...element.path, element.name] : element.path
  return channel.policies.manager(path)?.policy(modPolicy)
}

function signedData({ configUpdate, signatures }: ConfigUpdateEnvelope): SignedData[] {
  return signatures.map(({ signatureHeader, signature }: ConfigSignature) => ({
    get data() {
      return Buffer.concat([signatureHeader, configUpdate])
    },
    identity: SignatureHeader.decode(signatureHeader).creator,
    signature,
  }))
}
