import { EndorserError, HeddleError, type PeerServices } from '@heddle/core'
import { ProposalResponse } from '@heddle/core/model'
import { ChaincodeError, IdentityError } from '@heddle/core/plugin'
import type { Methods } from '../grpc/method.ts'
import { GrpcStatus, Status } from '../grpc/status.ts'

/** Requests at a time (Fabric: peer.limits.concurrency.endorserService). */
const CONCURRENCY = 2500

/**
 * protos.Endorser of one peer.
 *
 * As in Fabric a proposal that is refused before any chaincode runs is an error of the call; a chaincode that could not answer is a
 * response with status 500, without an endorsement.
 */
export function endorserService(peer: PeerServices): Methods {
  return {
    '/protos.Endorser/ProcessProposal': {
      kind: 'unary',
      concurrency: CONCURRENCY,
      handle: async (request) => ProposalResponse.encode(await answer(peer, request)),
    },
  }
}

async function answer(peer: PeerServices, signedProposal: Uint8Array): Promise<ProposalResponse | { response: object }> {
  try {
    return await peer.endorse(signedProposal)
  } catch (error) {
    if (error instanceof ChaincodeError) return { response: { status: 500, message: error.message, payload: NOTHING } }
    if (!(error instanceof HeddleError)) throw error
    if (error.code === 'ENDORSER_OVERLOADED') throw new GrpcStatus(Status.RESOURCE_EXHAUSTED, error.message)
    if (error.duty === 'retry') throw new GrpcStatus(Status.UNAVAILABLE, error.message)
    // Go's servers report a plain error of the handler as UNKNOWN, and clients of Fabric look for its text.
    if (error instanceof EndorserError || error instanceof IdentityError)
      throw new GrpcStatus(Status.UNKNOWN, `error validating proposal: ${error.message}`)
    throw error
  }
}

const NOTHING = new Uint8Array(0)
