import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkEnvelope, genericOutcome, viewOutcome } from '../fuzz/checks.ts'
import {
  Block,
  BlockMetadataIndex,
  blockDataHash,
  ChaincodeAction,
  ChaincodeEvent,
  DecodeError,
  encodeProposalResponsePayload,
  encodeTransactionPayload,
  encodeTxRwSet,
  HeaderType,
  isCanonicalEnvelope,
  isWellFormedBlockEntry,
  proposalHash,
  TxValidationCode,
  transactionId,
  validationCodeName,
} from '../src/model/index.ts'

const folder = new URL('./vectors/fabric-ledger/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.block'))
  .sort()
const stored = files.map((name) => new Uint8Array(readFileSync(new URL(name, folder))))
const blocks = stored.map((bytes) => Block.decode(bytes))
const envelopes = blocks.flatMap((block) => block.data.map((_, i) => ({ block, i, view: block.envelope(i) })))
const codes = readFileSync(new URL('transactions.jsonl', folder), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { block: number; tx: number; code: string })
const codeAt = new Map(codes.map(({ block, tx, code }) => [`${block}/${tx}`, code]))

/** Endorser transactions that Fabric found valid: all of their levels decode. */
const valid = envelopes.filter(
  ({ block, i, view }) => codeAt.get(`${block.number}/${i}`) === 'VALID' && view.type === HeaderType.ENDORSER_TRANSACTION,
)

describe('the blocks of a real Fabric ledger', () => {
  it('are all there', () => {
    expect(blocks.map(({ number }) => number)).toEqual(Array.from({ length: 52 }, (_, i) => i))
    expect(envelopes.length).toBe(codes.length)
    expect(valid.length).toBeGreaterThan(200)
  })

  it('encode to the bytes that Fabric stored', () => {
    for (const [i, block] of blocks.entries()) expect(Buffer.from(block.encode()).equals(stored[i]!), files[i]!).toBe(true)
  })

  it('form a hash chain, and each header states the hash of its data', () => {
    for (const [i, block] of blocks.entries()) {
      expect(block.hasDataHash()).toBe(true)
      expect(blockDataHash(block.data)).toEqual(block.header.dataHash)
      expect(block.header.previousHash).toEqual(i === 0 ? new Uint8Array(0) : blocks[i - 1]!.hash())
    }
  })

  it('hold the flags that the ledger was published with', () => {
    for (const block of blocks) {
      const flags = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
      expect(block.data.map((_, i) => validationCodeName(flags[i]!))).toEqual(
        block.data.map((_, i) => codeAt.get(`${block.number}/${i}`)),
      )
    }
    expect(new Set(codes.map(({ code }) => code)).size).toBeGreaterThan(8)
    for (const { code } of codes) expect(TxValidationCode).toHaveProperty(code)
  })

  it('hold canonical envelopes only, but for the genesis block, whose envelope has no signature', () => {
    for (const { block, view } of envelopes) {
      expect(isCanonicalEnvelope(view.bytes)).toBe(block.number > 0)
      expect(isWellFormedBlockEntry(view.bytes)).toBe(block.number > 0)
      checkEnvelope(view.bytes)
    }
  })

  it('read alike through views and through the generic codec, at every level', () => {
    for (const { view } of envelopes) expect(viewOutcome(view.bytes)).toEqual(genericOutcome(view.bytes))
  })

  it('hold malformed transactions, whose deeper levels end in a DecodeError while the upper ones stay readable', () => {
    const broken = envelopes.filter(({ view }) => viewOutcome(view.bytes).some((level) => typeof level === 'string'))
    expect(broken.length).toBeGreaterThan(3)
    for (const { view } of broken) expect(view.payload.length).toBeGreaterThan(0)
    const { view } = broken.find((each) => each.view.type === HeaderType.ENDORSER_TRANSACTION)!
    expect(() => view.transaction.actions.map((action) => [action.event, action.rwset()])).toThrow(DecodeError)
  })

  it('name transactions by the hash of nonce and creator', () => {
    for (const { view } of valid) expect(transactionId(view.nonce, view.creator)).toBe(view.txId)
  })

  it('state the hash of their proposal', () => {
    for (const { view } of valid) {
      const action = view.transaction.actions[0]!
      expect(proposalHash(view.channelHeaderBytes, action.header, action.chaincodeProposalPayload)).toEqual(action.proposalHash)
    }
  })

  it('come out byte for byte from the encoders of the hot path', () => {
    for (const { view } of valid) {
      const action = view.transaction.actions[0]!
      expect(
        encodeTransactionPayload({
          channelHeader: view.channelHeaderBytes,
          signatureHeader: view.signatureHeaderBytes,
          chaincodeProposalPayload: action.chaincodeProposalPayload,
          proposalResponsePayload: action.proposalResponsePayload,
          endorsements: action.endorsements,
        }),
      ).toEqual(view.payload)
      expect(encodeProposalResponsePayload(action.proposalHash, action.chaincodeAction)).toEqual(action.proposalResponsePayload)
      expect(encodeTxRwSet(action.rwset())).toEqual(action.results)
    }
    expect(
      valid.some(({ view }) => view.transaction.actions[0]!.rwset().namespaces.some(({ collections }) => collections.length > 0)),
    ).toBe(true)
  })

  it('hold events that name the transaction they are of', () => {
    const withEvent = valid.filter(({ view }) => view.transaction.actions[0]!.events.length > 0)
    expect(withEvent.length).toBeGreaterThan(0)
    for (const { view } of withEvent) {
      expect(view.transaction.actions[0]!.event.txId).toBe(view.txId)
      expect(ChaincodeEvent.encode(view.transaction.actions[0]!.event)).toEqual(view.transaction.actions[0]!.events)
    }
    expect(ChaincodeAction.decode(new Uint8Array(0)).events.length).toBe(0)
  })
})
