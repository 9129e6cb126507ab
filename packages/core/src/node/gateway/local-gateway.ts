import type {
  ChaincodeEvent,
  CommitOutcome,
  Conflict,
  EventsCall,
  GatewayConnection,
  PreparedTransaction,
  ProposalCall,
  StatusCall,
  SubmitCall,
} from '../../client/connection.ts'
import { CommitStatusError, EndorseError, EvaluateError, EventsError, GatewayError } from '../../client/errors.ts'
import type { Block } from '../../model/block.ts'
import { BlockMetadataIndex, HeaderType } from '../../model/messages/common.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { Cancellation } from '../../ports/cancellation.ts'
import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import type { CommittedTransaction } from '../commit-notifier.ts'
import type { ChannelDirectory } from '../directory.ts'
import type { PeerChannel } from '../peer-channel.ts'
import { Endorsing } from './endorsing.ts'
import { type Readable, Readers } from './readers.ts'
import { Submitting } from './submitting.ts'

/** Peers of this process that may serve a client. */
export interface GatewayPeers {
  readonly channels: readonly string[]
  /** Running channels of running peers, those of the client's organisation first. */
  peers(channel: string): readonly PeerChannel[]
}

/** An id is 64 hexadecimal digits. What is longer names no transaction that could ever be valid, and is not kept. */
const MAX_ID_LENGTH = 128

interface Served {
  readonly endorsing: Endorsing
  readonly submitting: Submitting
}

/** The gateway service for clients of this process: what a Fabric peer offers as gateway.Gateway, without the wire. */
export class LocalGateway implements GatewayConnection {
  private readonly mspId: string
  private readonly nodes: GatewayPeers
  private readonly directory: ChannelDirectory
  private readonly served = new Map<string, Served>()
  private readonly readers = new Readers()

  constructor(mspId: string, nodes: GatewayPeers, directory: ChannelDirectory) {
    this.mspId = mspId
    this.nodes = nodes
    this.directory = directory
  }

  get channels(): readonly string[] {
    return this.nodes.channels
  }

  async evaluate(call: ProposalCall, _signal: AbortSignal | undefined): Promise<ChaincodeResponse> {
    this.checkChannel(call.channel)
    const peer = this.peer(call.channel)
    if (peer === undefined)
      throw new EvaluateError('EVALUATE_UNAVAILABLE', `no peer of channel ${call.channel} is running`, {
        transactionId: call.transactionId,
      })
    return this.service(call.channel).endorsing.evaluate(peer, call)
  }

  async endorse(call: ProposalCall, _signal: AbortSignal | undefined): Promise<PreparedTransaction> {
    this.checkChannel(call.channel)
    const peer = this.peer(call.channel)
    if (peer === undefined)
      throw new EndorseError('ENDORSE_UNAVAILABLE', `no peer of channel ${call.channel} is running`, {
        transactionId: call.transactionId,
      })
    return this.service(call.channel).endorsing.endorse(peer, call)
  }

  submit(call: SubmitCall, signal: AbortSignal | undefined): Promise<void> {
    const { channel, transactionId } = call
    const { submitting } = this.service(channel)
    checkId(transactionId)
    const peer = this.peer(channel)
    if (peer === undefined) return submitting.submit(call, signal, async () => false)
    peer.notifier.expect(transactionId)
    const submitted = submitting.submit(call, signal, () => committedBefore(peer, transactionId))
    // No block may ever tell of it: the envelope was refused, perhaps while the transaction is in the ledger.
    return submitted.catch(async (error: unknown) => {
      await committedBefore(peer, transactionId)
      throw error
    })
  }

  /** @param cancellation who gives up is not kept waiting */
  async commitStatus(
    { channel, transactionId, identity }: StatusCall,
    cancellation: Cancellation | undefined,
  ): Promise<CommitOutcome> {
    this.checkChannel(channel)
    checkId(transactionId)
    let cause: unknown
    for (const peer of this.nodes.peers(channel)) {
      this.admit('gateway/CommitStatus', peer, identity, (message, reason) => {
        const data = { transactionId }
        return new CommitStatusError('COMMIT_STATUS_REFUSED', message, data, { cause: reason })
      })
      try {
        const outcome = await outcomeAt(peer, transactionId, cancellation)
        if (outcome.conflict === undefined) return { code: outcome.code, blockNumber: outcome.blockNumber }
        return { code: outcome.code, blockNumber: outcome.blockNumber, conflict: await named(peer, outcome.conflict) }
      } catch (error) {
        cause = error
        if (cancellation?.cancelled === true) break
      }
    }
    throw new CommitStatusError(
      'COMMIT_STATUS_UNAVAILABLE',
      `no peer of channel ${channel} can tell the fate of transaction ${transactionId}`,
      { transactionId },
      { cause },
    )
  }

  async *chaincodeEvents(
    call: EventsCall & { readonly chaincode: string },
    signal: AbortSignal,
  ): AsyncGenerator<ChaincodeEvent, void, undefined> {
    const { chaincode, startBlock: start } = call
    let passOver = call.afterTransactionId
    for await (const block of this.read('gateway/ChaincodeEvents', call, signal)) {
      const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
      const resumes = passOver !== undefined && block.number === start
      for (let i = 0; i < block.data.length; i++) {
        const view = block.envelope(i)
        if (resumes && passOver !== undefined) {
          if (safely(() => view.txId) === passOver) passOver = undefined
          continue
        }
        if (flags[i] !== TxValidationCode.VALID || view.type !== HeaderType.ENDORSER_TRANSACTION) continue
        const action = view.transaction.actions[0]
        if (action === undefined || action.events.length === 0) continue
        const { chaincodeId, eventName, payload } = action.event
        if (chaincodeId !== chaincode) continue
        yield { blockNumber: block.number, transactionId: view.txId, chaincodeName: chaincodeId, eventName, payload }
      }
      passOver = undefined
    }
  }

  blocks(call: EventsCall, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    return this.read('event/Block', call, signal)
  }

  private async *read(resource: Readable, call: EventsCall, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    const { channel, identity } = call
    const refused = (message: string, cause: unknown) => new EventsError('EVENTS_REFUSED', message, { channel }, { cause })
    let next = call.startBlock
    while (!signal.aborted) {
      const peer = this.peer(channel)
      if (peer === undefined)
        throw new EventsError('EVENTS_UNAVAILABLE', `no peer of channel ${channel} is running`, { channel, nextBlock: next })
      this.admit(resource, peer, identity, refused)
      next ??= peer.committed
      try {
        for await (const block of peer.blocks(next, signal)) {
          // Nobody reads on after a configuration that shuts them out.
          this.admit(resource, peer, identity, refused)
          next = block.number + 1
          yield block
        }
      } catch (error) {
        // A peer that halted: another one goes on, if there is one.
        if (peer.running) throw error
      }
    }
  }

  private peer(channel: string): PeerChannel | undefined {
    return this.nodes.peers(channel)[0]
  }

  private admit(
    resource: Readable,
    peer: PeerChannel,
    identity: Uint8Array,
    refused: (message: string, cause: unknown) => Error,
  ): void {
    try {
      this.readers.check(resource, peer, identity)
    } catch (cause) {
      throw refused(`${peer.channel}: ${(cause as Error).message}`, cause)
    }
  }

  private service(channel: string): Served {
    let served = this.served.get(channel)
    if (served === undefined) {
      this.checkChannel(channel)
      served = {
        endorsing: new Endorsing(this.mspId, () => this.directory.endorsers(channel)),
        submitting: new Submitting(() => this.directory.orderers(channel)),
      }
      this.served.set(channel, served)
    }
    return served
  }

  private checkChannel(channel: string): void {
    const { channels } = this.nodes
    if (channels.includes(channel)) return
    throw new GatewayError('GATEWAY_UNKNOWN_CHANNEL', `there is no channel '${channel.slice(0, 100)}'`, { channels })
  }
}

function checkId(transactionId: string): void {
  if (transactionId.length <= MAX_ID_LENGTH) return
  throw new GatewayError('GATEWAY_BAD_ARGUMENT', `a transaction id of ${transactionId.length} characters is none`)
}

/** Whether a transaction is in the ledger. If so, those who wait for it hear of it; if not, nobody is expected to ask. */
async function committedBefore(peer: PeerChannel, transactionId: string): Promise<boolean> {
  const { notifier } = peer
  const known = peer.running ? await peer.blocksStore.transaction(transactionId) : undefined
  if (known !== undefined) notifier.outcome(transactionId)?.resolve(known)
  notifier.forgetUnlessAwaited(transactionId)
  return known !== undefined
}

/** What a peer knows, or will know, of a transaction. */
async function outcomeAt(
  peer: PeerChannel,
  transactionId: string,
  cancellation: Cancellation | undefined,
): Promise<CommittedTransaction> {
  const { notifier } = peer
  let waiting = notifier.outcome(transactionId)
  if (waiting === undefined) {
    // Announced before the ledger is asked: the transaction may commit between.
    notifier.expect(transactionId)
    waiting = notifier.outcome(transactionId)!
    const known = await peer.blocksStore.transaction(transactionId)
    if (known !== undefined) {
      // Others may have begun to wait meanwhile.
      waiting.resolve(known)
      notifier.forget(transactionId)
      return known
    }
  }
  let outcome: CommittedTransaction
  try {
    outcome = await waiting.wait(cancellation)
  } catch (error) {
    notifier.forgetUnlessAwaited(transactionId)
    throw error
  }
  notifier.forget(transactionId)
  // What was seen is a second entry: the ledger answers for the first.
  if (outcome.code === TxValidationCode.DUPLICATE_TXID) return (await peer.blocksStore.transaction(transactionId)) ?? outcome
  return outcome
}

/** A conflict with the name of the transaction that won. */
async function named(
  peer: PeerChannel,
  { namespace, key, read, current }: NonNullable<CommittedTransaction['conflict']>,
): Promise<Conflict> {
  const block = current === undefined ? undefined : await peer.blocksStore.get(current.blockNumber)
  const transactionId =
    current === undefined || block === undefined ? undefined : safely(() => block.envelope(current.txNumber).txId)
  return { namespace, key, read, committed: current, transactionId }
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
