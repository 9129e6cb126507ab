import { type ChaincodeStub, KeyEndorsementPolicy } from '@heddle/core'
import { type BillOfLading, CARRIER, EXPORTER_BANK, IMPORTER_BANK, type Letter, type LetterStatus } from './letter.ts'

/**
 * The rules of the letter of credit.
 *
 * The chaincode checks who asks and in which state the letter is; the endorsement policy (both banks) and the bill's own key-level
 * policy (carrier and exporter's bank) make sure that no organisation can write such a change alone.
 */
export default class LetterOfCreditChaincode {
  async invoke(stub: ChaincodeStub): Promise<string> {
    const { fcn, params } = stub.getFunctionAndParameters()
    const step = steps[fcn]
    if (step === undefined) throw new Error(`there is no step '${fcn}'; there are ${Object.keys(steps).join(', ')}`)
    const result = await step(stub, params)
    return JSON.stringify(result ?? null)
  }
}

type Step = (stub: ChaincodeStub, params: string[]) => Promise<unknown>

const steps: Record<string, Step> = {
  /** Opens a bank's account with a balance: `open BANK AMOUNT`. */
  async open(stub, [bank = '', amount = '']) {
    caller(stub, IMPORTER_BANK, EXPORTER_BANK)
    if ((await stub.getState(accountKey(stub, bank))).length > 0) throw new Error(`${bank} has an account already`)
    await put(stub, accountKey(stub, bank), { bank, balance: wholeNumber(amount, 'amount') })
  },

  /** The importer asks its bank for a letter: `apply JSON`. */
  async apply(stub, [terms = '']) {
    caller(stub, IMPORTER_BANK)
    const { id, applicant, beneficiary, amount, currency, goods, documents } = JSON.parse(terms) as Letter
    if ((await stub.getState(letterKey(stub, id))).length > 0) throw new Error(`letter ${id} exists already`)
    const letter: Letter = {
      id,
      applicant,
      beneficiary,
      amount: wholeNumber(String(amount), 'amount'),
      currency,
      goods,
      documents,
      status: 'applied',
      amendments: 0,
      presented: [],
    }
    await put(stub, letterKey(stub, id), letter)
    return letter
  },

  /** The importer's bank commits itself to pay: `issue ID`. From here on the bill of lading is the carrier's to write. */
  async issue(stub, [id = '']) {
    caller(stub, IMPORTER_BANK)
    const letter = await move(stub, id, ['applied'], { status: 'issued' })
    const bill: BillOfLading = { letter: id, status: 'awaited' }
    await put(stub, billKey(stub, id), bill)
    const policy = new KeyEndorsementPolicy()
    policy.addOrgs('PEER', CARRIER, EXPORTER_BANK)
    await stub.setStateValidationParameter(billKey(stub, id), policy.getPolicy())
    stub.setEvent('issued', Buffer.from(id))
    return letter
  },

  /** Both banks agree on another amount before the goods are shipped: `amend ID AMOUNT`. */
  async amend(stub, [id = '', amount = '']) {
    caller(stub, IMPORTER_BANK)
    const bill = await get<BillOfLading>(stub, billKey(stub, id), `bill of lading of ${id}`)
    if (bill.status === 'shipped') throw new Error(`the goods of letter ${id} are shipped; it can no longer be amended`)
    const { amendments } = await read(stub, id)
    return move(stub, id, ['issued'], { amount: wholeNumber(amount, 'amount'), amendments: amendments + 1 })
  },

  /** The carrier takes the goods aboard: `ship ID VESSEL`. */
  async ship(stub, [id = '', vessel = '']) {
    caller(stub, CARRIER)
    const letter = await read(stub, id)
    if (letter.status !== 'issued')
      throw new Error(`letter ${id} is ${letter.status}; only goods under an issued letter are shipped`)
    const bill = await get<BillOfLading>(stub, billKey(stub, id), `bill of lading of ${id}`)
    if (bill.status === 'shipped') throw new Error(`the goods of letter ${id} are shipped already`)
    const shipped: BillOfLading = { letter: id, status: 'shipped', vessel }
    await put(stub, billKey(stub, id), shipped)
    stub.setEvent('shipped', Buffer.from(id))
    return shipped
  },

  /** The exporter's bank presents documents: `present ID DOCUMENT...`. */
  async present(stub, [id = '', ...documents]) {
    caller(stub, EXPORTER_BANK)
    const bill = await get<BillOfLading>(stub, billKey(stub, id), `bill of lading of ${id}`)
    if (bill.status !== 'shipped') throw new Error(`the goods of letter ${id} are not shipped yet`)
    return move(stub, id, ['issued'], { status: 'presented', presented: documents })
  },

  /** The importer's bank accepts complete documents: `accept ID`. */
  async accept(stub, [id = '']) {
    caller(stub, IMPORTER_BANK)
    const letter = await read(stub, id)
    const missing = letter.documents.filter((document) => !letter.presented.includes(document))
    if (letter.status === 'presented' && missing.length > 0) throw new Error(`letter ${id} lacks ${missing.join(', ')}`)
    return move(stub, id, ['presented'], { status: 'accepted' })
  },

  /** The importer's bank refuses the documents: `refuse ID REASON`. */
  async refuse(stub, [id = '', discrepancy = '']) {
    caller(stub, IMPORTER_BANK)
    return move(stub, id, ['presented'], { status: 'refused', discrepancy })
  },

  /** The importer's bank pays, once: `pay ID`. */
  async pay(stub, [id = '']) {
    caller(stub, IMPORTER_BANK)
    const letter = await move(stub, id, ['accepted'], { status: 'paid' })
    const payer = await get<Account>(stub, accountKey(stub, IMPORTER_BANK), `account of ${IMPORTER_BANK}`)
    const payee = await get<Account>(stub, accountKey(stub, EXPORTER_BANK), `account of ${EXPORTER_BANK}`)
    if (payer.balance < letter.amount)
      throw new Error(`${payer.bank} holds ${payer.balance}, letter ${id} is over ${letter.amount}`)
    await put(stub, accountKey(stub, payer.bank), { ...payer, balance: payer.balance - letter.amount })
    await put(stub, accountKey(stub, payee.bank), { ...payee, balance: payee.balance + letter.amount })
    stub.setEvent('paid', Buffer.from(id))
    return letter
  },

  /** Reads a letter with its bill of lading: `show ID`. */
  async show(stub, [id = '']) {
    const bill = await stub.getState(billKey(stub, id))
    return { ...(await read(stub, id)), bill: bill.length === 0 ? null : JSON.parse(text(bill)) }
  },

  /** Reads a bank's balance: `balance BANK`. */
  async balance(stub, [bank = '']) {
    return (await get<Account>(stub, accountKey(stub, bank), `account of ${bank}`)).balance
  },
}

interface Account {
  readonly bank: string
  readonly balance: number
}

function caller(stub: ChaincodeStub, ...allowed: string[]): void {
  const { mspid } = stub.getCreator()
  if (!allowed.includes(mspid)) throw new Error(`${mspid} may not do this; it is for ${allowed.join(' or ')}`)
}

/** Changes a letter that is in one of the given states. */
async function move(stub: ChaincodeStub, id: string, from: readonly LetterStatus[], change: Partial<Letter>): Promise<Letter> {
  const letter = await read(stub, id)
  if (!from.includes(letter.status)) throw new Error(`letter ${id} is ${letter.status}, not ${from.join(' or ')}`)
  const next = { ...letter, ...change }
  await put(stub, letterKey(stub, id), next)
  return next
}

function read(stub: ChaincodeStub, id: string): Promise<Letter> {
  return get<Letter>(stub, letterKey(stub, id), `letter ${id}`)
}

async function get<T>(stub: ChaincodeStub, key: string, what: string): Promise<T> {
  const value = await stub.getState(key)
  if (value.length === 0) throw new Error(`there is no ${what}`)
  return JSON.parse(text(value)) as T
}

function put(stub: ChaincodeStub, key: string, value: object): Promise<void> {
  return Promise.resolve(stub.putState(key, Buffer.from(JSON.stringify(value))))
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const letterKey = (stub: ChaincodeStub, id: string): string => stub.createCompositeKey('letter', [id])
const billKey = (stub: ChaincodeStub, id: string): string => stub.createCompositeKey('bill', [id])
const accountKey = (stub: ChaincodeStub, bank: string): string => stub.createCompositeKey('account', [bank])

function wholeNumber(value: string, what: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number <= 0) throw new Error(`${what} must be a whole number above 0, not '${value}'`)
  return number
}
