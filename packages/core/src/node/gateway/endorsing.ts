import type { Policy } from '../../channel/policy/policy.ts'
import type { PreparedTransaction, ProposalCall } from '../../client/connection.ts'
import type { ErrorDetail } from '../../client/errors.ts'
import { EndorseError, EvaluateError } from '../../client/errors.ts'
import { type ParsedProposal, parseProposalParts } from '../../flow/endorse/proposal.ts'
import { type ErrorData, HeddleError } from '../../model/errors.ts'
import { decodeChaincodeAction, decodeProposalResponsePayload } from '../../model/hot-codec.ts'
import type { ProposalResponse } from '../../model/messages/proposal-response.ts'
import { decodeTxRwSet } from '../../model/rwset-view.ts'
import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import type { Membership } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { EndorserEndpoint } from '../directory.ts'
import type { PeerChannel } from '../peer-channel.ts'
import { type EndorsementDifference, endorsementDifference } from './endorsement-difference.ts'
import { type Candidate, planEndorsers } from './endorsement-plan.ts'
import { GatewayPolicies } from './policies.ts'
import { transactionPayload } from './prepare-transaction.ts'

/** How often endorsers that had committed different blocks are asked again. */
const MAX_ROUNDS = 5

interface Endorsed {
  readonly candidate: Candidate
  readonly response: ProposalResponse
}

interface Failed {
  readonly candidate: Candidate
  readonly error: unknown
}

interface Plan {
  readonly candidates: readonly Candidate[]
  /** Undefined when they cannot satisfy the policy. */
  readonly chosen: readonly Candidate[] | undefined
}

/** Gets proposals answered on one channel: plans, asks, compares. */
export class Endorsing {
  private readonly mspId: string
  private readonly endorsers: () => readonly EndorserEndpoint[]
  private policies: GatewayPolicies | undefined
  private plans = new WeakMap<Policy, Map<string, Plan>>()
  private turn = 0
  /** The candidates of last time, for as long as the same peers are alive. */
  private known:
    | {
        readonly membership: Membership
        readonly endpoints: readonly EndorserEndpoint[]
        readonly candidates: readonly Candidate[]
      }
    | undefined

  /** @param mspId organisation of the client: its peers are asked first */
  constructor(mspId: string, endorsers: () => readonly EndorserEndpoint[]) {
    this.mspId = mspId
    this.endorsers = endorsers
  }

  /** @throws EvaluateError */
  async evaluate(peer: PeerChannel, call: ProposalCall): Promise<ChaincodeResponse> {
    const proposal = parse(
      call,
      (message, data, cause) => new EvaluateError('EVALUATE_REFUSED', message, { ...data, details: [] }, { cause }),
    )
    const details: ErrorDetail[] = []
    const candidates = this.candidates(peer).filter(({ endpoint }) => call.organizations?.includes(endpoint.mspId) ?? true)
    for (const candidate of candidates) {
      let response: ProposalResponse
      try {
        response = await candidate.endpoint.endorse(proposal, true)
      } catch (error) {
        details.push(detailOf(candidate, error))
        if (mayAskOthers(error)) continue
        throw new EvaluateError(
          'EVALUATE_REFUSED',
          `${candidate.endpoint.node}: ${messageOf(error)}`,
          { details, transactionId: call.transactionId },
          { cause: error },
        )
      }
      const answer = response.response ?? { status: 500, message: 'no response', payload: new Uint8Array(0) }
      if (answer.status < 400) return answer
      details.push({ node: candidate.endpoint.node, mspId: candidate.endpoint.mspId, message: answer.message })
      throw new EvaluateError('EVALUATE_REFUSED', `chaincode response ${answer.status}, ${answer.message}`, {
        details,
        status: answer.status,
        transactionId: call.transactionId,
      })
    }
    throw new EvaluateError('EVALUATE_UNAVAILABLE', `no peer can answer for ${call.chaincode}`, {
      details,
      transactionId: call.transactionId,
    })
  }

  /** @throws EndorseError */
  async endorse(peer: PeerChannel, call: ProposalCall): Promise<PreparedTransaction> {
    const proposal = parse(
      call,
      (message, data, cause) => new EndorseError('ENDORSE_REFUSED', message, { ...data, details: [] }, { cause }),
    )
    const lag = lagOf(this.endorsers())
    for (let round = 1; ; round++) {
      let endorsed: readonly Endorsed[]
      try {
        endorsed = await this.collect(peer, call, proposal)
      } catch (error) {
        // Refused by a peer that had not committed what another had: the client may know of that block. Once it has, it is asked again.
        const behind = round === 1 && lag !== undefined ? refusedBy(lag.peers, error) : []
        if (behind.length === 0) throw error
        await Promise.all(behind.map((endpoint) => endpoint.reach(lag!.height)))
        continue
      }
      const difference = disagreement(endorsed)
      if (difference === undefined) return prepared(proposal, endorsed)
      // One peer had committed a block that another had not: wait for it and ask again; the proposal is still good.
      if (difference.kind === 'version' && round < MAX_ROUNDS) {
        await level(endorsed)
        continue
      }
      throw disagree(call, endorsed, difference)
    }
  }

  private async collect(peer: PeerChannel, call: ProposalCall, proposal: ParsedProposal): Promise<readonly Endorsed[]> {
    const all = this.candidates(peer)
    const failures: Failed[] = []
    if (call.organizations !== undefined) {
      const chosen = this.oneOfEach(all, call)
      const endorsed = await this.ask(chosen, proposal, failures)
      if (failures.length > 0) throw refusal(call, failures)
      return endorsed
    }
    const policies = this.policiesOf(peer)
    const found = policies.ofChaincode(peer.world.state, call.chaincode)
    const policy = found instanceof Promise ? await found : found
    // Without a committed definition the peer itself says what is wrong.
    const first = policy === undefined ? all.slice(0, 1) : this.plan(policy, all)
    if (first === undefined) throw unsatisfiable(call, all)
    let endorsed = await this.ask(first, proposal, failures)
    for (;;) {
      const failed = failures.at(-1)
      if (failed !== undefined && !failures.every(({ error }) => mayAskOthers(error))) throw refusal(call, failures)
      const asked = this.required(peer, policies, call, endorsed, policy)
      const required = asked instanceof Promise ? await asked : asked
      const signed = endorsed.map(({ candidate }) => candidate.identity)
      if (required.every((each) => each.evaluate(signed))) return endorsed
      const left = all.filter(
        ({ endpoint }) =>
          !endorsed.some(({ candidate }) => candidate.endpoint === endpoint) &&
          !failures.some(({ candidate }) => candidate.endpoint === endpoint),
      )
      const more = planEndorsers(required, left, signed)
      if (more === undefined) throw failed === undefined ? unsatisfiable(call, all) : refusal(call, failures)
      if (more.length === 0) return endorsed
      endorsed = [...endorsed, ...(await this.ask(more, proposal, failures))]
    }
  }

  /** The policies that the results show to be in question; before there are any, the chaincode's own. */
  private required(
    peer: PeerChannel,
    policies: GatewayPolicies,
    call: ProposalCall,
    endorsed: readonly Endorsed[],
    policy: Policy | undefined,
  ): Awaitable<readonly Policy[]> {
    const first = endorsed[0]
    if (first === undefined) return policy === undefined ? [] : [policy]
    const { results } = decodeChaincodeAction(decodeProposalResponsePayload(first.response.payload).extension)
    return policies.ofResults(peer.world.state, decodeTxRwSet(results), call.chaincode)
  }

  private plan(policy: Policy, candidates: readonly Candidate[]): readonly Candidate[] | undefined {
    let plans = this.plans.get(policy)
    if (plans === undefined) {
      plans = new Map()
      this.plans.set(policy, plans)
    }
    const key = candidates === this.known?.candidates ? '' : candidates.map(({ endpoint }) => endpoint.node).join()
    const known = plans.get(key)
    // A peer that was started again has the same name and another endpoint.
    if (known !== undefined && isSame(known.candidates, candidates)) return known.chosen
    const chosen = planEndorsers([policy], candidates)
    if (plans.size >= 1000) plans.clear()
    plans.set(key, { candidates, chosen })
    return chosen
  }

  private ask(candidates: readonly Candidate[], proposal: ParsedProposal, failures: Failed[]): Promise<readonly Endorsed[]> {
    if (candidates.length === 0) return Promise.resolve([])
    return new Promise((resolve) => {
      const endorsed = new Array<Endorsed | undefined>(candidates.length)
      const failed = new Array<Failed | undefined>(candidates.length)
      let left = candidates.length
      const answered = (): void => {
        if (--left > 0) return
        // In the order of asking, whoever answered first: what an error says should not depend on speed.
        for (const each of failed) if (each !== undefined) failures.push(each)
        resolve(endorsed.filter((each) => each !== undefined))
      }
      for (const [index, candidate] of candidates.entries()) {
        candidate.endpoint.endorse(proposal, false).then(
          (response) => {
            if (response.endorsement === undefined) failed[index] = { candidate, error: new ChaincodeRefusal(response.response) }
            else endorsed[index] = { candidate, response }
            answered()
          },
          (error: unknown) => {
            failed[index] = { candidate, error }
            answered()
          },
        )
      }
    })
  }

  /** One live peer of each organisation that the client named. */
  private oneOfEach(all: readonly Candidate[], call: ProposalCall): readonly Candidate[] {
    // However often one is named, it endorses once.
    return [...new Set(call.organizations)].map((mspId) => {
      const candidate = all.find(({ endpoint }) => endpoint.mspId === mspId)
      if (candidate !== undefined) return candidate
      const data = { transactionId: call.transactionId, mspId }
      throw new EndorseError('ENDORSE_UNAVAILABLE', `no peer of ${mspId} that serves ${call.channel} is alive`, data)
    })
  }

  /** Live peers with valid identities: the client's organisation first, peers of one organisation in turn. */
  private candidates(peer: PeerChannel): readonly Candidate[] {
    const { membership } = peer.config
    const endpoints = this.endorsers()
    const { known } = this
    if (known?.membership === membership && isAlive(known.endpoints, endpoints)) return known.candidates
    const own: Candidate[] = []
    const others: Candidate[] = []
    for (const endpoint of endpoints) {
      if (!endpoint.alive) continue
      try {
        const candidate = { endpoint, identity: membership.identity(endpoint.identity) }
        if (endpoint.mspId === this.mspId) own.push(candidate)
        else others.push(candidate)
      } catch {
        // Revoked, or of an organisation that the channel does not know: its endorsement would be worth nothing.
      }
    }
    const turn = this.turn++
    const candidates = [...rotated(own, turn), ...rotated(others, turn)]
    // Where peers of one organisation take turns, each call has an order of its own.
    const isFixed = new Set(candidates.map(({ endpoint }) => endpoint.mspId)).size === candidates.length
    this.known = isFixed && candidates.length === endpoints.length ? { membership, endpoints, candidates } : undefined
    return candidates
  }

  private policiesOf(peer: PeerChannel): GatewayPolicies {
    const { config } = peer
    if (this.policies?.isOf(config) !== true) {
      this.policies = new GatewayPolicies(config)
      this.plans = new WeakMap()
    }
    return this.policies
  }
}

/** What a chaincode answered in place of results. */
class ChaincodeRefusal extends Error {
  readonly status: number

  constructor(response: { readonly status: number; readonly message: string } | undefined) {
    super(`chaincode response ${response?.status ?? 500}, ${response?.message ?? 'no response'}`)
    this.status = response?.status ?? 500
  }
}

function isSame(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return a === b || (a.length === b.length && a.every(({ endpoint }, i) => endpoint === b[i]!.endpoint))
}

function isAlive(known: readonly EndorserEndpoint[], now: readonly EndorserEndpoint[]): boolean {
  if (known.length !== now.length) return false
  for (let i = 0; i < now.length; i++) if (now[i] !== known[i] || !now[i]!.alive) return false
  return true
}

function rotated(list: readonly Candidate[], turn: number): readonly Candidate[] {
  if (list.length < 2) return list
  // Only peers of one organisation stand in for each other; the order of organisations stays.
  const byMsp = Map.groupBy(list, ({ endpoint }) => endpoint.mspId)
  if (byMsp.size === list.length) return list
  return [...byMsp.values()].flatMap((peers) => peers.map((_, index) => peers[(index + turn) % peers.length]!))
}

/** Decodes a proposal once for all peers of the process; one that no peer would take is the step's own error. */
function parse(
  call: ProposalCall,
  refused: (message: string, data: ErrorData, cause: HeddleError) => HeddleError,
): ParsedProposal {
  try {
    return parseProposalParts(call.proposalBytes, call.signature)
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    const data = { transactionId: call.transactionId.slice(0, 100), code: error.code }
    throw refused(error.message, data, error)
  }
}

function prepared(proposal: ParsedProposal, endorsed: readonly Endorsed[]): PreparedTransaction {
  const { response } = endorsed[0]!
  return {
    payload: transactionPayload(
      proposal,
      response.payload,
      endorsed.map((each) => each.response.endorsement!),
    ),
    response: response.response!,
    endorsers: endorsed.map(({ candidate }) => candidate.endpoint.mspId),
  }
}

function disagreement(endorsed: readonly Endorsed[]): EndorsementDifference | undefined {
  const first = endorsed[0]!.response.payload
  for (let i = 1; i < endorsed.length; i++) {
    const other = endorsed[i]!.response.payload
    if (Buffer.compare(first, other) !== 0) return endorsementDifference(first, other)
  }
  return undefined
}

/** Endorsers that have committed less than the most advanced one, and how much that has; undefined when all are level. */
function lagOf(endpoints: readonly EndorserEndpoint[]): { height: number; peers: readonly EndorserEndpoint[] } | undefined {
  let height = 0
  let least = Number.POSITIVE_INFINITY
  for (const endpoint of endpoints) {
    const known = endpoint.height
    if (known === undefined) continue
    height = Math.max(height, known)
    least = Math.min(least, known)
  }
  if (least >= height) return undefined
  return { height, peers: endpoints.filter((endpoint) => endpoint.height !== undefined && endpoint.height < height) }
}

/** Those of the endorsers whose chaincode refused. */
function refusedBy(endpoints: readonly EndorserEndpoint[], error: unknown): readonly EndorserEndpoint[] {
  if (!(error instanceof EndorseError) || !(error.cause instanceof ChaincodeRefusal)) return []
  const details = error.data.details as readonly ErrorDetail[]
  return endpoints.filter(({ node }) => details.some((detail) => detail.node === node))
}

/** Waits until every endorser has committed what the most advanced one has. */
async function level(endorsed: readonly Endorsed[]): Promise<void> {
  const height = Math.max(...endorsed.map(({ candidate }) => candidate.endpoint.height ?? 0))
  await Promise.all(endorsed.map(({ candidate }) => candidate.endpoint.reach(height)))
}

function disagree(call: ProposalCall, endorsed: readonly Endorsed[], difference: EndorsementDifference): EndorseError {
  const { kind, namespace, key, first, second } = difference
  const where = namespace === undefined ? '' : ` of ${namespace}${key === undefined ? '' : ` key ${JSON.stringify(key)}`}`
  return new EndorseError(
    'ENDORSERS_DISAGREE',
    `endorsers of ${call.transactionId} disagree in a ${kind}${where}: ${first} against ${second}`,
    {
      transactionId: call.transactionId,
      difference,
      endorsers: endorsed.map(({ candidate }) => candidate.endpoint.node),
    },
  )
}

function refusal(call: ProposalCall, failures: readonly Failed[]): EndorseError {
  const details = failures.map(({ candidate, error }) => detailOf(candidate, error))
  const final = failures.find(({ error }) => !mayAskOthers(error)) ?? failures[0]!
  const code = mayAskOthers(final.error) ? 'ENDORSE_UNAVAILABLE' : 'ENDORSE_REFUSED'
  const status = final.error instanceof ChaincodeRefusal ? { status: final.error.status } : {}
  return new EndorseError(
    code,
    `${final.candidate.endpoint.node}: ${messageOf(final.error)}`,
    { transactionId: call.transactionId, details, ...status },
    { cause: final.error },
  )
}

function unsatisfiable(call: ProposalCall, all: readonly Candidate[]): EndorseError {
  return new EndorseError(
    'ENDORSE_POLICY_UNSATISFIABLE',
    `the live peers of ${call.channel} cannot satisfy the endorsement policy of ${call.chaincode}`,
    {
      transactionId: call.transactionId,
      peers: all.map(({ endpoint }) => endpoint.node),
    },
  )
}

/** Whether another peer may succeed where this one failed. */
function mayAskOthers(error: unknown): boolean {
  return error instanceof HeddleError && (error.duty === 'retry' || error.duty === 'tell-operator')
}

function detailOf({ endpoint }: Candidate, error: unknown): ErrorDetail {
  const code = error instanceof HeddleError ? { code: error.code } : {}
  return { node: endpoint.node, mspId: endpoint.mspId, message: messageOf(error), ...code }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
