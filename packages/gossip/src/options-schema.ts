import type { OptionsSchema } from '@heddle/core/plugin'

const addresses = (description: string) => ({
  type: 'array',
  maxItems: 64,
  items: { type: 'string', pattern: '^/' },
  description,
})
const count = (value: number, description: string, minimum = 1) => ({ type: 'integer', minimum, default: value, description })
const group = (description: string, properties: object) => ({
  type: 'object',
  additionalProperties: false,
  description,
  properties,
})

const listen = addresses('Multiaddrs to listen on. Default: a free port of 127.0.0.1.')
const announce = addresses('Multiaddrs that others are told instead of those that the node listens on.')

/** JSON Schema of the plugin's options. Reasons for the defaults: the package's README. */
export const optionsSchema: OptionsSchema = group('Block dissemination by libp2p gossip.', {
  transport: { enum: ['tcp', 'memory'], default: 'tcp', description: 'memory: for nodes of one process, in tests.' },
  listen,
  announce,
  nodes: {
    type: 'object',
    description: 'By name of a node: where it listens, when not as the others.',
    additionalProperties: group('Addresses of one node.', { listen, announce }),
  },
  bootstrap: addresses('Multiaddrs of peers that are dialled first, besides the anchor peers of the channel configuration.'),
  scope: {
    enum: ['organization', 'channel'],
    default: 'organization',
    description: 'Whom blocks are spread to: the own organisation, as in Fabric, or the whole channel.',
  },
  leaders: {
    type: 'array',
    items: { type: 'string' },
    description: 'Names of the peers that pull from the orderers. Default: each organisation elects one.',
  },
  election: group('Milliseconds.', {
    claimInterval: count(1_000, 'Between two claims of a leader.', 10),
    leaderTimeout: count(5_000, 'Silence after which a leader is replaced.', 20),
    patience: count(3_000, 'How long a peer that starts looks for a leader at most.', 0),
    rest: count(15_000, 'How long a leader that could not do its work lets others try.', 0),
  }),
  neighbours: group('Connections that a peer tries to have.', {
    own: count(12, 'To peers of its own organisation.'),
    others: count(4, 'To peers of other organisations, in all.', 0),
    refresh: count(60_000, 'Milliseconds between two changes of neighbours.', 100),
  }),
  mesh: group('Shape of the gossipsub mesh.', {
    degree: count(6, 'Neighbours that whole blocks are exchanged with.'),
    lowDegree: count(4, 'Below this, neighbours are added.'),
    highDegree: count(12, 'Above this, neighbours are taken out.'),
    heartbeat: count(700, 'Milliseconds between two looks at the mesh.', 50),
  }),
  antiEntropy: group('Getting what gossip did not bring.', {
    interval: count(1_000, 'Milliseconds between two messages that tell neighbours how far this peer is.', 10),
    grace: count(300, 'Milliseconds that gossip has for a block that a neighbour has, before it is asked for.', 0),
    parallel: count(4, 'Requests at one time, of different neighbours where there are several.'),
    window: count(128, 'Blocks that one request asks for; an answer holds 2 MiB at most.'),
  }),
  limits: group('What others can make this peer hold.', {
    connections: count(300, 'Connections.'),
    unproven: count(32, 'Connections of peers that have not proved that they are members.'),
    handshakesPerSecond: count(50, 'New connections a second from one host.'),
    pendingBlocks: count(64, 'Blocks that were checked and wait for the peer.'),
    pendingBytes: count(64 * 1024 * 1024, 'Bytes of these blocks.'),
    ban: count(600_000, 'Milliseconds for which a peer that misbehaved is not talked to.', 0),
  }),
})
