import { type OptionsSchema, type Pace, paceSchema } from '@heddle/core/plugin'

/** Options of the plugin. Those in milliseconds of time, and those of a channel, stand in the channel's genesis block: see the README. */
export interface RaftOptions {
  /** T, milliseconds: a follower that hears nothing for a time between T and 2 T stands for election. Of new channels. */
  readonly electionTimeout?: number
  /** Milliseconds between two signs of life of a leader. Of new channels. */
  readonly heartbeat?: number
  /** Blocks that a leader proposes before the first of them is decided. Of new channels. */
  readonly maxInflightBlocks?: number
  /** Bytes of entries after which the log is compacted. Of new channels. */
  readonly snapshotInterval?: number
  /** Milliseconds that an envelope waits for a leader before its sender is told to try another orderer. */
  readonly submitTimeout?: number
  /** Milliseconds after which a sender is told that the outcome is unknown. */
  readonly outcomeTimeout?: number
  /** Bytes of other nodes' envelopes that wait at a leader. */
  readonly maxForwardedBytes?: number
  /** How a founder that starts without a log proves that it did not lose one. */
  readonly founding?: 'survey' | 'assured'
  /** When a batch that is not full is cut. */
  readonly pace?: Partial<Pace>
}

export type ResolvedRaftOptions = Required<RaftOptions>

export const DEFAULTS: ResolvedRaftOptions = {
  electionTimeout: 600,
  heartbeat: 100,
  maxInflightBlocks: 8,
  snapshotInterval: 16 * 1024 * 1024,
  submitTimeout: 10_000,
  outcomeTimeout: 30_000,
  maxForwardedBytes: 64 * 1024 * 1024,
  founding: 'survey',
  pace: {},
}

const whole = (minimum: number, maximum: number, name: keyof ResolvedRaftOptions, description: string) => ({
  type: 'integer',
  minimum,
  maximum,
  default: DEFAULTS[name],
  description,
})

export const optionsSchema: OptionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    electionTimeout: whole(
      10,
      3_600_000,
      'electionTimeout',
      'Milliseconds (T) without a sign of the leader after which followers elect another; drawn from T to 2 T. For new channels.',
    ),
    heartbeat: whole(
      1,
      600_000,
      'heartbeat',
      'Milliseconds between signs of life of a leader; below electionTimeout. For new channels.',
    ),
    maxInflightBlocks: whole(
      1,
      1000,
      'maxInflightBlocks',
      'Blocks that a leader proposes ahead of their decision. For new channels.',
    ),
    snapshotInterval: whole(
      1024,
      2 ** 31 - 1,
      'snapshotInterval',
      'Bytes of entries after which the log is compacted. For new channels.',
    ),
    submitTimeout: whole(
      100,
      600_000,
      'submitTimeout',
      'Milliseconds that an envelope waits for a leader; then: try another orderer.',
    ),
    outcomeTimeout: whole(100, 3_600_000, 'outcomeTimeout', 'Milliseconds after which an open outcome is reported as unknown.'),
    maxForwardedBytes: whole(
      1_048_576,
      2 ** 31 - 1,
      'maxForwardedBytes',
      "Bytes of other orderers' envelopes that wait at a leader.",
    ),
    founding: {
      enum: ['survey', 'assured'],
      default: DEFAULTS.founding,
      description:
        'survey: founders begin when all of them have met, and one that lost its disk is found out. assured: you vouch for it.',
    },
    pace: paceSchema,
  },
}
