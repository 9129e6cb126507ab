import { ApplicationPolicy } from '../../model/messages/application-policy.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Membership } from '../../ports/identity.ts'
import { PolicyError } from '../errors.ts'
import { type Policy, type PolicyManager, RejectPolicy } from './policy.ts'
import { parseSignaturePolicy, signaturePolicyToString } from './policy-text.ts'
import { compileSignaturePolicy } from './signature-policy.ts'

/** Endorsement policy of a chaincode whose definition names none. */
export const DEFAULT_ENDORSEMENT_POLICY = '/Channel/Application/Endorsement'

/**
 * A chaincode's endorsement policy from text: a path (`/Channel/Application/Endorsement`) refers to a policy of the channel,
 * everything
 * else is a signature policy. Without text, the channel's default.
 *
 * @throws PolicyError as `parseSignaturePolicy`
 */
export function parseApplicationPolicy(text: string = DEFAULT_ENDORSEMENT_POLICY): ApplicationPolicy {
  const trimmed = text.trim()
  if (trimmed.startsWith('/')) return { signaturePolicy: undefined, channelConfigPolicyReference: trimmed }
  return { signaturePolicy: parseSignaturePolicy(text), channelConfigPolicyReference: undefined }
}

/** Writes what {@link parseApplicationPolicy} reads. Throws PolicyError as `signaturePolicyToString`. */
export function applicationPolicyToString(policy: ApplicationPolicy): string {
  if (policy.signaturePolicy !== undefined) return signaturePolicyToString(policy.signaturePolicy)
  return policy.channelConfigPolicyReference ?? ''
}

/** Decodes an endorsement policy as chaincode definitions store it. Throws PolicyError POLICY_MALFORMED. */
export function decodeApplicationPolicy(bytes: Uint8Array): ApplicationPolicy {
  try {
    return ApplicationPolicy.decode(bytes)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new PolicyError('POLICY_MALFORMED', 'the bytes are no application policy', {}, { cause })
  }
}

/**
 * Compiles an endorsement policy under a channel configuration. A reference to a policy that the channel does not have, and
 * an empty
 * policy, are satisfied by nobody.
 *
 * @throws PolicyError POLICY_MALFORMED for a signature policy that does not compile
 */
export function compileApplicationPolicy(
  policy: ApplicationPolicy,
  channel: { readonly policies: PolicyManager; readonly membership: Membership },
): Policy {
  if (policy.signaturePolicy !== undefined) return compileSignaturePolicy(policy.signaturePolicy, channel.membership)
  const reference = policy.channelConfigPolicyReference
  if (reference === undefined) return new RejectPolicy('the endorsement policy is empty')
  return channel.policies.policy(reference) ?? new RejectPolicy(`the channel has no policy ${reference}`)
}
