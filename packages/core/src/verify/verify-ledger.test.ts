import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BlockFileStore } from '../adapters/block-files/block-file-store.ts'
import { fileDisk } from '../adapters/disk/file-disk.ts'
import { seededRandom } from '../adapters/environment/random.ts'
import { silentLogger as logger } from '../adapters/environment/silent-logger.ts'
import { X509IdentityProvider } from '../adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../adapters/signature-pool/inline-signature-pool.ts'
import { Block } from '../model/block.ts'
import { BlockMetadataIndex, Metadata } from '../model/messages/common.ts'
import type { IdentityProvider } from '../ports/identity.ts'
import { openLedgerFolder } from './ledger-folder.ts'
import { main } from './main.ts'
import type { VerifyReport } from './report.ts'
import { verifyLedger } from './verify-ledger.ts'

const VECTORS = new URL('../../test/vectors/fabric-ledger', import.meta.url).pathname
const COMMIT_HASH = '293a0e9404d31b6464347eb41e808efd3e37b97900f8e3098c06741ba97b32dc'

let files: Uint8Array[]
let folder: string

beforeAll(async () => {
  const names = (await readdir(VECTORS)).filter((name) => name.endsWith('.block')).sort()
  files = await Promise.all(names.map(async (name) => new Uint8Array(await readFile(join(VECTORS, name)))))
  folder = await mkdtemp(join(tmpdir(), 'verify-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Verifies the same few signatures over and over: each is checked once. Only a test may remember verdicts like this. */
function rememberingProvider(): IdentityProvider {
  const inner = new X509IdentityProvider(new InlineSignaturePool())
  const verdicts = new Map<string, boolean>()
  return {
    name: inner.name,
    createMembership: (configs) => inner.createMembership(configs),
    keyOf: (serialized) => inner.keyOf(serialized),
    signer: (serialized, key) => inner.signer(serialized, key),
    close: () => inner.close(),
    verifyAll: async (items) => {
      const result: boolean[] = []
      for (const item of items) {
        const parts = [item.key.raw, item.data, Uint8Array.of(0), item.signature]
        const key = parts.reduce((hash, part) => hash.update(`${part.length}:`).update(part), createHash('sha256')).digest('hex')
        const verdict = verdicts.get(key) ?? (await inner.verifyAll([item]))[0]!
        verdicts.set(key, verdict)
        result.push(verdict)
      }
      return result
    },
  }
}

const provider = rememberingProvider()

async function verify(blocks: readonly Uint8Array[]): Promise<VerifyReport> {
  async function* source() {
    for (let number = 0; number < blocks.length; number++) yield { number, place: `block ${number}`, bytes: blocks[number] }
  }
  return verifyLedger(source(), { provider })
}

describe('a ledger written by Hyperledger Fabric', () => {
  it('is verified: every flag and every commit hash equal', async () => {
    const report = await verify(files)
    expect(report).toMatchObject({
      verified: true,
      channel: 'ch1',
      blocks: 52,
      transactions: 425,
      flagsEqual: true,
      commitHashEqual: true,
      commitHashes: 51,
      firstDifference: null,
      commitHash: COMMIT_HASH,
    })
  })

  it('with a block missing, doubled, or out of order is not', async () => {
    const without = await verify([...files.slice(0, 5), ...files.slice(6)])
    expect(without.firstDifference).toMatchObject({ block: 5, what: 'number', expected: '5', got: '6' })
    const swapped = await verify([...files.slice(0, 5), files[6]!, files[5]!])
    expect(swapped.firstDifference).toMatchObject({ block: 5, what: 'number' })
    const doubled = await verify([files[0]!, files[1]!, files[1]!])
    expect(doubled.firstDifference).toMatchObject({ block: 2, what: 'number', got: '1' })
    expect(await verify([])).toMatchObject({
      verified: false,
      flagsEqual: false,
      commitHashEqual: false,
      firstDifference: { what: 'file' },
    })
  })

  it('with bytes behind a block is not', async () => {
    const trailing = Buffer.concat([files[3]!, Uint8Array.of(0x1a, 0)])
    expect((await verify(files.with(3, trailing))).firstDifference).toMatchObject({ block: 3, what: 'file' })
  })
})

describe('one changed byte is found and named', () => {
  /** The ledger with a change to the metadata slot of a block. */
  function slotChanged(number: number, slot: number, change: (bytes: Buffer) => void): readonly Uint8Array[] {
    const block = Block.decode(files[number]!)
    const bytes = Buffer.from(block.metadataAt(slot))
    change(bytes)
    return files.with(number, block.withMetadata({ [slot]: bytes }).encode())
  }

  it('in a validation flag: the transaction, the code that it should have, the one that is stored', async () => {
    const changed = slotChanged(9, BlockMetadataIndex.TRANSACTIONS_FILTER, (flags) => {
      flags[7] = 11
    })
    const report = await verify(changed)
    expect(report).toMatchObject({ verified: false, flagsEqual: false, commitHashEqual: true, differences: 1 })
    expect(report.firstDifference).toEqual({
      block: 9,
      transaction: 7,
      what: 'flags',
      expected: 'VALID',
      got: 'MVCC_READ_CONFLICT',
    })
  })

  it('in a commit hash', async () => {
    const changed = slotChanged(12, BlockMetadataIndex.COMMIT_HASH, (hash) => {
      hash[20]! ^= 1
    })
    const report = await verify(changed)
    expect(report).toMatchObject({
      flagsEqual: true,
      commitHashEqual: false,
      differences: 1,
      firstDifference: { block: 12, what: 'commit-hash' },
    })
  })

  it('in the number of the last config block', async () => {
    const changed = slotChanged(41, BlockMetadataIndex.LAST_CONFIG, (slot) => {
      slot[slot.length - 1]! ^= 1
    })
    expect((await verify(changed)).firstDifference).toMatchObject({ block: 41, what: 'last-config' })
  })

  it('in a slot that has no use, and in one that should not be there', async () => {
    const block = Block.decode(files[4]!)
    const extra = files.with(4, block.withMetadata({ [BlockMetadataIndex.ORDERER]: Uint8Array.of(1) }).encode())
    expect((await verify(extra)).firstDifference).toMatchObject({ block: 4, what: 'metadata' })
    const sixth = files.with(4, block.withMetadata({ 5: Uint8Array.of(1) }).encode())
    expect((await verify(sixth)).firstDifference).toMatchObject({ block: 4, what: 'metadata' })
    const genesis = Block.decode(files[0]!).withMetadata({ [BlockMetadataIndex.COMMIT_HASH]: Uint8Array.of(1) })
    expect((await verify(files.with(0, genesis.encode()))).firstDifference).toMatchObject({ block: 0, what: 'commit-hash' })
  })

  it('in the previous hash, the data hash, the data, a signature', async () => {
    const { header, data, metadata } = Block.decode(files[20]!)
    const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, bytes[at]! ^ 4)
    const kinds = async (changed: Block) => (await verify(files.with(20, changed.encode()))).firstDifference
    expect(await kinds(Block.of({ ...header, previousHash: flip(header.previousHash, 3) }, data, metadata))).toMatchObject({
      block: 20,
      what: 'previous-hash',
    })
    expect(await kinds(Block.of({ ...header, dataHash: flip(header.dataHash, 3) }, data, metadata))).toMatchObject({
      block: 20,
      what: 'data-hash',
    })
    const changedData = data.with(0, flip(data[0]!, data[0]!.length - 9))
    expect(await kinds(Block.of(header, changedData, metadata))).toMatchObject({ block: 20, what: 'data-hash' })
    const signatures = metadata.with(0, flip(metadata[0]!, metadata[0]!.length - 9))
    expect(await kinds(Block.of(header, data, signatures))).toMatchObject({ block: 20, what: 'signatures' })
  })

  it('in one of several signatures, even when the others satisfy the policy', async () => {
    const block = Block.decode(files[20]!)
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    const second = { ...signatures[0]!, signature: signatures[0]!.signature.with(-1, 0) }
    const both = Metadata.encode({ value, signatures: [...signatures, second] })
    const changed = files.with(20, block.withMetadata({ [BlockMetadataIndex.SIGNATURES]: both }).encode())
    expect((await verify(changed)).firstDifference).toMatchObject({
      block: 20,
      what: 'signatures',
      expected: '2 signatures of orderers',
    })
  })

  it('in a transaction that is no canonical envelope, although all hashes are right', async () => {
    const last = Block.decode(files[51]!)
    const data = last.data.with(0, Buffer.concat([last.data[0]!, Uint8Array.of(0x12, 0)]))
    const { number, previousHash } = last.header
    const changed = Block.of({ ...Block.create(number, previousHash, data).header }, data, last.metadata)
    expect((await verify(files.with(51, changed.encode()))).firstDifference).toMatchObject({
      block: 51,
      transaction: 0,
      what: 'data',
    })
  })

  // One position in each stretch of the file, a seeded bit of it; every position of blocks 0 and 1 was tried once by hand.
  it.each([
    [0, 1, 499],
    [1, 2, 97],
    [2, 3, 211],
    [9, 9, 2999],
    [9, 10, 2501],
    [40, 41, 2111],
    [51, 51, 1499],
  ])('wherever in block %i (with blocks up to %i)', async (number, last, step) => {
    const missed: number[] = []
    const original = files[number]!
    let seed = number + 1
    for (let at = number % 7; at < original.length; at += step) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      const changed = original.with(at, original[at]! ^ (1 << ((seed >> 8) % 8)))
      const { verified, firstDifference } = await verify(files.slice(0, last + 1).with(number, changed))
      if (verified || firstDifference === null || firstDifference.block < number) missed.push(at)
    }
    expect(missed).toEqual([])
  })
})

describe('folders', () => {
  const run = async (...args: string[]) => {
    const texts = { out: '', err: '' }
    const out = { write: (text: string) => (texts.out += text) }
    const err = { write: (text: string) => (texts.err += text), isTTY: false }
    return { status: await main(args, { out, err }), ...texts }
  }

  it('of serialized blocks: exit status 0 when all is equal, one JSON object on request', async () => {
    const plain = await run(VECTORS)
    expect(plain).toMatchObject({ status: 0, err: '' })
    expect(plain.out).toContain('The ledger is verified.')
    const json = await run(VECTORS, '--json')
    expect(JSON.parse(json.out)).toMatchObject({
      blocks: 52,
      transactions: 425,
      flagsEqual: true,
      commitHashEqual: true,
      firstDifference: null,
    })
  })

  it('with a missing, a doubled, or a changed file: exit status 1 and the place', async () => {
    const copy = join(folder, 'copy')
    await mkdir(copy)
    for (let i = 0; i < 6; i++) if (i !== 4) await writeFile(join(copy, `000${i}.block`), files[i]!)
    const missing = await run(copy, '--json')
    expect(missing.status).toBe(1)
    expect(JSON.parse(missing.out).firstDifference).toMatchObject({ block: 4, what: 'file', got: 'no such file' })
    await writeFile(join(copy, '0004.block'), files[4]!)
    await writeFile(join(copy, '4.block'), files[4]!)
    expect(JSON.parse((await run(copy, '--json')).out).firstDifference.got).toContain('two files')
    await rm(join(copy, '4.block'))
    expect((await run(copy)).status).toBe(0)
    await writeFile(join(copy, '0002.block'), files[2]!.with(99, files[2]![99]! ^ 1))
    const changed = await run(copy)
    expect(changed.status).toBe(1)
    expect(changed.out).toContain('in block 2')
  })

  it('of a node: its block files, wherever below; a changed byte in a frame is found', async () => {
    const disk = fileDisk(join(folder, 'node'))
    const store = await BlockFileStore.open(
      { disk, folder: 'peer0/channels/ch1/blocks', random: seededRandom(1), logger },
      { segmentBytes: 100_000 },
    )
    await store.appendAll(files.slice(0, 12).map((bytes) => Block.decode(bytes)))
    await store.appendAll(files.slice(12, 20).map((bytes) => Block.decode(bytes)))
    await store.close()
    const report = JSON.parse((await run(join(folder, 'node'), '--json')).out)
    expect(report).toMatchObject({ verified: true, blocks: 20 })

    const blocks = join(folder, 'node/peer0/channels/ch1/blocks')
    const segments = (await readdir(blocks)).sort()
    expect(segments.length).toBeGreaterThan(1)
    const path = join(blocks, segments[0]!)
    const bytes = await readFile(path)
    for (const at of [5, 20, 40, 60, bytes.length >> 1, bytes.length - 1]) {
      await writeFile(path, bytes.with(at, bytes[at]! ^ 1))
      const changed = await run(join(folder, 'node'), '--json')
      expect([at, changed.status, JSON.parse(changed.out).verified]).toEqual([at, 1, false])
    }
    await writeFile(path, bytes)
    await rm(join(blocks, segments[0]!))
    expect((await run(join(folder, 'node'))).status).toBe(1)
  })

  it('of nothing, of several ledgers, that cannot be read: a clear message, exit status 1', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    expect(await run(empty)).toMatchObject({ status: 1, err: expect.stringContaining('holds no files NNNN.block') })
    expect(await run(join(folder, 'nowhere'))).toMatchObject({ status: 1, err: expect.stringContaining('cannot be read') })
    expect(JSON.parse((await run(empty, '--json')).out)).toMatchObject({ verified: false, error: { code: 'VERIFY_NO_LEDGER' } })
    for (const name of ['one', 'two']) {
      await mkdir(join(folder, 'several', name), { recursive: true })
      await writeFile(join(folder, 'several', name, 'blocks-000000'), '')
    }
    expect((await run(join(folder, 'several'))).err).toContain('several ledgers')
  })

  it('without arguments, or with wrong ones: usage and exit status 2; --help is no error', async () => {
    expect(await run()).toMatchObject({ status: 2, err: expect.stringContaining('Usage') })
    expect(await run('a', 'b')).toMatchObject({ status: 2 })
    expect(await run('--nonsense')).toMatchObject({ status: 2 })
    expect(await run('--help')).toMatchObject({ status: 0, out: expect.stringContaining('Usage') })
  })

  it('are read in order', async () => {
    const numbers: number[] = []
    for await (const { number } of await openLedgerFolder(VECTORS)) numbers.push(number)
    expect(numbers).toEqual(files.map((_, number) => number))
  })
})
