import { errorFamily } from '@heddle/core/plugin'

/** Something of gossip went wrong: between peers, or in what it was told. */
export class GossipError extends errorFamily('GossipError', {
  GOSSIP_BAD_BINDING: {
    duty: 'fix-input',
    meaning:
      'A peer did not prove that its libp2p identity belongs to a member: the statement is malformed, of another peer, expired, or its signature is wrong.',
  },
  GOSSIP_NOT_A_MEMBER: { duty: 'fix-input', meaning: 'A peer is a member of none of the channels of this one.' },
  GOSSIP_BAD_MESSAGE: { duty: 'fix-input', meaning: 'A peer sent what cannot be read; it is disconnected.' },
  GOSSIP_FRAME_TOO_LARGE: { duty: 'fix-input', meaning: 'A peer sent more than the protocol allows; it is disconnected.' },
  GOSSIP_STREAM_BROKEN: { duty: 'retry', meaning: 'A stream to another peer ended early; another peer is asked.' },
  GOSSIP_REFUSED: { duty: 'retry', meaning: 'A peer does not serve what it was asked for, or not now; another peer is asked.' },
  GOSSIP_BAD_OPTIONS: { duty: 'fix-config', meaning: 'Options of the gossip plugin contradict each other or name no address.' },
}) {}
