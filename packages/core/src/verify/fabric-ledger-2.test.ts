import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { X509IdentityProvider } from '../adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../adapters/signature-pool/inline-signature-pool.ts'
import { Block } from '../model/block.ts'
import { BlockMetadataIndex } from '../model/messages/common.ts'
import { TxValidationCode } from '../model/validation-code.ts'
import { openLedgerFolder } from './ledger-folder.ts'
import type { VerifyReport } from './report.ts'
import { verifyLedger } from './verify-ledger.ts'

// Odd and malformed transactions that a Fabric peer validated; its README tells how they came about.
const VECTORS = new URL('../../test/vectors/fabric-ledger-2', import.meta.url).pathname

interface Note {
  readonly block: number
  readonly index: number
  readonly code: keyof typeof TxValidationCode
  readonly note: string
}

let report: VerifyReport
let notes: readonly Note[]

beforeAll(async () => {
  const provider = new X509IdentityProvider(new InlineSignaturePool())
  report = await verifyLedger(await openLedgerFolder(VECTORS), { provider })
  const lines = (await readFile(join(VECTORS, 'transactions.jsonl'), 'utf8')).trim().split('\n')
  notes = lines.map((line) => JSON.parse(line) as Note)
}, 60_000)

describe('a ledger of the unusual, written by a Fabric peer', () => {
  it('verifies: hash chain, signatures of orderers, flags and commit hash of every block', () => {
    expect(report).toMatchObject({
      verified: true,
      firstDifference: null,
      blocks: 109,
      transactions: 306,
      commitHashes: 108,
      commitHash: 'eed859a320d67c24a0944f9f4223ae03142845f939107491a9293272315b316e',
    })
  })

  it('has the codes that its notes state', async () => {
    const flags = new Map<number, Uint8Array>()
    for (const { block } of notes) {
      if (flags.has(block)) continue
      const bytes = await readFile(join(VECTORS, `${String(block).padStart(4, '0')}.block`))
      flags.set(block, Block.decode(bytes).metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER))
    }
    expect(notes).toHaveLength(305)
    for (const { block, index, code } of notes) expect(flags.get(block)![index]).toBe(TxValidationCode[code])
  })

  it.each([
    ['endorsed: trailing', 'VALID'],
    ['endorsed: trailing inside', 'VALID'],
    ['endorsed: creator trailing', 'VALID'],
    ['endorsed: high S', 'ENDORSEMENT_POLICY_FAILURE'],
    ['endorsed: creator high S', 'BAD_CREATOR_SIGNATURE'],
    ['endorsed: identity form begin twice', 'VALID'],
    ['endorsed: identity form dash after', 'ENDORSEMENT_POLICY_FAILURE'],
  ])('holds the case "%s", which Fabric calls %s', (note, code) => {
    expect(notes.filter((each) => each.note === note).map((each) => each.code)).toEqual([code])
  })
})
