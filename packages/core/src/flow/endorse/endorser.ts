import { encodeProposalResponsePayload } from '../../model/hot-encoder.ts'
import { ChaincodeEvent } from '../../model/messages/chaincode-event.ts'
import type { ProposalResponse } from '../../model/messages/proposal-response.ts'
import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { Deadlines, type Expiring } from '../../ports/deadlines.ts'
import type { Identity, IdentityProvider, Membership, Signer } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { checkAccess } from './access-control.ts'
import { andThen } from './awaitable.ts'
import type { EndorserChannel } from './endorser-channel.ts'
import { EndorserError } from './errors.ts'
import { defaultSimulationLimits, type SimulationLimits } from './limits.ts'
import type { PrivateStore } from './private-store.ts'
import { type ParsedProposal, parseProposal } from './proposal.ts'
import { RunningDefinitions } from './running-definitions.ts'
import { type SimulationResults, TransactionSimulator } from './simulator.ts'
import type { SystemChaincode } from './system-chaincode.ts'
import { type Outcome, type Place, TransactionContext, type TransactionHost } from './transaction-context.ts'

export interface EndorserOptions {
  /** Signs endorsements; its identity stands in them. */
  readonly signer: Signer
  readonly identityProvider: Pick<IdentityProvider, 'verifyAll'>
  readonly clock: Clock
  /** A channel that this peer has joined. */
  readonly channel: (name: string) => EndorserChannel | undefined
  readonly systemChaincodes?: readonly SystemChaincode[]
  /** The peer's own organisation, for proposals without a channel; without it they are refused. */
  readonly localMembership?: Membership | undefined
  readonly privateStore?: PrivateStore | undefined
  /** Milliseconds for one transaction, chaincodes that it calls included; 30,000 as in Fabric. */
  readonly timeLimit?: number
  /** Proposals at once; 2,500 as Fabric's peer. What exceeds it is refused, not queued. */
  readonly maxConcurrent?: number
  readonly limits?: SimulationLimits
  /** Data that this peer adds to what its chaincodes are asked (Fabric's decorators). */
  readonly decorate?: (proposal: ParsedProposal) => ReadonlyMap<string, Uint8Array>
}

const NONE = new Uint8Array(0)
const NO_DECORATIONS: ReadonlyMap<string, Uint8Array> = new Map()

/**
 * Endorses proposals: checks them, simulates their chaincode on a snapshot of the state, signs what it read and wrote.
 *
 * The checks and their order are Fabric's (core/endorser/endorser.go): structure, creator, signature, duplicate, access. Only when all
 * hold does chaincode run.
 */
export class Endorser {
  private readonly options: EndorserOptions
  private readonly host: TransactionHost
  private readonly timeLimit: number
  private readonly maxConcurrent: number
  private active = 0
  /** Invocations that have not answered yet. */
  private readonly unanswered = new Set<Invocation>()
  private readonly deadlines: Deadlines
  private stopping: (() => void) | undefined
  private stopped = false

  constructor(options: EndorserOptions) {
    this.options = options
    this.timeLimit = options.timeLimit ?? 30_000
    this.deadlines = new Deadlines(options.clock, this.timeLimit)
    this.maxConcurrent = options.maxConcurrent ?? 2_500
    const limits = options.limits ?? defaultSimulationLimits
    const definitions = new Map<string, RunningDefinitions>()
    this.host = {
      mspId: options.signer.mspId,
      limits,
      systemChaincodes: new Map((options.systemChaincodes ?? []).map((each) => [each.name, each])),
      localMembership: options.localMembership,
      channel: options.channel,
      definitions: (channel) => {
        let found = definitions.get(channel)
        if (found === undefined) {
          found = new RunningDefinitions(options.signer.mspId, options.privateStore)
          definitions.set(channel, found)
        }
        return found
      },
      simulator: (channel) =>
        andThen(
          channel.snapshot(),
          (snapshot) => new TransactionSimulator(snapshot, { limits, privateStore: options.privateStore }),
        ),
      identify: (creator, channel) => this.identify(creator, channel.config.membership),
    }
  }

  /** Proposals being worked on. */
  get load(): number {
    return this.active
  }

  /**
   * Endorses a proposal, given as serialized protos.SignedProposal or decoded by {@link parseProposal} (peers of one process share it).
   *
   * A response of the chaincode below status 400 comes back with an endorsement, others without. `evaluate` asks for the response
   * alone and makes no signature.
   *
   * @throws EndorserError when the proposal is refused, ChaincodeError when the chaincode gave no answer
   */
  async processProposal(proposal: Uint8Array | ParsedProposal, options: { evaluate?: boolean } = {}): Promise<ProposalResponse> {
    if (this.stopped) throw stopping()
    if (this.active >= this.maxConcurrent) {
      throw new EndorserError('ENDORSER_OVERLOADED', `${this.active} proposals are being endorsed`, { limit: this.maxConcurrent })
    }
    this.active++
    try {
      // Awaited only where there is a promise: an endorsement on a store that answers at once should not wait for a turn.
      const parsed = proposal instanceof Uint8Array ? parseProposal(proposal) : proposal
      const channel = this.channelOf(parsed)
      const creator = this.identify(parsed.creator, this.membershipFor(channel))
      const verifying = this.options.identityProvider.verifyAll([
        { key: creator.publicKey, data: parsed.proposalBytes, signature: parsed.signature },
      ])
      const verdicts = verifying instanceof Promise ? await verifying : verifying
      if (verdicts[0] !== true) throw badSignature(creator)
      if (channel !== undefined) {
        const known = channel.hasTransaction(parsed.txId)
        if (known instanceof Promise ? await known : known) throw duplicate(parsed)
        if (!this.host.systemChaincodes.has(parsed.chaincode)) checkAccess('peer/Propose', channel.config, creator)
      }
      const answering = this.answer(parsed, channel, creator, options.evaluate === true)
      const answer = answering instanceof Promise ? await answering : answering
      if (answer.payload.length === 0 || answer.response!.status >= 400) return answer
      // Signing may queue for long: what the simulation held, a snapshot of the state first of all, is free by now.
      const { signer } = this.options
      // Not in a slab that others share: the peer remembers what it signed.
      const signing = signer.sign(Buffer.concat([answer.payload, signer.identity]))
      const signature = signing instanceof Promise ? await signing : signing
      answer.version = 1
      answer.endorsement = { endorser: signer.identity, signature }
      return answer
    } finally {
      this.active--
      if (this.active === 0) this.stopping?.()
    }
  }

  /**
   * Refuses new proposals, gives up chaincode that has not answered yet (it might never), and resolves when the rest is done. Whoever
   * asked hears ENDORSER_STOPPED: nothing was ordered, another peer may be asked.
   */
  async stop(): Promise<void> {
    this.stopped = true
    for (const invocation of this.unanswered) invocation.giveUp(stopping())
    if (this.active === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.stopping = resolve
    await promise
  }

  /** Runs the chaincode. What is to be endorsed has a payload and a status below 400. */
  private answer(
    proposal: ParsedProposal,
    channel: EndorserChannel | undefined,
    creator: Identity,
    evaluate: boolean,
  ): Awaitable<ProposalResponse> {
    const simulates = this.host.systemChaincodes.get(proposal.chaincode)?.simulates ?? true
    const opening = channel === undefined || !simulates ? undefined : this.host.simulator(channel)
    const unsigned = evaluate || channel === undefined
    if (opening instanceof Promise)
      return opening.then((simulator) => this.answerOn({ channel, simulator, creator }, proposal, unsigned))
    return this.answerOn({ channel, simulator: opening, creator }, proposal, unsigned)
  }

  private answerOn(place: Place, proposal: ParsedProposal, unsigned: boolean): Awaitable<ProposalResponse> {
    const { simulator } = place
    let isPending = false
    try {
      const running = this.simulate(proposal, place)
      if (running instanceof Promise) {
        isPending = true
        return this.pending(running, place, proposal, unsigned)
      }
      const answer = this.respond(proposal, running, simulator?.results(), unsigned)
      if (!(answer instanceof Promise)) return answer
      isPending = true
      return answer.finally(() => simulator?.release())
    } finally {
      if (!isPending) simulator?.release()
    }
  }

  private async pending(
    running: Promise<Outcome>,
    { simulator }: Place,
    proposal: ParsedProposal,
    unsigned: boolean,
  ): Promise<ProposalResponse> {
    try {
      const outcome = await running
      const answer = this.respond(proposal, outcome, simulator?.results(), unsigned)
      return answer instanceof Promise ? await answer : answer
    } finally {
      simulator?.release()
    }
  }

  private channelOf(proposal: ParsedProposal): EndorserChannel | undefined {
    if (proposal.channelId === '') return undefined
    const channel = this.options.channel(proposal.channelId)
    if (channel !== undefined) return channel
    const data = { channel: proposal.channelId }
    throw new EndorserError('ENDORSER_UNKNOWN_CHANNEL', `this peer has not joined channel ${proposal.channelId}`, data)
  }

  private membershipFor(channel: EndorserChannel | undefined): Membership {
    const membership = channel === undefined ? this.options.localMembership : channel.config.membership
    if (membership !== undefined) return membership
    throw new EndorserError('ENDORSER_UNKNOWN_CHANNEL', 'the proposal names no channel', { channel: '' })
  }

  private identify(creator: Uint8Array, membership: Membership): Identity {
    let identity: Identity
    try {
      identity = membership.identity(creator)
    } catch (cause) {
      throw new EndorserError(
        'ENDORSER_IDENTITY_REFUSED',
        `the proposal's creator was refused: ${(cause as Error).message}`,
        {},
        { cause },
      )
    }
    if (identity.expiresAt <= this.options.clock.now()) {
      const data = { mspId: identity.mspId, expiredAt: identity.expiresAt }
      throw new EndorserError('ENDORSER_IDENTITY_EXPIRED', `the creator's certificate of ${identity.mspId} has expired`, data)
    }
    return identity
  }

  /** Runs the chaincode; one that answers at once costs neither timer nor promise. */
  private simulate(proposal: ParsedProposal, place: Place): Awaitable<Outcome> {
    const context = new TransactionContext(this.host, proposal, place, this.options.decorate?.(proposal) ?? NO_DECORATIONS)
    let running: Awaitable<Outcome>
    try {
      running = context.run()
    } catch (error) {
      context.end()
      throw error
    }
    if (running instanceof Promise) return this.withinLimit(running, proposal, context)
    context.end()
    return running
  }

  private withinLimit(running: Promise<Outcome>, proposal: ParsedProposal, context: TransactionContext): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const invocation = new Invocation(proposal, context, this.timeLimit, reject)
      const deadline = this.deadlines.set(invocation)
      const settle = (): void => {
        this.deadlines.cancel(deadline)
        this.unanswered.delete(invocation)
        context.end()
      }
      invocation.settle = settle
      this.unanswered.add(invocation)
      if (this.stopped) invocation.giveUp(stopping())
      running.then(
        (outcome) => {
          settle()
          resolve(outcome)
        },
        (error: unknown) => {
          settle()
          reject(error)
        },
      )
    })
  }

  private respond(
    proposal: ParsedProposal,
    outcome: Outcome,
    results: SimulationResults | undefined,
    unsigned: boolean,
  ): Awaitable<ProposalResponse> {
    const { response } = outcome
    const answer: ProposalResponse = {
      version: 0,
      timestamp: undefined,
      response,
      payload: NONE,
      endorsement: undefined,
      interest: undefined,
    }
    if (unsigned) return answer
    // Fabric sends the unsigned payload of an error of the chaincode along, and nothing of a refusal.
    if (response.status >= 400) {
      if (response.status >= 500) answer.payload = responsePayload(proposal, outcome, results)
      return answer
    }
    if (results === undefined || results.privateWrites.length === 0) {
      answer.payload = responsePayload(proposal, outcome, results)
      return answer
    }
    if (this.options.privateStore === undefined) {
      throw new ChaincodeError('PRIVATE_DATA_NOT_SUPPORTED', 'this peer has no store for private data')
    }
    return andThen(this.options.privateStore.keep(proposal.txId, results.privateWrites), () => {
      answer.payload = responsePayload(proposal, outcome, results)
      return answer
    })
  }
}

/** An invocation of chaincode that has not answered at once. */
class Invocation implements Expiring {
  settle: (() => void) | undefined
  private readonly proposal: ParsedProposal
  private readonly context: TransactionContext
  private readonly timeLimit: number
  private readonly reject: (error: Error) => void

  constructor(proposal: ParsedProposal, context: TransactionContext, timeLimit: number, reject: (error: Error) => void) {
    this.proposal = proposal
    this.context = context
    this.timeLimit = timeLimit
    this.reject = reject
  }

  expire(): void {
    const { chaincode, txId } = this.proposal
    const { timeLimit } = this
    const message = `chaincode ${chaincode} did not answer within ${timeLimit} ms`
    this.giveUp(new ChaincodeError('CHAINCODE_TIMEOUT', message, { chaincode, txId, timeLimit }))
  }

  giveUp(error: Error): void {
    this.settle?.()
    this.context.abort(error)
    this.reject(error)
  }
}

function badSignature({ mspId }: Identity): EndorserError {
  const message = `the signature over the proposal is not that of its creator (${mspId})`
  return new EndorserError('ENDORSER_BAD_SIGNATURE', message, { mspId })
}

function duplicate({ txId }: ParsedProposal): EndorserError {
  return new EndorserError('ENDORSER_DUPLICATE_TRANSACTION', `transaction ${txId} is in the ledger already`, { txId })
}

function stopping(): EndorserError {
  return new EndorserError('ENDORSER_STOPPED', 'the peer is stopping')
}

/** The bytes that every endorser of the transaction must arrive at: serialized protos.ProposalResponsePayload. */
function responsePayload(proposal: ParsedProposal, outcome: Outcome, results: SimulationResults | undefined): Uint8Array {
  const { event, response, version } = outcome
  const events =
    event &&
    ChaincodeEvent.encode({
      chaincodeId: proposal.chaincode,
      txId: proposal.txId,
      eventName: event.name,
      payload: event.payload,
    })
  return encodeProposalResponsePayload(proposal.hash, {
    results: results?.bytes ?? NONE,
    events: response.status < 400 ? (events ?? NONE) : NONE,
    response: response as ChaincodeResponse,
    chaincodeId: { name: proposal.chaincode, version },
  })
}
