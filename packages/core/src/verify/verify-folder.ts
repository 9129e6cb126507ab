import { X509IdentityProvider } from '../adapters/msp/x509-identity-provider.ts'
import { ThreadedSignaturePool } from '../adapters/signature-pool/threaded-signature-pool.ts'
import { openLedgerFolder } from './ledger-folder.ts'
import type { VerifyReport } from './report.ts'
import { type VerifyOptions, verifyLedger } from './verify-ledger.ts'

/**
 * Verifies the ledger in a folder: serialized blocks (`0000.block`, ...) or the data folder of a peer. Reads the files itself, with
 * certificates and signatures of its own: nothing that a running node remembers takes part.
 *
 * @throws VerifyError when there is no ledger, or several
 * @throws ValidationHalted when a block cannot be judged
 */
export async function verifyFolder(folder: string, options: Pick<VerifyOptions, 'progress'> = {}): Promise<VerifyReport> {
  const signatures = new ThreadedSignaturePool()
  try {
    const blocks = await openLedgerFolder(folder)
    return await verifyLedger(blocks, { ...options, provider: new X509IdentityProvider(signatures) })
  } finally {
    await signatures.close()
  }
}
