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
  TRANSPORT_BAD_HANDLER: { duty: 'fix-config', meaning: 'Two handlers were registered for one service of one channel.' },
}) {}
