import { ChaincodeAction } from '../../model/messages/proposal.ts'
import { ProposalResponsePayload } from '../../model/messages/proposal-response.ts'
import { decodeTxRwSet, type NsRwSet } from '../../model/rwset-view.ts'

/** The first thing in which two endorsers' results differ. */
export interface EndorsementDifference {
  readonly kind: 'proposal' | 'response' | 'event' | 'version' | 'read' | 'range' | 'write' | 'chaincode' | 'other'
  readonly namespace?: string
  readonly key?: string
  readonly first: string
  readonly second: string
}

/** What differs between two serialized ProposalResponsePayloads that should be equal. `version`: a peer had not committed yet what the other had. */
export function endorsementDifference(first: Uint8Array, second: Uint8Array): EndorsementDifference {
  try {
    return compare(ProposalResponsePayload.decode(first), ProposalResponsePayload.decode(second))
  } catch {
    return { kind: 'other', first: show(first), second: show(second) }
  }
}

function compare(first: ProposalResponsePayload, second: ProposalResponsePayload): EndorsementDifference {
  if (!same(first.proposalHash, second.proposalHash))
    return { kind: 'proposal', first: show(first.proposalHash), second: show(second.proposalHash) }
  const a = ChaincodeAction.decode(first.extension)
  const b = ChaincodeAction.decode(second.extension)
  const results = compareResults(a.results, b.results)
  if (results !== undefined) return results
  const responseA = a.response ?? { status: 0, message: '', payload: NONE }
  const responseB = b.response ?? { status: 0, message: '', payload: NONE }
  if (
    responseA.status !== responseB.status ||
    responseA.message !== responseB.message ||
    !same(responseA.payload, responseB.payload)
  )
    return { kind: 'response', first: showResponse(responseA), second: showResponse(responseB) }
  if (!same(a.events, b.events)) return { kind: 'event', first: show(a.events), second: show(b.events) }
  const id = (action: ChaincodeAction) => `${action.chaincodeId?.name}:${action.chaincodeId?.version}`
  if (id(a) !== id(b)) return { kind: 'chaincode', first: id(a), second: id(b) }
  return { kind: 'other', first: show(first.extension), second: show(second.extension) }
}

const NONE = new Uint8Array(0)

function compareResults(a: Uint8Array, b: Uint8Array): EndorsementDifference | undefined {
  if (same(a, b)) return undefined
  const second = new Map(decodeTxRwSet(b).namespaces.map((each) => [each.namespace, each]))
  for (const ns of decodeTxRwSet(a).namespaces) {
    const other = second.get(ns.namespace)
    second.delete(ns.namespace)
    const difference = other === undefined ? missing(ns, true) : compareNamespace(ns, other)
    if (difference !== undefined) return difference
  }
  const [left] = second.values()
  return left === undefined ? { kind: 'other', first: show(a), second: show(b) } : missing(left, false)
}

function missing({ namespace }: NsRwSet, inFirst: boolean): EndorsementDifference {
  return { kind: 'write', namespace, first: inFirst ? 'touched' : 'untouched', second: inFirst ? 'untouched' : 'touched' }
}

function compareNamespace(a: NsRwSet, b: NsRwSet): EndorsementDifference | undefined {
  const { namespace } = a
  const reads = firstDifference(a.kv.reads, b.kv.reads, ({ version }) =>
    version === undefined ? 'no version' : `version ${version.blockNum}:${version.txNum}`,
  )
  if (reads !== undefined) return { kind: reads.missing ? 'read' : 'version', namespace, ...without(reads) }
  const writes = firstDifference(a.kv.writes, b.kv.writes, ({ isDelete, value }) => (isDelete ? 'deleted' : show(value)))
  if (writes !== undefined) return { kind: 'write', namespace, ...without(writes) }
  const ranges = (kv: NsRwSet['kv']) =>
    JSON.stringify(kv.rangeQueriesInfo, (_, value: unknown) => (value instanceof Uint8Array ? show(value) : value))
  if (ranges(a.kv) !== ranges(b.kv))
    return { kind: 'range', namespace, first: ranges(a.kv).slice(0, 500), second: ranges(b.kv).slice(0, 500) }
  return undefined
}

interface KeyDifference {
  readonly key: string
  readonly first: string
  readonly second: string
  readonly missing: boolean
}

function without({ key, first, second }: KeyDifference): Omit<KeyDifference, 'missing'> {
  return { key, first, second }
}

function firstDifference<T extends { key: string }>(
  a: readonly T[],
  b: readonly T[],
  describe: (item: T) => string,
): KeyDifference | undefined {
  const others = new Map(b.map((item) => [item.key, item]))
  for (const item of a) {
    const other = others.get(item.key)
    others.delete(item.key)
    const [first, second] = [describe(item), other === undefined ? 'absent' : describe(other)]
    if (first !== second) return { key: item.key, first, second, missing: other === undefined }
  }
  const [left] = others.values()
  return left === undefined ? undefined : { key: left.key, first: 'absent', second: describe(left), missing: true }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function showResponse({ status, message, payload }: { status: number; message: string; payload: Uint8Array }): string {
  return `${status} ${message === '' ? show(payload) : message}`
}

/** Text where the bytes are text, else hex; at most 200 characters. */
function show(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 200)).toString('utf8')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters tell bytes from text.
  return /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text) ? Buffer.from(bytes.subarray(0, 100)).toString('hex') : text
}
