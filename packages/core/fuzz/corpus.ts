import { readdirSync, readFileSync } from 'node:fs'
import { Block } from '../src/model/block.ts'
import { BlockMessage, ChannelHeader, Envelope, Payload, SignatureHeader } from '../src/model/messages/common.ts'
import { ConfigEnvelope } from '../src/model/messages/configtx.ts'
import { HashedRWSet, KVRWSet } from '../src/model/messages/kv-rwset.ts'
import { ChaincodeAction, ChaincodeProposalPayload } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../src/model/messages/rwset.ts'
import { ChaincodeActionPayload, Transaction } from '../src/model/messages/transaction.ts'
import { DecodeError } from '../src/model/protobuf/errors.ts'
import type { MessageType } from '../src/model/protobuf/message.ts'

export type AnyType = MessageType<Record<string, unknown>>

/** Bytes of one real message, of a known type. */
export interface Seed {
  readonly type: AnyType
  readonly bytes: Uint8Array
}

/** Real messages of every level, from the blocks in a folder of `*.block` files; each distinct one once. */
export function readCorpus(folder: string): readonly Seed[] {
  const seeds = new Map<string, Seed>()
  const add = <T>(type: MessageType<T>, bytes: Uint8Array): T => {
    seeds.set(`${type.name}:${Buffer.from(bytes).toString('latin1')}`, { type: type as unknown as AnyType, bytes })
    return type.decode(bytes)
  }
  const files = readdirSync(folder).filter((name) => name.endsWith('.block'))
  for (const file of files) {
    const bytes = new Uint8Array(readFileSync(`${folder}/${file}`))
    add(BlockMessage, bytes)
    for (const envelope of Block.decode(bytes).data) addLevels(add, envelope)
  }
  return [...seeds.values()]
}

type Add = <T>(type: MessageType<T>, bytes: Uint8Array) => T

/** Some transactions of the corpus are malformed on purpose: their levels end where they stop decoding. */
function addLevels(add: Add, envelope: Uint8Array): void {
  try {
    const payload = add(Payload, add(Envelope, envelope).payload)
    const { type } = add(ChannelHeader, payload.header!.channelHeader)
    add(SignatureHeader, payload.header!.signatureHeader)
    if (type === 1) add(ConfigEnvelope, payload.data)
    if (type !== 3) return
    for (const action of add(Transaction, payload.data).actions) {
      const inner = add(ChaincodeActionPayload, action.payload)
      add(ChaincodeProposalPayload, inner.chaincodeProposalPayload)
      const response = add(ProposalResponsePayload, inner.action!.proposalResponsePayload)
      for (const namespace of add(TxReadWriteSet, add(ChaincodeAction, response.extension).results).nsRwset) {
        add(KVRWSet, namespace.rwset)
        for (const collection of namespace.collectionHashedRwset) add(HashedRWSet, collection.hashedRwset)
      }
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
}
