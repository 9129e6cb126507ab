import type { Block } from '../model/block.ts'
import type { Checkpointer } from './checkpointer.ts'
import type { ChaincodeEvent, EventPosition, EventsCall } from './connection.ts'
import type { GatewayContext } from './context.ts'
import { Contract } from './contract.ts'
import { GatewayError } from './errors.ts'

/** Where a stream of events begins, and when it ends. */
export interface EventOptions {
  /** First block. Ignored when the checkpoint holds a position. Default: the next block to be committed. */
  readonly startBlock?: number
  /** Events after this position; move it with its own methods once an event is processed. */
  readonly checkpoint?: Pick<Checkpointer, 'read'>
  readonly signal?: AbortSignal
}

/** One channel, as a client sees it. */
export class ChannelClient {
  readonly name: string
  private readonly context: GatewayContext
  private readonly contracts = new Map<string, Contract>()

  /** @internal */
  constructor(context: GatewayContext, name: string) {
    this.context = context
    this.name = name
  }

  /** A chaincode; with `contractName` one of the contracts that it holds. */
  contract(chaincode: string, contractName?: string): Contract {
    const key = contractName === undefined ? chaincode : `${chaincode}:${contractName}`
    let contract = this.contracts.get(key)
    if (contract === undefined) {
      contract = new Contract(this.context, this.name, chaincode, contractName)
      this.contracts.set(key, contract)
    }
    return contract
  }

  /**
   * Events of a chaincode's valid transactions, in the order of the ledger. Leave the loop, abort the signal or close the gateway to end.
   * @throws EventsError
   */
  chaincodeEvents(chaincode: string, options: EventOptions = {}): AsyncIterable<ChaincodeEvent> {
    return this.context.connection.chaincodeEvents({ ...this.call(options), chaincode }, this.signal(options))
  }

  /** Blocks with their validation flags, in order. */
  blockEvents(options: EventOptions = {}): AsyncIterable<Block> {
    return this.context.connection.blocks(this.call(options), this.signal(options))
  }

  private call(options: EventOptions): EventsCall {
    return { channel: this.name, identity: this.context.identity.identity, ...position(options) }
  }

  private signal({ signal }: EventOptions): AbortSignal {
    this.context.checkOpen()
    const closed = this.context.closed.signal
    return signal === undefined ? closed : AbortSignal.any([signal, closed])
  }
}

/** @throws GatewayError GATEWAY_BAD_ARGUMENT */
function position({ startBlock, checkpoint }: EventOptions): EventPosition {
  if (startBlock !== undefined && (!Number.isSafeInteger(startBlock) || startBlock < 0))
    throw new GatewayError('GATEWAY_BAD_ARGUMENT', `startBlock must be a block number, not ${startBlock}`)
  const reached = checkpoint?.read()
  if (reached?.blockNumber === undefined) return { startBlock }
  return { startBlock: reached.blockNumber, afterTransactionId: reached.transactionId }
}
