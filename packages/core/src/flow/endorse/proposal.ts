import { decodeChannelHeader, decodeSignatureHeader } from '../../model/hot-codec.ts'
import { ChaincodeInvocationSpec } from '../../model/messages/chaincode.ts'
import { Header, HeaderType } from '../../model/messages/common.ts'
import { ChaincodeHeaderExtension, ChaincodeProposalPayload, Proposal, SignedProposal } from '../../model/messages/proposal.ts'
import { proposalHash } from '../../model/proposal-hash.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import { transactionId } from '../../model/transaction-id.ts'
import { EndorserError } from './errors.ts'

/** Fabric's gRPC servers take messages of up to 100 MB; what exceeds the orderers' 10 MB with its transient data is no use to anyone. */
export const MAX_PROPOSAL_BYTES: number = 32 * 1024 * 1024

/** A proposal that was decoded and is consistent in itself. Nothing is said of its creator or signature. Peers of a process share it. */
export interface ParsedProposal {
  /** The serialized protos.SignedProposal. */
  readonly bytes: Uint8Array
  readonly proposalBytes: Uint8Array
  readonly signature: Uint8Array
  /** Serialized common.Header. */
  readonly header: Uint8Array
  /** Serialized common.SignatureHeader, part of the header. */
  readonly signatureHeader: Uint8Array
  /** Serialized protos.ChaincodeInvocationSpec. */
  readonly input: Uint8Array
  readonly channelId: string
  readonly txId: string
  readonly creator: Uint8Array
  readonly nonce: Uint8Array
  readonly timestamp: { readonly seconds: number; readonly nanos: number }
  readonly chaincode: string
  readonly args: readonly Uint8Array[]
  readonly isInit: boolean
  readonly transient: ReadonlyMap<string, Uint8Array>
  /** What the endorsement refers to: leaves transient data out. */
  readonly hash: Uint8Array
}

/**
 * Decodes and checks a signed proposal as Fabric's endorser does (core/endorser/msgvalidation.go).
 *
 * @throws EndorserError ENDORSER_BAD_PROPOSAL, ENDORSER_PROPOSAL_TOO_LARGE
 */
export function parseProposal(bytes: Uint8Array): ParsedProposal {
  if (bytes.length > MAX_PROPOSAL_BYTES) throw tooLarge(bytes.length)
  return checked(() => {
    const { proposalBytes, signature } = SignedProposal.decode(bytes)
    return parse(proposalBytes, signature, bytes)
  })
}

/**
 * As {@link parseProposal}, for whoever has the two parts of a signed proposal apart.
 *
 * @throws EndorserError ENDORSER_BAD_PROPOSAL, ENDORSER_PROPOSAL_TOO_LARGE
 */
export function parseProposalParts(proposalBytes: Uint8Array, signature: Uint8Array): ParsedProposal {
  const size = proposalBytes.length + signature.length
  if (size > MAX_PROPOSAL_BYTES) throw tooLarge(size)
  return checked(() => parse(proposalBytes, signature, undefined))
}

function checked(parsing: () => ParsedProposal): ParsedProposal {
  try {
    return parsing()
  } catch (error) {
    if (error instanceof DecodeError) throw bad(error.message, error)
    throw error
  }
}

function parse(proposalBytes: Uint8Array, signature: Uint8Array, bytes: Uint8Array | undefined): ParsedProposal {
  if (proposalBytes.length === 0) throw bad('empty proposal bytes')
  if (signature.length === 0) throw bad('empty signature')
  const proposal = Proposal.decode(proposalBytes)
  const header = Header.decode(proposal.header)
  const channelHeader = decodeChannelHeader(header.channelHeader)
  const { creator, nonce } = decodeSignatureHeader(header.signatureHeader)
  // Fabric's endorser lets CONFIG pass here as well, to no use: no orderer takes such a transaction.
  if (channelHeader.type !== HeaderType.ENDORSER_TRANSACTION) throw bad(`invalid header type ${channelHeader.type}`)
  if (channelHeader.epoch !== 0) throw bad('epoch is not zero')
  if (nonce.length === 0) throw bad('nonce is empty')
  if (creator.length === 0) throw bad('creator is empty')
  const chaincode = ChaincodeHeaderExtension.decode(channelHeader.extension).chaincodeId?.name ?? ''
  if (chaincode === '') throw bad('the header names no chaincode')
  const payload = ChaincodeProposalPayload.decode(proposal.payload)
  const spec = ChaincodeInvocationSpec.decode(payload.input).chaincodeSpec
  if (spec === undefined) throw bad('no chaincode specification')
  if (spec.input === undefined) throw bad('no chaincode input')
  // Fabric takes the name of the header; two names that differ would run one chaincode and show another.
  if (spec.chaincodeId !== undefined && spec.chaincodeId.name !== '' && spec.chaincodeId.name !== chaincode) {
    throw bad(`the header names chaincode ${chaincode}, the input ${spec.chaincodeId.name}`)
  }
  const txId = transactionId(nonce, creator)
  if (channelHeader.txId !== txId) throw bad(`transaction id is '${channelHeader.txId}', computed '${txId}'`)
  const { seconds, nanos } = channelHeader.timestamp ?? { seconds: 0, nanos: 0 }
  const publicPayload =
    payload.transientMap.size === 0 && isInputAlone(proposal.payload, payload.input) ? proposal.payload : undefined
  return new DecodedProposal(bytes, proposalBytes, signature, {
    header: proposal.header,
    signatureHeader: header.signatureHeader,
    input: payload.input,
    channelId: channelHeader.channelId,
    txId,
    creator,
    nonce,
    timestamp: { seconds: Number(seconds), nanos },
    chaincode,
    args: spec.input.args,
    isInit: spec.input.isInit,
    transient: payload.transientMap,
    hash: proposalHash(
      header.channelHeader,
      header.signatureHeader,
      publicPayload ?? ChaincodeProposalPayload.encode({ input: payload.input }),
    ),
  })
}

type Parts = Omit<ParsedProposal, 'bytes' | 'proposalBytes' | 'signature'>

class DecodedProposal implements ParsedProposal {
  readonly proposalBytes: Uint8Array
  readonly signature: Uint8Array
  readonly header: Uint8Array
  readonly signatureHeader: Uint8Array
  readonly input: Uint8Array
  readonly channelId: string
  readonly txId: string
  readonly creator: Uint8Array
  readonly nonce: Uint8Array
  readonly timestamp: ParsedProposal['timestamp']
  readonly chaincode: string
  readonly args: readonly Uint8Array[]
  readonly isInit: boolean
  readonly transient: ReadonlyMap<string, Uint8Array>
  readonly hash: Uint8Array
  private serialized: Uint8Array | undefined

  constructor(bytes: Uint8Array | undefined, proposalBytes: Uint8Array, signature: Uint8Array, parts: Parts) {
    this.serialized = bytes
    this.proposalBytes = proposalBytes
    this.signature = signature
    this.header = parts.header
    this.signatureHeader = parts.signatureHeader
    this.input = parts.input
    this.channelId = parts.channelId
    this.txId = parts.txId
    this.creator = parts.creator
    this.nonce = parts.nonce
    this.timestamp = parts.timestamp
    this.chaincode = parts.chaincode
    this.args = parts.args
    this.isInit = parts.isInit
    this.transient = parts.transient
    this.hash = parts.hash
  }

  /** Few look at it where the parts came apart. */
  get bytes(): Uint8Array {
    this.serialized ??= SignedProposal.encode({ proposalBytes: this.proposalBytes, signature: this.signature })
    return this.serialized
  }
}

/** True when a payload is nothing but its input, canonically encoded, as nearly all are: it need not be encoded again to be hashed. */
function isInputAlone(payload: Uint8Array, input: Uint8Array): boolean {
  let size = 1
  for (let length = input.length; length > 0x7f; length >>>= 7) size++
  return input.length > 0 && payload.length === input.length + 1 + size && payload[0] === 0x0a
}

function tooLarge(size: number): EndorserError {
  const data = { size, limit: MAX_PROPOSAL_BYTES }
  return new EndorserError('ENDORSER_PROPOSAL_TOO_LARGE', `a proposal of ${size} bytes exceeds the limit of ${data.limit}`, data)
}

function bad(reason: string, cause?: Error): EndorserError {
  return new EndorserError('ENDORSER_BAD_PROPOSAL', `bad proposal: ${reason}`, { reason }, cause && { cause })
}
