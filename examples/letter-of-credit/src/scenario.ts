import type { CallArguments, Commit, CommitStatus, Contract, Gateway, Transaction } from '@heddle/core'
import { CARRIER, EXPORTER_BANK, IMPORTER_BANK } from './letter.ts'
import type { LetterPlan, LettersFile } from './letters-file.ts'
import type { Step, Teller } from './story.ts'

/** The three parties, each with a gateway of its own. */
export interface Parties {
  readonly importerBank: Gateway
  readonly exporterBank: Gateway
  readonly carrier: Gateway
  /** Resolves when the peers of all parties have committed a block. A party acts on what its own peer knows, and peers commit a moment apart. */
  everywhere(block: number): Promise<void>
  /** What happens to the network halfway, while a transaction is under way. */
  trouble(): Promise<void>
}

/** What a step has to end as: that it succeeds, or the code of the refusal that the rules demand. */
type Expectation = 'VALID' | 'ENDORSE_REFUSED' | 'ENDORSEMENT_POLICY_FAILURE' | 'MVCC_READ_CONFLICT'

/** How the story ended. */
export interface Outcome {
  /** Transactions that were not endorsed, or are on the ledger as invalid. */
  readonly refused: number
  /** Steps that ended otherwise than the rules demand. */
  readonly surprises: readonly Step[]
}

const BANKS = [IMPORTER_BANK, EXPORTER_BANK]
const SHIPPING = [CARRIER, EXPORTER_BANK]

/** Takes every letter of the file through its life, wrong turns included. */
export async function tell(parties: Parties, file: LettersFile, chaincode: string, teller: Teller): Promise<Outcome> {
  const importer = parties.importerBank.contract(chaincode)
  const exporter = parties.exporterBank.contract(chaincode)
  const carrier = parties.carrier.contract(chaincode)
  const steps: Step[] = []
  const surprises: Step[] = []

  /** Endorses at the organisations given, orders, waits for the commit, and shows what came of it. */
  const act = async (
    what: string,
    expected: Expectation,
    contract: Contract,
    endorsers: readonly string[],
    call: readonly string[],
  ): Promise<void> => {
    await record(await attempt(what, expected, contract, endorsers, call))
  }
  const record = async (step: Step): Promise<void> => {
    if (step.block !== undefined) await parties.everywhere(step.block)
    steps.push(step)
    teller.step(step)
    if (!step.asExpected) surprises.push(step)
  }

  teller.heading('Accounts')
  for (const [bank, balance] of Object.entries(file.accounts)) {
    await act(`${short(bank)} opens an account of ${money(balance)}`, 'VALID', importer, BANKS, ['open', bank, String(balance)])
  }

  for (const [index, letter] of file.letters.entries()) {
    const { id } = letter
    teller.heading(`${id} · ${letter.applicant} → ${letter.beneficiary}`)
    teller.note(`${letter.goods}, ${letter.currency} ${money(letter.amount)}; documents: ${letter.documents.join(', ')}`)
    await act('importer applies for the letter', 'VALID', importer, BANKS, ['apply', terms(letter)])
    if (index === 0) {
      await act('importer’s bank tries to issue it alone', 'ENDORSEMENT_POLICY_FAILURE', importer, [IMPORTER_BANK], ['issue', id])
      await act('carrier tries to issue it', 'ENDORSE_REFUSED', carrier, BANKS, ['issue', id])
    }
    await act('importer’s bank issues it, both banks endorse', 'VALID', importer, BANKS, ['issue', id])
    if (letter.amendTo !== undefined) {
      await act(`both banks amend it to ${money(letter.amendTo)}`, 'VALID', importer, BANKS, [
        'amend',
        id,
        String(letter.amendTo),
      ])
    }
    if (index === 0) {
      await act('exporter’s bank presents before shipment', 'ENDORSE_REFUSED', exporter, BANKS, [
        'present',
        id,
        ...letter.present,
      ])
      await act('carrier ships with the banks’ endorsements only', 'ENDORSEMENT_POLICY_FAILURE', carrier, BANKS, [
        'ship',
        id,
        letter.vessel,
      ])
    }
    await act(`carrier takes the goods aboard ${letter.vessel}`, 'VALID', carrier, SHIPPING, ['ship', id, letter.vessel])
    const presents = act('exporter’s bank presents the documents', 'VALID', exporter, BANKS, ['present', id, ...letter.present])
    await (index === Math.floor(file.letters.length / 2) ? Promise.all([presents, parties.trouble()]) : presents)
    if (letter.decision === 'refuse') {
      await act('importer’s bank refuses the documents', 'VALID', importer, BANKS, [
        'refuse',
        id,
        letter.discrepancy ?? 'discrepant documents',
      ])
      await act('importer’s bank is asked to pay all the same', 'ENDORSE_REFUSED', importer, BANKS, ['pay', id])
      continue
    }
    await act('importer’s bank accepts the documents', 'VALID', importer, BANKS, ['accept', id])
    for (const step of await payTwice(importer, id)) await record(step)
    await act('importer’s bank is asked to pay again', 'ENDORSE_REFUSED', importer, BANKS, ['pay', id])
  }

  teller.heading('Balances')
  const facts: [string, string][] = []
  for (const bank of Object.keys(file.accounts)) {
    facts.push([short(bank), money(Number(Buffer.from(await importer.evaluate('balance', bank)).toString()))])
  }
  teller.facts(facts)
  return { refused: steps.filter(({ outcome }) => outcome !== 'valid').length, surprises }
}

/** Two payments of one letter, both endorsed before either is ordered: the ledger takes one of them. */
async function payTwice(contract: Contract, id: string): Promise<Step[]> {
  const started = performance.now()
  const transactions = await Promise.all([0, 1].map(() => propose(contract, BANKS, ['pay', id]).endorse()))
  const statuses = await Promise.all(transactions.map(async (transaction) => (await transaction.submit()).getStatus()))
  const milliseconds = performance.now() - started
  const inOrder = statuses
    .map((status, index) => ({ status, transaction: transactions[index]! }))
    .sort((a, b) => a.status.code - b.status.code)
  return inOrder.map(({ status, transaction }, index) =>
    stepOf(
      index === 0 ? 'importer’s bank pays' : 'a second payment, at the same moment',
      index === 0 ? 'VALID' : 'MVCC_READ_CONFLICT',
      transaction,
      status,
      milliseconds,
    ),
  )
}

async function attempt(
  what: string,
  expected: Expectation,
  contract: Contract,
  endorsers: readonly string[],
  call: readonly string[],
): Promise<Step> {
  const started = performance.now()
  let transaction: Transaction
  try {
    transaction = await propose(contract, endorsers, call).endorse()
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code === undefined) throw error
    return {
      what,
      outcome: 'not endorsed',
      endorsers: [],
      code,
      milliseconds: performance.now() - started,
      reason: message,
      asExpected: code === expected,
    }
  }
  const commit: Commit = await transaction.submit()
  return stepOf(what, expected, transaction, await commit.getStatus(), performance.now() - started)
}

function stepOf(what: string, expected: Expectation, transaction: Transaction, status: CommitStatus, milliseconds: number): Step {
  const conflict = status.conflict
  return {
    what,
    outcome: status.successful ? 'valid' : 'invalid',
    endorsers: transaction.getEndorsers().map(short),
    block: status.blockNumber,
    code: status.status,
    milliseconds,
    ...(conflict === undefined
      ? {}
      : { reason: `${readable(conflict.key)} was changed by transaction ${conflict.transactionId?.slice(0, 8) ?? 'unknown'}` }),
    asExpected: status.status === expected,
  }
}

function propose(contract: Contract, endorsers: readonly string[], [name = '', ...args]: readonly string[]) {
  const call: CallArguments = [...args, { endorsingOrganizations: endorsers }]
  return contract.newProposal(name, ...call)
}

function terms({ id, applicant, beneficiary, amount, currency, goods, documents }: LetterPlan): string {
  return JSON.stringify({ id, applicant, beneficiary, amount, currency, goods, documents })
}

/** A composite key without its separators. */
const readable = (key: string): string =>
  key
    .split('\u0000')
    .filter((part) => part.length > 0)
    .join(' ')
const short = (mspId: string): string => mspId.replace(/MSP$/, '')
const money = (cents: number): string => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })
