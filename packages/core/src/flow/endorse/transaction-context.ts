import type { ChaincodeInstance, ChaincodeResponse, Invocation } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { checkAccess, checkPeerAccess, isPeerResource } from './access-control.ts'
import { andThen } from './awaitable.ts'
import type { EndorserChannel } from './endorser-channel.ts'
import { EndorserError } from './errors.ts'
import { type ChaincodeEventDraft, InvocationLedger } from './invocation-ledger.ts'
import type { SimulationLimits } from './limits.ts'
import type { ParsedProposal } from './proposal.ts'
import type { EndorsementDefinition, RunningDefinitions } from './running-definitions.ts'
import type { TransactionSimulator } from './simulator.ts'
import { SYSTEM_CHAINCODE_VERSION, type SystemChaincode } from './system-chaincode.ts'

/** Key in a chaincode's namespace that says which version was initialised (Fabric's InitializedKeyName). */
const INITIALIZED = '\u0000\u{10ffff}initialized'

/** For those who take no notice of a signal: one of their own costs about as much as the rest of an invocation. */
const NEVER = new AbortController().signal

/** What a transaction needs of its peer. */
export interface TransactionHost {
  readonly mspId: string
  readonly limits: SimulationLimits
  readonly systemChaincodes: ReadonlyMap<string, SystemChaincode>
  readonly localMembership: Membership | undefined
  channel(name: string): EndorserChannel | undefined
  definitions(channel: string): RunningDefinitions
  simulator(channel: EndorserChannel): Awaitable<TransactionSimulator>
  identify(creator: Uint8Array, channel: EndorserChannel): Identity
}

/** Where a chaincode runs: a channel with the simulator of this transaction on it. */
export interface Place {
  readonly channel: EndorserChannel | undefined
  readonly simulator: TransactionSimulator | undefined
  readonly creator: Identity
}

export interface Outcome {
  readonly response: ChaincodeResponse
  readonly event: ChaincodeEventDraft | undefined
  readonly version: string
}

/** One simulated transaction: its chaincode, those that it calls, and the simulators they share. */
export class TransactionContext {
  private readonly host: TransactionHost
  private readonly proposal: ParsedProposal
  private readonly decorations: ReadonlyMap<string, Uint8Array>
  private cancellation: AbortController | undefined
  private readonly ledgers: InvocationLedger[] = []
  private readonly own: Place
  private ended = false

  constructor(host: TransactionHost, proposal: ParsedProposal, place: Place, decorations: ReadonlyMap<string, Uint8Array>) {
    this.host = host
    this.proposal = proposal
    this.own = place
    this.decorations = decorations
  }

  /** Runs the chaincode that the proposal names. */
  run(): Awaitable<Outcome> {
    return this.call(this.own, this.proposal.chaincode, this.proposal.args, this.proposal.isInit, 1)
  }

  /** Cuts off all code that still runs in the name of this transaction. */
  end(): void {
    this.ended = true
    for (const ledger of this.ledgers) ledger.end()
    this.ledgers.length = 0
  }

  /** Tells runtimes that can stop code to stop that of this transaction. */
  abort(reason: Error): void {
    this.cancellation?.abort(reason)
  }

  private call(place: Place, name: string, args: readonly Uint8Array[], isInit: boolean, depth: number): Awaitable<Outcome> {
    const system = this.host.systemChaincodes.get(name)
    if (system !== undefined) return this.callSystem(system, place, args, depth)
    const { simulator, channel } = place
    if (simulator === undefined || channel === undefined) {
      throw new ChaincodeError('CHAINCODE_NOT_DEFINED', `${name} is no system chaincode, and the proposal names no channel`, {
        name,
      })
    }
    return andThen(this.host.definitions(channel.name).find(simulator, name), (definition) =>
      andThen(this.checkInit(simulator, definition, isInit), () => {
        const instance = channel.chaincode(definition)
        if (instance === undefined) {
          const message = `this peer has no code for ${name} ${definition.version} (sequence ${definition.sequence})`
          throw new ChaincodeError('CHAINCODE_NOT_INSTALLED', message, {
            name,
            version: definition.version,
            packageId: definition.packageId,
          })
        }
        const ledger = new InvocationLedger({
          simulator,
          namespace: name,
          limits: this.host.limits,
          history: channel.history,
          invoke: (target, targetArgs, targetChannel) => this.invoke(place, target, targetArgs, targetChannel, depth + 1),
        })
        this.ledgers.push(ledger)
        const finish = (response: ChaincodeResponse): Outcome => {
          this.endLedger(ledger)
          checkResponse(response, name, this.host.limits)
          return { response, event: ledger.event, version: definition.version }
        }
        try {
          const answer = instance.invoke(this.invocation(channel.name, name, args, isInit), ledger, this.signalFor(instance))
          if (!(answer instanceof Promise)) return finish(answer)
          return answer.then(finish, (error: unknown) => {
            this.endLedger(ledger)
            throw error
          })
        } catch (error) {
          this.endLedger(ledger)
          throw error
        }
      }),
    )
  }

  private endLedger(ledger: InvocationLedger): void {
    ledger.end()
    const at = this.ledgers.lastIndexOf(ledger)
    if (at >= 0) this.ledgers.splice(at, 1)
  }

  private signalFor({ heedsSignal = true }: ChaincodeInstance): AbortSignal {
    if (!heedsSignal) return NEVER
    this.cancellation ??= new AbortController()
    return this.cancellation.signal
  }

  private callSystem(system: SystemChaincode, place: Place, args: readonly Uint8Array[], depth: number): Awaitable<Outcome> {
    const response = system.invoke({
      proposal: this.proposal,
      args,
      creator: place.creator,
      channel: place.channel,
      simulator: place.simulator,
      isOuter: depth === 1,
      checkAccess: (resource) => this.checkAccess(resource, place),
    })
    return andThen(response, (answer) => ({ response: answer, event: undefined, version: SYSTEM_CHAINCODE_VERSION }))
  }

  private checkAccess(resource: string, place: Place): void {
    const config = place.channel?.config
    const membership = config?.membership ?? this.host.localMembership
    if (isPeerResource(resource) && membership !== undefined) {
      checkPeerAccess(resource, membership, this.host.mspId, place.creator)
    } else if (config !== undefined) checkAccess(resource, config, place.creator)
    else throw new EndorserError('ENDORSER_ACCESS_DENIED', `${resource} needs a channel`, { resource })
  }

  /** A chaincode calls another. Same channel: same simulator. Another channel: its state is read, what is written there is dropped. */
  private invoke(
    caller: Place,
    target: string,
    args: readonly Uint8Array[],
    channelName: string,
    depth: number,
  ): Awaitable<ChaincodeResponse> {
    if (depth > this.host.limits.maxCallDepth) {
      throw new ChaincodeError(
        'CHAINCODE_CALLS_TOO_DEEP',
        `chaincodes call each other more than ${this.host.limits.maxCallDepth} deep`,
      )
    }
    if (channelName === '' || channelName === caller.channel?.name) {
      this.checkCall(target, caller.channel!, caller.creator)
      return andThen(this.call(caller, target, args, false, depth), ({ response }) => response)
    }
    return this.invokeElsewhere(target, args, channelName, depth)
  }

  private async invokeElsewhere(
    target: string,
    args: readonly Uint8Array[],
    channelName: string,
    depth: number,
  ): Promise<ChaincodeResponse> {
    const channel = this.host.channel(channelName)
    if (channel === undefined) {
      throw new EndorserError('ENDORSER_UNKNOWN_CHANNEL', `this peer has not joined channel ${channelName}`, {
        channel: channelName,
      })
    }
    const creator = this.host.identify(this.proposal.creator, channel)
    this.checkCall(target, channel, creator)
    const simulator = await this.host.simulator(channel)
    try {
      if (this.ended) throw new ChaincodeError('CHAINCODE_INVOCATION_ENDED', 'the invocation has ended')
      return (await this.call({ channel, simulator, creator }, target, args, false, depth)).response
    } finally {
      simulator.release()
    }
  }

  private checkCall(target: string, channel: EndorserChannel, creator: Identity): void {
    if (!this.host.systemChaincodes.has(target)) checkAccess('peer/ChaincodeToChaincode', channel.config, creator)
  }

  /** A definition that asks for initialisation is to be invoked as init exactly once for each version. */
  private checkInit(simulator: TransactionSimulator, definition: EndorsementDefinition, isInit: boolean): Awaitable<void> {
    const { name, version } = definition
    if (!definition.initRequired) {
      if (isInit) throw new ChaincodeError('CHAINCODE_INIT_REFUSED', `chaincode ${name} asks for no initialisation`, { name })
      return
    }
    return andThen(simulator.getState(name, INITIALIZED), (value) => {
      const wanted = Buffer.from(version)
      const initialized = value !== undefined && wanted.equals(value)
      if (isInit && initialized)
        throw new ChaincodeError('CHAINCODE_INIT_REFUSED', `chaincode ${name} is initialised already`, { name })
      if (isInit) simulator.putState(name, INITIALIZED, wanted)
      else if (!initialized) {
        throw new ChaincodeError('CHAINCODE_NOT_INITIALIZED', `chaincode ${name} ${version} is not initialised`, {
          name,
          version,
        })
      }
    })
  }

  private invocation(channelId: string, chaincode: string, args: readonly Uint8Array[], isInit: boolean): Invocation {
    const { txId, creator, nonce, timestamp, transient, bytes } = this.proposal
    // Plain data, whatever a runtime does to get it elsewhere.
    return {
      channelId,
      txId,
      chaincode,
      args,
      isInit,
      creator,
      nonce,
      transient,
      timestamp,
      signedProposal: bytes,
      decorations: this.decorations,
    }
  }
}

/** Runtimes are plugins: their answers are checked like any other input. */
function checkResponse(response: ChaincodeResponse, chaincode: string, limits: SimulationLimits): void {
  const { status, message, payload } = response ?? {}
  if (
    !Number.isInteger(status) ||
    status < 0 ||
    status > 0x7fffffff ||
    typeof message !== 'string' ||
    !(payload instanceof Uint8Array)
  ) {
    const text = `chaincode ${chaincode} returned no response of status, message and payload`
    throw new ChaincodeError('CHAINCODE_BAD_RESPONSE', text, { chaincode })
  }
  const size = message.length + payload.length
  if (size > limits.maxValueBytes) {
    const data = { chaincode, size, limit: limits.maxValueBytes }
    throw new ChaincodeError(
      'CHAINCODE_RESPONSE_TOO_LARGE',
      `a response of ${size} bytes exceeds the limit of ${data.limit}`,
      data,
    )
  }
}
