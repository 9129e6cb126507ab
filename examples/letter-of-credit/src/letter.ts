/** Where a letter of credit stands. Each step of the life moves it on; there is no way back. */
export type LetterStatus = 'applied' | 'issued' | 'presented' | 'accepted' | 'refused' | 'paid'

/** A letter of credit as the world state holds it. No transaction id, time or certificate: equal runs leave equal states. */
export interface Letter {
  readonly id: string
  readonly applicant: string
  readonly beneficiary: string
  /** In the smallest unit of the currency (cents), so that sums are exact. */
  readonly amount: number
  readonly currency: string
  readonly goods: string
  /** Documents that the beneficiary has to present. */
  readonly documents: readonly string[]
  readonly status: LetterStatus
  readonly amendments: number
  /** Documents that were presented. */
  readonly presented: readonly string[]
  /** Why the documents were refused. */
  readonly discrepancy?: string
}

/** The carrier's bill of lading. It stands under a key-level endorsement policy of its own. */
export interface BillOfLading {
  readonly letter: string
  readonly status: 'awaited' | 'shipped'
  readonly vessel?: string
}

/** The three organisations of the example, by MSP id. */
export const IMPORTER_BANK = 'ImporterBankMSP'
export const EXPORTER_BANK = 'ExporterBankMSP'
export const CARRIER = 'CarrierMSP'
