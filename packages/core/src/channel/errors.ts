import { errorFamily } from '../model/errors.ts'

/** A policy that cannot be read or compiled. */
export class PolicyError extends errorFamily('PolicyError', {
  POLICY_SYNTAX: { duty: 'fix-input', meaning: 'The text is no policy; `position` says where it stops being one.' },
  POLICY_TOO_COMPLEX: { duty: 'fix-input', meaning: 'The policy is longer, or nested deeper, than the limit.' },
  POLICY_THRESHOLD: { duty: 'fix-input', meaning: 'OutOf asks for a number of rules outside 0 to their count plus one.' },
  POLICY_MALFORMED: { duty: 'fix-input', meaning: 'The bytes are no policy, or it refers to an identity that it does not list.' },
  POLICY_NOT_PRINTABLE: { duty: 'fix-input', meaning: 'The policy names principals that the text form has no words for.' },
}) {}

/** A channel configuration that is refused. */
export class ChannelError extends errorFamily('ChannelError', {
  CHANNEL_NOT_A_CONFIG_BLOCK: { duty: 'fix-input', meaning: 'The block does not hold exactly one config envelope.' },
  CHANNEL_MALFORMED: { duty: 'fix-config', meaning: 'An element of the channel configuration cannot be decoded.' },
  CHANNEL_BAD_NAME: { duty: 'fix-input', meaning: 'A channel or an element of its configuration has an illegal name.' },
  CHANNEL_MISSING_GROUP: { duty: 'fix-config', meaning: 'The channel configuration lacks its Orderer or Application group.' },
  CHANNEL_UNKNOWN_GROUP: { duty: 'fix-config', meaning: 'The channel configuration has a group in a place where none may be.' },
  CHANNEL_MISSING_VALUE: { duty: 'fix-config', meaning: 'The channel configuration lacks a value that it cannot do without.' },
  CHANNEL_UNKNOWN_VALUE: { duty: 'fix-config', meaning: 'The channel configuration has a value of an unknown name.' },
  CHANNEL_BAD_VALUE: { duty: 'fix-config', meaning: 'A value of the channel configuration is outside its range.' },
  CHANNEL_BAD_MSP: { duty: 'fix-config', meaning: 'The MSP definition of an organisation is refused.' },
  CHANNEL_MSP_CONFLICT: { duty: 'fix-config', meaning: 'Two organisations define the same MSP identifier in different ways.' },
  CHANNEL_BAD_POLICY: { duty: 'fix-config', meaning: 'A policy of the channel configuration does not compile.' },
  CHANNEL_UNKNOWN_CAPABILITY: {
    duty: 'tell-operator',
    meaning: 'The channel requires a capability that this version does not know; upgrade before joining.',
  },
  CHANNEL_CAPABILITY_TOO_OLD: {
    duty: 'fix-config',
    meaning: 'The channel runs at a capability level below the oldest that is supported.',
  },
  CHANNEL_BAD_DEFINITION: { duty: 'fix-input', meaning: 'The definition of a new channel is incomplete or contradicts itself.' },
}) {}

/** A config update, or a config transaction, that is refused. */
export class ConfigUpdateError extends errorFamily('ConfigUpdateError', {
  CONFIG_UPDATE_MALFORMED: { duty: 'fix-input', meaning: 'The envelope holds no config update that can be decoded.' },
  CONFIG_UPDATE_WRONG_CHANNEL: { duty: 'fix-input', meaning: 'The config update is for another channel.' },
  CONFIG_UPDATE_NO_CHANGE: { duty: 'fix-input', meaning: 'The config update changes nothing.' },
  CONFIG_UPDATE_STALE: {
    duty: 'fix-input',
    meaning:
      'The update read, or writes, a version that is not the current one; compute it again from the current configuration.',
  },
  CONFIG_UPDATE_BAD_MOD_POLICY: { duty: 'fix-input', meaning: 'A changed element has no valid mod_policy.' },
  CONFIG_UPDATE_NO_POLICY: {
    duty: 'fix-input',
    meaning: 'The mod_policy of a changed element names a policy that does not exist: the element cannot be changed.',
  },
  CONFIG_UPDATE_NOT_AUTHORIZED: {
    duty: 'fix-input',
    meaning: 'The signatures do not satisfy the mod_policy of a changed element; `element` and `policy` name them.',
  },
  CONFIG_UPDATE_INCOMPLETE: {
    duty: 'fix-input',
    meaning: 'A group of the resulting configuration lists an element that it does not hold.',
  },
  CONFIG_UPDATE_FORBIDDEN: { duty: 'fix-input', meaning: 'The update changes something that a living channel may not change.' },
  CONFIG_UPDATE_NOT_IN_MAINTENANCE: {
    duty: 'fix-input',
    meaning:
      'The consensus type changes only in maintenance mode, which is entered and left by updates that change nothing else.',
  },
  CONFIG_TRANSACTION_SEQUENCE: { duty: 'fix-input', meaning: 'The config transaction does not carry the next sequence.' },
  CONFIG_TRANSACTION_DIFFERS: {
    duty: 'tell-operator',
    meaning: 'Applying the update again gives another configuration than the config transaction carries.',
  },
}) {}
