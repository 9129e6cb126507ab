import { Block } from '../src/model/block.ts'
import { isCanonicalEnvelope, isWellFormedBlockEntry } from '../src/model/canonical-envelope.ts'
import { EnvelopeView } from '../src/model/envelope-view.ts'
import * as hot from '../src/model/hot-codec.ts'
import { ChaincodeEvent } from '../src/model/messages/chaincode-event.ts'
import { BlockMessage, ChannelHeader, Envelope, Payload, SignatureHeader } from '../src/model/messages/common.ts'
import { HashedRWSet, KVRWSet } from '../src/model/messages/kv-rwset.ts'
import { ChaincodeAction } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../src/model/messages/rwset.ts'
import { ChaincodeActionPayload, Transaction } from '../src/model/messages/transaction.ts'
import { DecodeError } from '../src/model/protobuf/errors.ts'
import type { MessageType } from '../src/model/protobuf/message.ts'
import { decodeTxRwSet, type TxRwSet } from '../src/model/rwset-view.ts'
import type { AnyType } from './corpus.ts'

/** Hand-written decoders and the declarations that give them their meaning. */
export const hotDecoders: ReadonlyMap<string, (bytes: Uint8Array) => unknown> = new Map<string, (bytes: Uint8Array) => unknown>([
  [Envelope.name, hot.decodeEnvelope],
  [Payload.name, hot.decodePayload],
  [ChannelHeader.name, hot.decodeChannelHeader],
  [SignatureHeader.name, hot.decodeSignatureHeader],
  [Transaction.name, hot.decodeTransaction],
  [ChaincodeActionPayload.name, hot.decodeChaincodeActionPayload],
  [ProposalResponsePayload.name, hot.decodeProposalResponsePayload],
  [ChaincodeAction.name, hot.decodeChaincodeAction],
  [TxReadWriteSet.name, hot.decodeTxReadWriteSet],
  [KVRWSet.name, hot.decodeKvRwSet],
  [HashedRWSet.name, hot.decodeHashedRwSet],
])

/** A value, or the code of the DecodeError; any other error is a bug and goes through. */
function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof DecodeError) return error.code
    throw error
  }
}

/** Deep equality of decoded values; cheaper than an assertion library's. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof Map)
    return b instanceof Map && a.size === b.size && [...a].every(([key, value]) => b.has(key) && same(value, b.get(key)))
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => same(value, b[i]))
  const left = Object.entries(a)
  return left.length === Object.keys(b).length && left.every(([key, value]) => same(value, (b as Record<string, unknown>)[key]))
}

function demand(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken rule: ${rule}`)
}

/** Holds every rule of the decoders on one input; throws when one is broken. Says whether the input decoded. */
export function check(type: AnyType, bytes: Uint8Array): boolean {
  const generic = outcome(() => type.decode(bytes))
  const decoder = hotDecoders.get(type.name)
  if (decoder !== undefined)
    demand(
      same(
        generic,
        outcome(() => decoder(bytes)),
      ),
      `the hot decoder of ${type.name} equals the generic one`,
    )
  const decoded = typeof generic !== 'string'
  if (decoded) {
    const again = type.encode(generic as Record<string, never>)
    demand(same(type.decode(again), generic), 'a decoded message survives encoding')
    demand(Buffer.compare(type.encode(type.decode(again) as Record<string, never>), again) === 0, 'encoding is deterministic')
  }
  if (type.name === Envelope.name) checkEnvelope(bytes)
  else if (type.name === BlockMessage.name) checkBlock(bytes)
  else if (type.name === TxReadWriteSet.name) checkRwSet(bytes)
  return decoded
}

export function checkEnvelope(bytes: Uint8Array): void {
  const envelope = outcome(() => Envelope.decode(bytes))
  const canonical =
    typeof envelope !== 'string' &&
    (envelope as Envelope).payload.length > 0 &&
    (envelope as Envelope).signature.length > 0 &&
    Buffer.compare(Envelope.encode(envelope as Envelope), bytes) === 0
  demand(isCanonicalEnvelope(bytes) === canonical, 'canonical means: has payload and signature, and encodes to the same bytes')
  demand(!canonical || isWellFormedBlockEntry(bytes), 'a canonical envelope is a well-formed entry of a block')
  demand(typeof envelope !== 'string' || !isWellFormedBlockEntry(bytes), 'an entry of a block decodes')
  demand(same(viewOutcome(bytes), genericOutcome(bytes)), 'the view of an envelope equals the generic decoding, level by level')
}

function checkBlock(bytes: Uint8Array): void {
  const block = outcome(() => Block.decode(bytes))
  if (!(block instanceof Block)) return
  const again = Block.decode(block.encode())
  demand(
    same(again.header, block.header) && same(again.data, block.data) && same(again.metadata, block.metadata),
    'a block survives encoding',
  )
  block.hash()
  for (let i = 0; i < Math.min(3, block.data.length); i++) checkEnvelope(block.data[i]!)
}

function checkRwSet(bytes: Uint8Array): void {
  demand(
    same(
      outcome(() => decodeTxRwSet(bytes)),
      outcome(() => genericRwSet(bytes)),
    ),
    'the read-write set view equals the generic decoding',
  )
}

function genericRwSet(bytes: Uint8Array): TxRwSet {
  return {
    namespaces: TxReadWriteSet.decode(bytes).nsRwset.map(({ namespace, rwset, collectionHashedRwset }) => ({
      namespace,
      kv: KVRWSet.decode(rwset),
      collections: collectionHashedRwset.map(({ collectionName, hashedRwset, pvtRwsetHash }) => ({
        name: collectionName,
        hashed: HashedRWSet.decode(hashedRwset),
        pvtRwsetHash,
      })),
    })),
  }
}

const NONE = new Uint8Array(0)

/** What an EnvelopeView says at every level, each with its own outcome. */
export function viewOutcome(bytes: Uint8Array): unknown[] {
  const view = new EnvelopeView(bytes)
  const levels: unknown[] = [
    outcome(() => [view.payload, view.signature]),
    outcome(() => [view.hasHeader, view.channelHeaderBytes, view.signatureHeaderBytes, view.data]),
    outcome(() => [view.channelHeader, view.type, view.channelId, view.txId]),
    outcome(() => [view.creator, view.nonce]),
    outcome(() => view.transaction.actions.map(({ header, payload }) => [header, payload])),
  ]
  if (typeof levels[4] === 'string') return levels
  for (const action of view.transaction.actions) {
    levels.push(
      outcome(() => action.signatureHeader),
      outcome(() => [action.hasAction, action.chaincodeProposalPayload, action.proposalResponsePayload, action.endorsements]),
      outcome(() => action.proposalHash),
      outcome(() => action.chaincodeAction),
      outcome(() => action.event),
      outcome(() => action.rwset()),
    )
  }
  return levels
}

/** The same through the generic codec alone. */
export function genericOutcome(bytes: Uint8Array): unknown[] {
  const read =
    <T>(type: MessageType<T>, source: () => Uint8Array): (() => T) =>
    () =>
      type.decode(source())
  const envelope = read(Envelope, () => bytes)
  const payload = read(Payload, () => envelope().payload)
  const channelHeader = read(ChannelHeader, () => payload().header?.channelHeader ?? NONE)
  const signer = read(SignatureHeader, () => payload().header?.signatureHeader ?? NONE)
  const transaction = read(Transaction, () => payload().data)
  const levels: unknown[] = [
    outcome(() => [envelope().payload, envelope().signature]),
    outcome(() => {
      const { header, data } = payload()
      return [header !== undefined, header?.channelHeader ?? NONE, header?.signatureHeader ?? NONE, data]
    }),
    outcome(() => [channelHeader(), channelHeader().type, channelHeader().channelId, channelHeader().txId]),
    outcome(() => [signer().creator, signer().nonce]),
    outcome(() => transaction().actions.map(({ header, payload: inner }) => [header, inner])),
  ]
  if (typeof levels[4] === 'string') return levels
  for (const action of transaction().actions) {
    const inner = read(ChaincodeActionPayload, () => action.payload)
    const response = read(ProposalResponsePayload, () => inner().action?.proposalResponsePayload ?? NONE)
    const chaincode = read(ChaincodeAction, () => response().extension)
    levels.push(
      outcome(() => SignatureHeader.decode(action.header)),
      outcome(() => {
        const { action: endorsed, chaincodeProposalPayload } = inner()
        return [
          endorsed !== undefined,
          chaincodeProposalPayload,
          endorsed?.proposalResponsePayload ?? NONE,
          endorsed?.endorsements ?? [],
        ]
      }),
      outcome(() => response().proposalHash),
      outcome(chaincode),
      outcome(() => ChaincodeEvent.decode(chaincode().events)),
      outcome(() => genericRwSet(chaincode().results)),
    )
  }
  return levels
}
