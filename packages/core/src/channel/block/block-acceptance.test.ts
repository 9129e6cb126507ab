import { describe, expect, it } from 'vitest'
import { transaction } from '../../flow/validate/test-ledger.fixture.ts'
import { Block } from '../../model/block.ts'
import {
  BlockMetadataIndex,
  IdentifierHeader,
  Metadata,
  OrdererBlockMetadata,
  SignatureHeader,
} from '../../model/messages/common.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import type { Signer } from '../../ports/identity.ts'
import { plainChannel } from '../plain-channel.fixture.ts'
import { plainMsp, plainProvider, plainSigner } from '../plain-identity.fixture.ts'
import { acceptBlock } from './block-acceptance.ts'

const config = plainChannel()
const orderer = plainSigner('OrdererMSP', 'orderer')
const lastHash = new Uint8Array(32).fill(3)
const end = { height: 5, lastHash }
const envelope = () => transaction({ cc: { writes: { k: 'v' } } })

async function signed(block: Block, signer: Signer = orderer, changes: object = {}): Promise<Block> {
  const value = OrdererBlockMetadata.encode({ lastConfig: { index: 0 } })
  const signatureHeader = SignatureHeader.encode({ creator: signer.identity, nonce: utf8Bytes('nonce') })
  const signature = await signer.sign(Buffer.concat([value, signatureHeader, block.headerBytes()]))
  const metadata = { value, signatures: [{ signatureHeader, signature, ...changes }] }
  return block.withMetadata({ [BlockMetadataIndex.SIGNATURES]: Metadata.encode(metadata) })
}

const refusal = async (block: Block, channel = config) =>
  acceptBlock(block, end, channel, plainProvider).then(
    () => 'accepted',
    (error) => error.code,
  )

describe('a block is refused, whatever its source', () => {
  const sound = async () => Block.create(5, lastHash, [await envelope(), await envelope()])

  it('unless it is the next one, whole, and signed by the orderers', async () => {
    expect(await refusal(await signed(await sound()))).toBe('accepted')
  })

  it('with another number', async () => {
    expect(await refusal(await signed(Block.create(6, lastHash, [await envelope()])))).toBe('BLOCK_WRONG_NUMBER')
  })

  it('that breaks the hash chain', async () => {
    expect(await refusal(await signed(Block.create(5, new Uint8Array(32), [await envelope()])))).toBe('BLOCK_WRONG_PREVIOUS_HASH')
  })

  it('whose data hash is not that of its data', async () => {
    const { header, metadata } = await signed(await sound())
    expect(await refusal(Block.of(header, [await envelope()], metadata))).toBe('BLOCK_WRONG_DATA_HASH')
  })

  it('that is empty, or holds an envelope that is not canonical', async () => {
    expect(await refusal(await signed(Block.create(5, lastHash, [])))).toBe('BLOCK_NOT_CANONICAL')
    const trailing = Buffer.concat([await envelope(), Uint8Array.of(0x12, 0)])
    expect(await refusal(await signed(Block.create(5, lastHash, [await envelope(), trailing])))).toBe('BLOCK_NOT_CANONICAL')
  })

  it('of another channel', async () => {
    const other = await transaction({}, { channel: 'other' })
    expect(await refusal(await signed(Block.create(5, lastHash, [other])))).toBe('BLOCK_WRONG_CHANNEL')
  })

  it('with metadata that is missing or cannot be read', async () => {
    const { header, data } = await sound()
    expect(await refusal(Block.of(header, data, []))).toBe('BLOCK_BAD_METADATA')
    const garbage = (await sound()).withMetadata({ [BlockMetadataIndex.SIGNATURES]: Uint8Array.of(0x0a, 0xff) })
    expect(await refusal(garbage)).toBe('BLOCK_BAD_METADATA')
  })

  it('without a signature of an orderer of the channel over exactly this header', async () => {
    expect(await refusal(await sound())).toBe('BLOCK_NOT_SIGNED')
    expect(await refusal(await signed(await sound(), plainSigner('Org1MSP', 'peer')))).toBe('BLOCK_NOT_SIGNED')
    expect(await refusal(await signed(await sound(), orderer, { signature: utf8Bytes('wrong') }))).toBe('BLOCK_NOT_SIGNED')
    const { metadata } = await signed(await sound())
    const { header, data } = await sound()
    expect(await refusal(Block.of(header, data, metadata))).toBe('BLOCK_NOT_SIGNED')
  })
})

describe('signatures by the number of a consenter', () => {
  const identity = utf8Bytes('orderer:orderer')
  const consenters = [
    { id: 7, host: 'o', port: 1, mspId: 'OrdererMSP', identity, clientTlsCert: identity, serverTlsCert: identity },
  ]
  const organizations = [{ name: 'Orderers', mspConfig: plainMsp('OrdererMSP') }]
  const bft = { ...plainChannel({ ordering: { type: 'BFT', organizations } }), consenters }
  const v3 = { ...bft, capabilities: { ...bft.capabilities, channel: new Set(['V3_0']) } }

  async function numbered(block: Block, identifier: number): Promise<Block> {
    const value = OrdererBlockMetadata.encode({ lastConfig: { index: 0 } })
    const identifierHeader = IdentifierHeader.encode({ identifier, nonce: utf8Bytes('nonce') })
    const signature = await orderer.sign(Buffer.concat([value, identifierHeader, block.headerBytes()]))
    return block.withMetadata({
      [BlockMetadataIndex.SIGNATURES]: Metadata.encode({ value, signatures: [{ identifierHeader, signature }] }),
    })
  }

  it('count from capability V3_0 on, for numbers that the channel lists', async () => {
    const block = Block.create(5, lastHash, [await envelope()])
    expect(await refusal(await numbered(block, 7), v3)).toBe('accepted')
    expect(await refusal(await numbered(block, 8), v3)).toBe('BLOCK_NOT_SIGNED')
    expect(await refusal(await numbered(block, 7), bft)).toBe('BLOCK_NOT_SIGNED')
  })
})
