import { errorFamily } from '../model/errors.ts'

/** A node, or a channel on it, cannot do what was asked of it. */
export class NodeError extends errorFamily('NodeError', {
  PEER_CHANNEL_HALTED: {
    duty: 'tell-operator',
    meaning:
      'The channel stopped on this peer because disk, database or keys failed; nothing was marked invalid. The cause tells what to repair, then restart the peer.',
  },
  PEER_CHANNEL_FORKED: {
    duty: 'tell-operator',
    meaning:
      'The orderers signed two different blocks of one height; the channel stopped on this peer. Find out which orderer did, keep both blocks as evidence, and decide with the other organisations which chain goes on.',
  },
  NODE_NOT_A_MEMBER: {
    duty: 'fix-input',
    meaning:
      'The identity may not read the channel: it is unknown, revoked, expired, or the policy does not name it. The reason tells which.',
  },
  NODE_BAD_CALL: { duty: 'fix-input', meaning: 'A call from another process is none that a node answers, or cannot be read.' },
  NODE_STOPPED: { duty: 'retry', meaning: 'The node is not running; start it or ask another one.' },
  NODE_UNKNOWN_CHANNEL: { duty: 'fix-input', meaning: 'The node has not joined the channel.' },
  NODE_WRONG_GENESIS: {
    duty: 'tell-operator',
    meaning:
      'The node has another genesis block for the channel than it was asked to join with; the data folder belongs to another network.',
  },
}) {}
