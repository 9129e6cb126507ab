import type { ElectionTimes } from './election/election.ts'
import { GossipError } from './errors.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Where one node listens, when not all nodes do as the others. */
export type NodeAddresses = {
  /** Multiaddrs. */
  readonly listen?: readonly string[]
  /** Multiaddrs that others are told, where they differ from those that it listens on. */
  readonly announce?: readonly string[]
}

/**
 * Options of the plugin; defaults and reasons stand in the package's README. A type and no interface, so that it is an object of options
 * wherever a network is composed.
 */
export type GossipOptions = NodeAddresses & {
  readonly transport?: 'tcp' | 'memory'
  readonly nodes?: Readonly<Record<string, NodeAddresses>>
  readonly bootstrap?: readonly string[]
  readonly scope?: 'organization' | 'channel'
  readonly leaders?: readonly string[]
  readonly election?: Partial<ElectionTimes>
  readonly neighbours?: { readonly own?: number; readonly others?: number; readonly refresh?: number }
  readonly mesh?: {
    readonly degree?: number
    readonly lowDegree?: number
    readonly highDegree?: number
    readonly heartbeat?: number
  }
  readonly antiEntropy?: {
    readonly interval?: number
    readonly grace?: number
    readonly parallel?: number
    readonly window?: number
  }
  readonly limits?: {
    readonly connections?: number
    readonly unproven?: number
    readonly handshakesPerSecond?: number
    readonly pendingBlocks?: number
    readonly pendingBytes?: number
    readonly ban?: number
  }
}

export type Resolved = ReturnType<typeof resolveOptions>

/** Bytes of a block that gossip carries whole: gossipsub takes at most 4 MiB, and a message is more than its block. */
export const WHOLE_BLOCK_BYTES = 3.5 * MIB
/** Bytes of one answer to a request for blocks: streams have no dependable back-pressure, so a window is all that may be under way. */
export const WINDOW_BYTES = 2 * MIB

/** @throws GossipError GOSSIP_BAD_OPTIONS */
export function resolveOptions(options: GossipOptions, node: string) {
  const { transport = 'tcp', nodes = {}, bootstrap = [], scope = 'organization', leaders, mesh = {}, limits = {} } = options
  const own = nodes[node] ?? {}
  const listen = own.listen ?? options.listen ?? (transport === 'memory' ? undefined : ['/ip4/127.0.0.1/tcp/0'])
  const degree = mesh.degree ?? 6
  const resolved = {
    /** Undefined: an address inside the process. */
    listen,
    announce: own.announce ?? options.announce ?? [],
    bootstrap,
    scope,
    leaders,
    election: {
      claimInterval: 1_000,
      leaderTimeout: 5_000,
      patience: 3_000,
      rest: 15_000,
      ...options.election,
    },
    neighbours: {
      own: options.neighbours?.own ?? 12,
      others: options.neighbours?.others ?? 4,
      parallel: 8,
      backOff: { min: 250, max: 30_000 },
      addresses: 1_000,
      refresh: options.neighbours?.refresh ?? 60_000,
    },
    mesh: {
      degree,
      lowDegree: mesh.lowDegree ?? Math.max(1, Math.floor((degree * 2) / 3)),
      highDegree: mesh.highDegree ?? degree * 2,
      heartbeat: mesh.heartbeat ?? 700,
      maxMessageBytes: WHOLE_BLOCK_BYTES + 64 * KIB,
      maxQueuedBytes: 24 * MIB,
    },
    antiEntropy: {
      interval: options.antiEntropy?.interval ?? 1_000,
      grace: options.antiEntropy?.grace ?? 300,
      far: 16,
      pulls: {
        parallel: options.antiEntropy?.parallel ?? 4,
        perSource: 2,
        blocks: options.antiEntropy?.window ?? 128,
        bytes: WINDOW_BYTES,
        windows: 8,
        rest: 500,
      },
      pullTimeout: 10_000,
      serve: 16,
    },
    connections: {
      most: limits.connections ?? 300,
      unproven: limits.unproven ?? 32,
      handshakes: 32,
      perSecond: limits.handshakesPerSecond ?? 50,
      handshakeTimeout: 5_000,
      streams: 64,
    },
    chain: {
      blocks: limits.pendingBlocks ?? 64,
      bytes: limits.pendingBytes ?? 64 * MIB,
      unchecked: 64,
    },
    relay: {
      whole: WHOLE_BLOCK_BYTES,
      largest: 100 * MIB,
      early: 32,
      earlyBytes: 32 * MIB,
      earlyTime: 2_000,
    },
    link: {
      messageBytes: 64 * KIB,
      /** Messages at once, and a second, from one neighbour. */
      burst: 200,
      perSecond: 50,
      /** Blocks of no use at once, and a second: those that several neighbours bring are not many. */
      uselessBurst: 500,
      uselessPerSecond: 100,
      /** Silence after which a neighbour counts as mute. */
      muteAfter: 5 * (options.antiEntropy?.interval ?? 1_000) + 5_000,
    },
    /** Milliseconds that a statement of who a peer is holds, and that one of others may hold at most. */
    binding: { lifetime: 3_600_000, longest: 2 * 3_600_000 },
    ban: limits.ban ?? 600_000,
    feed: { min: 50, max: 5_000 },
  }
  if (resolved.mesh.lowDegree > degree || resolved.mesh.highDegree < degree)
    throw new GossipError('GOSSIP_BAD_OPTIONS', 'mesh.lowDegree <= mesh.degree <= mesh.highDegree is what a mesh needs', {
      mesh: resolved.mesh,
    })
  if (resolved.election.leaderTimeout < 2 * resolved.election.claimInterval)
    throw new GossipError('GOSSIP_BAD_OPTIONS', 'election.leaderTimeout must be at least twice election.claimInterval', {
      election: resolved.election,
    })
  return resolved
}
