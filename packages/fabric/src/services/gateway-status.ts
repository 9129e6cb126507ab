import {
  CommitStatusError,
  EndorseError,
  EndorserError,
  EvaluateError,
  EventsError,
  GatewayError,
  HeddleError,
  NodeError,
  OrderError,
  SubmitError,
} from '@heddle/core'
import { Any, ErrorDetail, RpcStatus } from '@heddle/core/model'
import { IdentityError } from '@heddle/core/plugin'
import { GrpcStatus, Status } from '../grpc/status.ts'

/** Name of the detail message, as google.protobuf.Any carries it. */
const DETAIL_TYPE = 'type.googleapis.com/gateway.ErrorDetail'

interface NodeDetail {
  readonly node: string
  readonly mspId: string
  readonly message: string
}

/**
 * The gRPC status of an error of the gateway, as Fabric's gateway would give it (internal/pkg/gateway), with what each node said in the
 * trailer `grpc-status-details-bin`. What is no error of ours is given back: it is a fault.
 *
 * @param addressOf where a node serves clients; what Fabric puts into `ErrorDetail.address`
 */
export function gatewayStatus(error: unknown, addressOf: (node: string) => string): unknown {
  if (!(error instanceof HeddleError)) return error
  const found = statusOf(error)
  if (found === undefined) return error
  const [code, message] = found
  const details = detailsOf(error)
  if (details.length === 0) return new GrpcStatus(code, message)
  const encoded = details.map(
    ({ node, mspId, message: said }) =>
      ({ typeUrl: DETAIL_TYPE, value: ErrorDetail.encode({ address: addressOf(node), mspId, message: said }) }) satisfies Any,
  )
  return new GrpcStatus(code, message, RpcStatus.encode({ code, message, details: encoded }))
}

function detailsOf(error: HeddleError): readonly NodeDetail[] {
  const { details } = error.data
  return Array.isArray(details) ? (details as readonly NodeDetail[]) : []
}

function statusOf(error: HeddleError): readonly [number, string] | undefined {
  if (error instanceof EvaluateError) return evaluateStatus(error)
  if (error instanceof EndorseError) return endorseStatus(error)
  if (error instanceof SubmitError) return submitStatus(error)
  if (error instanceof CommitStatusError) {
    if (error.code === 'COMMIT_STATUS_REFUSED') return [Status.PERMISSION_DENIED, error.message]
    return [error.code === 'COMMIT_STATUS_TIMEOUT' ? Status.DEADLINE_EXCEEDED : Status.UNAVAILABLE, error.message]
  }
  if (error instanceof EventsError)
    return [error.code === 'EVENTS_REFUSED' ? Status.PERMISSION_DENIED : Status.UNAVAILABLE, error.message]
  if (error instanceof GatewayError)
    return [error.code === 'GATEWAY_UNKNOWN_CHANNEL' ? Status.NOT_FOUND : Status.INVALID_ARGUMENT, error.message]
  if (error instanceof NodeError)
    return [error.code === 'NODE_UNKNOWN_CHANNEL' ? Status.NOT_FOUND : Status.UNAVAILABLE, error.message]
  if (error instanceof EndorserError || error instanceof IdentityError) return [Status.PERMISSION_DENIED, error.message]
  if (error instanceof OrderError) return [error.duty === 'fix-input' ? Status.ABORTED : Status.UNAVAILABLE, error.message]
  return undefined
}

/** Fabric: evaluate.go. */
function evaluateStatus(error: EvaluateError): readonly [number, string] {
  if (error.code === 'EVALUATE_TIMEOUT') return [Status.DEADLINE_EXCEEDED, 'evaluate timeout expired']
  if (error.code === 'EVALUATE_UNAVAILABLE') {
    return detailsOf(error).length === 0
      ? [Status.FAILED_PRECONDITION, error.message]
      : [Status.UNAVAILABLE, 'failed to evaluate transaction, see attached details for more info']
  }
  // An answer of the chaincode is the application's affair; a refusal of the peer comes before any chaincode.
  const code = error.data.status === undefined ? Status.FAILED_PRECONDITION : Status.UNKNOWN
  return [code, `evaluate call to endorser returned error: ${error.message}`]
}

/** Fabric: endorse.go. */
function endorseStatus(error: EndorseError): readonly [number, string] {
  switch (error.code) {
    case 'ENDORSE_TIMEOUT':
      return [Status.DEADLINE_EXCEEDED, 'endorsement timeout expired while collecting endorsements']
    case 'ENDORSE_POLICY_UNSATISFIABLE':
      return [Status.FAILED_PRECONDITION, error.message]
    case 'ENDORSE_UNAVAILABLE':
      // Without an answer of anybody: the organisations that were named have no peer here.
      if (detailsOf(error).length === 0) return [Status.UNAVAILABLE, error.message]
      return [Status.ABORTED, 'failed to collect enough transaction endorsements, see attached details for more info']
    case 'ENDORSERS_DISAGREE':
      return [Status.ABORTED, `failed to assemble transaction: ${error.message}`]
    default:
      return detailsOf(error).length === 0
        ? [Status.INVALID_ARGUMENT, error.message]
        : [Status.ABORTED, 'failed to endorse transaction, see attached details for more info']
  }
}

/** Fabric: submit.go. */
function submitStatus(error: SubmitError): readonly [number, string] {
  if (error.code === 'SUBMIT_REFUSED') return [Status.ABORTED, `received unsuccessful response from orderer: ${error.message}`]
  if (error.code === 'OUTCOME_UNKNOWN') return [Status.UNAVAILABLE, error.message]
  return [Status.UNAVAILABLE, 'no orderers could successfully process transaction']
}
