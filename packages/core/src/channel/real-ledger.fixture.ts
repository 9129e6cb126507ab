import { readFileSync } from 'node:fs'
import { X509IdentityProvider } from '../adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../adapters/signature-pool/inline-signature-pool.ts'
import { Block } from '../model/block.ts'
import { HeaderType } from '../model/messages/common.ts'
import type { IdentityProvider } from '../ports/identity.ts'

const BLOCKS = 52

/** A block that a Hyperledger Fabric peer stored. */
export function realBlock(number: number): Block {
  const name = `${number}`.padStart(4, '0')
  return Block.decode(readFileSync(new URL(`../../test/vectors/fabric-ledger/${name}.block`, import.meta.url)))
}

/** Its genesis and config blocks, in order. */
export function realConfigBlocks(): Block[] {
  return Array.from({ length: BLOCKS }, (_, number) => realBlock(number)).filter((block) => {
    if (block.data.length !== 1) return false
    try {
      return block.envelope(0).type === HeaderType.CONFIG
    } catch {
      // Some transactions of this ledger are malformed on purpose.
      return false
    }
  })
}

/** The product's identities, with signatures checked on this thread. */
export function realProvider(): IdentityProvider {
  return new X509IdentityProvider(new InlineSignaturePool())
}
