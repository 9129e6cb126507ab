import * as model from '../src/model/index.ts'
import { Envelope, Payload } from '../src/model/messages/common.ts'
import { ChaincodeAction } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { ChaincodeActionPayload, Transaction } from '../src/model/messages/transaction.ts'
import { check, checkEnvelope } from './checks.ts'
import { type AnyType, readCorpus, type Seed } from './corpus.ts'
import { generate } from './generate.ts'
import { mutate } from './mutate.ts'
import { Seeded } from './seeded.ts'

/** All declared messages. */
const declared: readonly AnyType[] = Object.values(model as Record<string, unknown>).filter(
  (each): each is AnyType => typeof each === 'object' && each !== null && 'decode' in each && 'fields' in each,
)

export interface FuzzOptions {
  readonly runs: number
  readonly seed: number
  /** Folder of `*.block` files whose messages are mutated. */
  readonly vectors: string
  /** Called every ten thousand runs. */
  readonly progress?: (done: number) => void
}

export interface FuzzReport {
  readonly runs: number
  readonly seed: number
  readonly seeds: number
  /** Mutated inputs that were still valid, and those that were refused with a DecodeError. */
  readonly decoded: number
  readonly refused: number
  /** Undefined when every rule held; otherwise the first input that broke one. */
  readonly failure: { readonly run: number; readonly type: string; readonly input: string; readonly error: string } | undefined
}

/**
 * Feeds mutated real messages, and generated odd ones, to all decoders and holds the rules of checks.ts on each: nothing but DecodeError is thrown, hand-written
 * decoders equal the generic one, no envelope counts as canonical that does not encode to the same bytes. Stops at the first failure.
 */
export function fuzz({ runs, seed, vectors, progress }: FuzzOptions): FuzzReport {
  const random = new Seeded(seed)
  const corpus = readCorpus(vectors)
  const byType = new Map<AnyType, Seed[]>()
  for (const each of corpus) byType.set(each.type, [...(byType.get(each.type) ?? []), each])
  // By type first: there are hundreds of envelopes, but few blocks.
  const types = [...byType.keys()]
  let decoded = 0
  for (let run = 0; run < runs; run++) {
    const origin = random.pick(byType.get(random.pick(types))!)
    const type = random.chance(15) ? random.pick(declared) : origin.type
    const other = random.pick(byType.get(origin.type)!)
    const bytes = random.chance(30) ? generate(type, random) : mutate(origin.bytes, random, other.bytes)
    try {
      if (check(type, bytes)) decoded++
      if (random.chance(10)) checkEnvelope(wrap(type, bytes))
    } catch (error) {
      const failure = {
        run,
        type: type.name,
        input: Buffer.from(bytes).toString('hex'),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }
      return { runs: run + 1, seed, seeds: corpus.length, decoded, refused: run - decoded, failure }
    }
    if (run % 10_000 === 9_999) progress?.(run + 1)
  }
  return { runs, seed, seeds: corpus.length, decoded, refused: runs - decoded, failure: undefined }
}

/** An otherwise sound envelope with the bytes at the level where their type belongs. */
function wrap(type: AnyType, bytes: Uint8Array): Uint8Array {
  const sealed = (payload: Uint8Array) => Envelope.encode({ payload, signature: Uint8Array.of(1) })
  const data = (inner: Uint8Array) => sealed(Payload.encode({ header: {}, data: inner }))
  const action = (payload: Uint8Array) => data(Transaction.encode({ actions: [{ payload }] }))
  const endorsed = (proposalResponsePayload: Uint8Array) =>
    action(ChaincodeActionPayload.encode({ action: { proposalResponsePayload } }))
  const extension = (inner: Uint8Array) => endorsed(ProposalResponsePayload.encode({ extension: inner }))
  switch (type.name) {
    case 'common.Payload':
      return sealed(bytes)
    case 'common.ChannelHeader':
      return sealed(Payload.encode({ header: { channelHeader: bytes } }))
    case 'common.SignatureHeader':
      return sealed(Payload.encode({ header: { signatureHeader: bytes } }))
    case 'protos.Transaction':
      return data(bytes)
    case 'protos.ChaincodeActionPayload':
      return action(bytes)
    case 'protos.ProposalResponsePayload':
      return endorsed(bytes)
    case 'protos.ChaincodeAction':
      return extension(bytes)
    case 'rwset.TxReadWriteSet':
      return extension(ChaincodeAction.encode({ results: bytes }))
    default:
      return bytes
  }
}
