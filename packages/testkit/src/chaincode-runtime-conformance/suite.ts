import { registerSuite, type Skip, type TestApi } from '../test-api.ts'
import { answerTests } from './answers.ts'
import { Bench, type ChaincodeRuntimeSubject } from './bench.ts'
import { containmentTests } from './containment.ts'
import { ledgerTests } from './ledger-access.ts'

export type { ChaincodeRuntimeSubject } from './bench.ts'

/** How the suite gets its runtimes. */
export interface ChaincodeRuntimeSuite {
  readonly name: string
  /** As the plugin declares. An isolated runtime survives endless loops, exits and errors outside invocations. */
  readonly isolated: boolean
  /** A runtime that is not yet started. */
  create(): Promise<ChaincodeRuntimeSubject> | ChaincodeRuntimeSubject
  /** Milliseconds after which an answer that does not come counts as lost. Default 15,000. */
  readonly patience?: number
  readonly skips?: readonly Skip[]
}

/** Rules that only an isolated runtime can keep. */
const ONLY_ISOLATED = /^isolated: /

/** Conformance of a chaincode runtime: answers, bad answers and none at all, ledger access, concurrency, loading and stopping. */
export function chaincodeRuntimeConformance(api: TestApi, suite: ChaincodeRuntimeSuite): void {
  const tests = { ...answerTests, ...ledgerTests, ...containmentTests }
  const skips = [...(suite.skips ?? [])]
  if (!suite.isolated) {
    for (const test of Object.keys(tests).filter((name) => ONLY_ISOLATED.test(name)))
      skips.push({ test, reason: 'it declares that it is not isolated' })
  }
  const create = async (): Promise<Bench> => Bench.open(await suite.create(), suite.patience ?? 15_000)
  registerSuite(api, `ChaincodeRuntime: ${suite.name}`, create, (bench) => bench.dispose(), tests, skips)
}
