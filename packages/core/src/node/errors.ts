import { errorFamily } from '../model/errors.ts'

/** A node, or a channel on it, cannot do what was asked of it. */
export class NodeError extends errorFamily('NodeError', {
  PEER_CHANNEL_HALTED: {
    duty: 'tell-operator',
    meaning:
      'The channel stopped on this peer because disk, database or keys failed; nothing was marked invalid. The cause tells what to repair, then restart the peer.',
  },
  NODE_STOPPED: { duty: 'retry', meaning: 'The node is not running; start it or ask another one.' },
  NODE_UNKNOWN_CHANNEL: { duty: 'fix-input', meaning: 'The node has not joined the channel.' },
  NODE_WRONG_GENESIS: {
    duty: 'tell-operator',
    meaning:
      'The node has another genesis block for the channel than it was asked to join with; the data folder belongs to another network.',
  },
}) {}
