import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import type { Identity } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { EndorserChannel } from './endorser-channel.ts'
import type { ParsedProposal } from './proposal.ts'
import type { TransactionSimulator } from './simulator.ts'

/** What a system chaincode is asked. */
export interface SystemInvocation {
  readonly proposal: ParsedProposal
  readonly args: readonly Uint8Array[]
  /** The proposal's creator; signature and membership were checked, access to the function was not. */
  readonly creator: Identity
  /** Undefined for a proposal without a channel. */
  readonly channel: EndorserChannel | undefined
  /** Undefined for a proposal without a channel, and for a system chaincode that does not simulate. */
  readonly simulator: TransactionSimulator | undefined
  /** False when another chaincode calls. */
  readonly isOuter: boolean
  /** @throws EndorserError ENDORSER_ACCESS_DENIED */
  checkAccess(resource: string): void
}

/** A chaincode that is part of every peer. It decides itself who may call which of its functions. */
export interface SystemChaincode {
  readonly name: string
  /** Whether it reads and writes the channel's state through the simulator. */
  readonly simulates: boolean
  invoke(invocation: SystemInvocation): Awaitable<ChaincodeResponse>
}

/** Version under which system chaincodes stand in an endorsement. */
export const SYSTEM_CHAINCODE_VERSION = 'syscc'

const NONE = new Uint8Array(0)

export function success(payload: Uint8Array = NONE): ChaincodeResponse {
  return { status: 200, message: '', payload }
}

export function failure(status: number, message: string): ChaincodeResponse {
  return { status, message, payload: NONE }
}
