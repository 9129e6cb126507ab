import { readFile } from 'node:fs/promises'

/** One letter of the data file: its terms, and what happens to it. */
export interface LetterPlan {
  readonly id: string
  readonly applicant: string
  readonly beneficiary: string
  readonly amount: number
  readonly currency: string
  readonly goods: string
  readonly documents: readonly string[]
  readonly amendTo?: number
  readonly vessel: string
  readonly present: readonly string[]
  readonly decision: 'accept' | 'refuse'
  readonly discrepancy?: string
}

export interface LettersFile {
  /** Opening balances by MSP id. */
  readonly accounts: Readonly<Record<string, number>>
  readonly letters: readonly LetterPlan[]
}

/** The letters file cannot be used; the message names the file, the place in it and what is expected there. */
export class LettersFileError extends Error {
  readonly code = 'LETTERS_FILE_INVALID'
}

/** Reads and checks a letters file. Throws LettersFileError. */
export async function readLetters(path: string): Promise<LettersFile> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new LettersFileError(`cannot read ${path}: ${error.message}`)
  })
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new LettersFileError(`${path} is not JSON: ${(error as Error).message}`)
  }
  const wrong = (place: string, expected: string): never => {
    throw new LettersFileError(`${path}: ${place} must be ${expected}`)
  }
  const object = (value: unknown, place: string): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : wrong(place, 'an object')
  const word = (value: unknown, place: string): string =>
    typeof value === 'string' && value.length > 0 ? value : wrong(place, 'a text that is not empty')
  const words = (value: unknown, place: string): string[] =>
    Array.isArray(value) ? value.map((each, index) => word(each, `${place}[${index}]`)) : wrong(place, 'a list of texts')
  const amount = (value: unknown, place: string): number =>
    Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : wrong(place, 'a whole number above 0, in cents')

  const file = object(data, 'the file')
  unknownKeys(file, ['accounts', 'letters'], 'the file', wrong)
  const accounts = Object.fromEntries(
    Object.entries(object(file.accounts, 'accounts')).map(([bank, balance]) => [bank, amount(balance, `accounts.${bank}`)]),
  )
  for (const bank of ['ImporterBankMSP', 'ExporterBankMSP'])
    if (accounts[bank] === undefined) wrong(`accounts.${bank}`, 'present: both banks need an account')
  if (!Array.isArray(file.letters) || file.letters.length === 0) wrong('letters', 'a list of at least one letter')
  const seen = new Set<string>()
  const letters = (file.letters as unknown[]).map((each, index): LetterPlan => {
    const place = `letters[${index}]`
    const letter = object(each, place)
    unknownKeys(letter, KEYS, place, wrong)
    const id = word(letter.id, `${place}.id`)
    if (seen.has(id)) wrong(`${place}.id`, `unique; '${id}' stands twice`)
    seen.add(id)
    const decision = letter.decision
    if (decision !== 'accept' && decision !== 'refuse') wrong(`${place}.decision`, "'accept' or 'refuse'")
    return {
      id,
      applicant: word(letter.applicant, `${place}.applicant`),
      beneficiary: word(letter.beneficiary, `${place}.beneficiary`),
      amount: amount(letter.amount, `${place}.amount`),
      currency: word(letter.currency, `${place}.currency`),
      goods: word(letter.goods, `${place}.goods`),
      documents: words(letter.documents, `${place}.documents`),
      ...(letter.amendTo === undefined ? {} : { amendTo: amount(letter.amendTo, `${place}.amendTo`) }),
      vessel: word(letter.vessel, `${place}.vessel`),
      present: words(letter.present, `${place}.present`),
      decision: decision as 'accept' | 'refuse',
      ...(letter.discrepancy === undefined ? {} : { discrepancy: word(letter.discrepancy, `${place}.discrepancy`) }),
    }
  })
  return { accounts, letters }
}

const KEYS = [
  'id',
  'applicant',
  'beneficiary',
  'amount',
  'currency',
  'goods',
  'documents',
  'amendTo',
  'vessel',
  'present',
  'decision',
  'discrepancy',
]

function unknownKeys(
  object: Record<string, unknown>,
  known: readonly string[],
  place: string,
  wrong: (place: string, expected: string) => never,
): void {
  for (const key of Object.keys(object)) if (!known.includes(key)) wrong(`${place}.${key}`, `one of ${known.join(', ')}`)
}
