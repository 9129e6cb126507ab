import { SerializedIdentity } from '@heddle/core/model'
import type {
  ChaincodeInstance,
  ChaincodeResponse,
  ChaincodeRuntime,
  ChaincodeSource,
  Invocation,
  LedgerAccess,
} from '@heddle/core/plugin'
import { within } from '../patience.ts'
import { FakeLedger } from './fake-ledger.ts'

/** A chaincode runtime under test. */
export interface ChaincodeRuntimeSubject {
  readonly runtime: ChaincodeRuntime
  /** The specimen for a runtime that does not take modules of JavaScript: by default the testkit's module `specimen`. */
  source?(exported?: string): ChaincodeSource
  dispose(): Promise<void>
}

const text = new TextEncoder()

/** URL of the specimen chaincode, in whatever form this package runs. */
export const specimenUrl = (): string =>
  new URL(import.meta.url.endsWith('.ts') ? './specimen.ts' : './specimen.js', import.meta.url).href

/** An invocation with the given arguments. */
export function invocation(args: readonly (string | Uint8Array)[], given: Partial<Invocation> = {}): Invocation {
  return {
    channelId: 'trade',
    txId: 'tx1',
    chaincode: 'specimen',
    args: args.map((arg) => (typeof arg === 'string' ? text.encode(arg) : arg)),
    isInit: false,
    creator: SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: Uint8Array.of(1, 2, 3) }),
    nonce: new Uint8Array(24).fill(1),
    transient: new Map(),
    timestamp: { seconds: 1_893_456_000, nanos: 7 },
    signedProposal: new Uint8Array(0),
    decorations: new Map(),
    ...given,
  }
}

/** A started runtime with what tests ask of it. */
export class Bench {
  readonly runtime: ChaincodeRuntime
  readonly source: (exported?: string) => ChaincodeSource
  readonly patience: number
  readonly #dispose: () => Promise<void>

  private constructor(subject: ChaincodeRuntimeSubject, patience: number) {
    this.runtime = subject.runtime
    this.patience = patience
    this.source = (exported) =>
      subject.source?.(exported) ?? {
        kind: 'module',
        url: specimenUrl(),
        ...(exported === undefined ? {} : { export: exported }),
      }
    this.#dispose = () => subject.dispose()
  }

  static async open(subject: ChaincodeRuntimeSubject, patience: number): Promise<Bench> {
    const bench = new Bench(subject, patience)
    await bench.settled(subject.runtime.start(), 'the start of the runtime')
    return bench
  }

  load(name = 'specimen'): Promise<ChaincodeInstance> {
    return this.settled(this.runtime.load(name, this.source()), 'the loaded chaincode')
  }

  /** Runs one invocation and waits for it. */
  invoke(
    instance: ChaincodeInstance,
    args: readonly (string | Uint8Array)[],
    ledger: LedgerAccess = new FakeLedger(),
    given: Partial<Invocation> = {},
  ): Promise<ChaincodeResponse> {
    // Inside an async function a synchronous throw is a rejection too, as it is for the endorser.
    const answer = (async () => instance.invoke(invocation(args, given), ledger, new AbortController().signal))()
    return this.settled(answer, `the answer to ${args[0]}`)
  }

  /** Starts an invocation that may never answer, and waits until the chaincode is at it. */
  async begin(instance: ChaincodeInstance, habit: string): Promise<{ abort: AbortController; outcome: Promise<unknown> }> {
    const abort = new AbortController()
    const ledger = new FakeLedger()
    const started = new Promise<void>((resolve) => {
      ledger.onGet = () => {
        resolve()
        return undefined
      }
    })
    const outcome = (async () => instance.invoke(invocation([habit]), ledger, abort.signal))().then(
      (response) => ({ response }),
      (error: unknown) => ({ error }),
    )
    await this.settled(started, `the start of ${habit}`)
    return { abort, outcome }
  }

  settled<T>(promise: Promise<T>, what: string): Promise<T> {
    return within(this.patience, promise, what)
  }

  dispose(): Promise<void> {
    return this.#dispose()
  }
}
