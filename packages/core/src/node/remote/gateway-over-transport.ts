import type { GatewayConnection } from '../../client/connection.ts'
import { Cancellation } from '../../ports/cancellation.ts'
import type { RemoteNode, Transport } from '../../ports/transport.ts'
import { NodeError } from '../errors.ts'
import {
  bytesPart,
  decodeParts,
  encodeParts,
  GatewayCall,
  numberField,
  type Parts,
  textField,
  textsField,
} from './gateway-codec.ts'

export const GATEWAY = 'gateway'

/**
 * Offers a peer's gateway to clients and nodes elsewhere. Proposals and transactions are signed, and judged by their signature as
 * everywhere. Commit status, events and blocks go to whom the connection has proved to be there: what identity a call names is not asked.
 */
export function serveGateway(transport: Transport, channel: string, gateway: GatewayConnection): void {
  transport.onRequest(GATEWAY, channel, (from, message, signal) => answer(gateway, channel, from, message, signal))
  transport.onStream(GATEWAY, channel, (from, message, signal) => stream(gateway, channel, from, message, signal))
}

export function withdrawGateway(transport: Transport, channel: string): void {
  transport.withdraw(GATEWAY, channel)
}

async function answer(
  gateway: GatewayConnection,
  channel: string,
  from: RemoteNode,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const parts = decodeParts(message)
  const { call } = parts
  const transactionId = textField(parts, 'transactionId')
  switch (call) {
    case GatewayCall.EVALUATE: {
      const { status, message: text, payload } = await gateway.evaluate(proposalCall(parts, channel, transactionId), signal)
      return encodeParts(call, { status, message: text }, payload)
    }
    case GatewayCall.ENDORSE: {
      const prepared = await gateway.endorse(proposalCall(parts, channel, transactionId), signal)
      const { status, message: text, payload } = prepared.response
      return encodeParts(call, { status, message: text, endorsers: prepared.endorsers }, prepared.payload, payload)
    }
    case GatewayCall.SUBMIT: {
      const payload = bytesPart(parts, 0)
      await gateway.submit({ channel, transactionId, payload, signature: bytesPart(parts, 1) }, signal)
      return encodeParts(call, {})
    }
    case GatewayCall.COMMIT_STATUS: {
      const outcome = await gateway.commitStatus({ channel, transactionId, identity: from.identity }, cancelledBy(signal))
      return encodeParts(call, outcome)
    }
  }
  throw unknownCall(call)
}

async function* stream(
  gateway: GatewayConnection,
  channel: string,
  from: RemoteNode,
  message: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parts = decodeParts(message)
  const { call } = parts
  const startBlock = numberField(parts, 'startBlock')
  const position = { channel, identity: from.identity, startBlock }
  if (call === GatewayCall.BLOCKS) {
    for await (const block of gateway.blocks(position, signal)) yield block.encode()
    return
  }
  if (call !== GatewayCall.EVENTS) throw unknownCall(call)
  const after = parts.fields.afterTransactionId === undefined ? undefined : textField(parts, 'afterTransactionId')
  const wanted = { ...position, chaincode: textField(parts, 'chaincode'), afterTransactionId: after }
  for await (const { payload, ...event } of gateway.chaincodeEvents(wanted, signal)) yield encodeParts(call, event, payload)
}

function proposalCall(parts: Parts, channel: string, transactionId: string) {
  return {
    channel,
    transactionId,
    chaincode: textField(parts, 'chaincode'),
    proposalBytes: bytesPart(parts, 0),
    signature: bytesPart(parts, 1),
    organizations: textsField(parts, 'organizations'),
  }
}

function cancelledBy(signal: AbortSignal): Cancellation {
  const cancellation = new Cancellation()
  if (signal.aborted) cancellation.cancel(signal.reason)
  else signal.addEventListener('abort', () => cancellation.cancel(signal.reason), { once: true })
  return cancellation
}

function unknownCall(call: number): NodeError {
  return new NodeError('NODE_BAD_CALL', `there is no call ${call}`, { call })
}
