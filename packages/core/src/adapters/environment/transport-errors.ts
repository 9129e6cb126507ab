import { errorFamily } from '../../model/errors.ts'

/** What a transport reports. An error that the other side's handler threw on purpose arrives with its own code instead. */
export class TransportError extends errorFamily('TransportError', {
  TRANSPORT_UNREACHABLE: { duty: 'retry', meaning: 'The other node is not there, or cannot be reached now.' },
  TRANSPORT_NO_SERVICE: { duty: 'retry', meaning: 'The other node does not serve this service of this channel, or not yet.' },
  TRANSPORT_HANDLER_FAILED: { duty: 'ask-status', meaning: 'The other node failed while it worked on the request.' },
  TRANSPORT_TOO_LARGE: { duty: 'fix-input', meaning: 'The message is larger than the transport carries.' },
  TRANSPORT_BUSY: { duty: 'retry', meaning: 'Too many requests to this node are waiting for an answer.' },
  TRANSPORT_ABORTED: { duty: 'ask-status', meaning: 'The caller gave up waiting; the other node may have done the work.' },
  TRANSPORT_CLOSED: { duty: 'ask-status', meaning: 'The transport was stopped while the request was under way, or before.' },
  TRANSPORT_PEER_REFUSED: {
    duty: 'tell-operator',
    meaning:
      'The other side of a connection is not whom the network knows by that name, or no member any more; `reason` says why (NO_CERTIFICATE, WRONG_NAME, EXPIRED, IDENTITY_REVOKED, ...).',
  },
  TRANSPORT_REFUSED: {
    duty: 'tell-operator',
    meaning:
      'The other node does not take this one: certificate, name or version do not suit it; `reason` says why. Check the certificate, and that both have the same configuration.',
  },
  TRANSPORT_PROTOCOL: {
    duty: 'tell-operator',
    meaning: 'The other side sent what is no frame of the protocol, or more than it may; the connection was closed.',
  },
  TRANSPORT_LISTEN_FAILED: {
    duty: 'fix-config',
    meaning: 'The address on which a node should listen is taken, not allowed or not of this machine.',
  },
  TRANSPORT_BAD_HANDLER: { duty: 'fix-config', meaning: 'Two handlers were registered for one service of one channel.' },
}) {}
