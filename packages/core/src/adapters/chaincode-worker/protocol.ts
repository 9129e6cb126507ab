import type { ChaincodeResponse, Invocation, LedgerAccess } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'

/** What crosses between the host and a worker. Plain data; every message is a tuple, which is the cheapest to clone. */

/** One request of a chaincode to the ledger: its number, or 0 when no answer is wanted; the method; its arguments. */
export type Operation = readonly [number: number, method: keyof LedgerAccess, ...args: readonly unknown[]]

/** An answer: number of the operation, whether it succeeded, the value or the error. */
export type Answer = readonly [number: number, ok: boolean, value: unknown]

export type ToWorker =
  | readonly ['invoke', id: number, invocation: Invocation]
  | readonly ['answers', id: number, answers: readonly Answer[]]
  | readonly ['ping']

export type FromWorker =
  | readonly ['ready']
  | readonly ['failed', error: PlainError]
  | readonly ['operations', id: number, operations: readonly Operation[]]
  | readonly [
      'done',
      id: number,
      operations: readonly Operation[],
      response: ChaincodeResponse | undefined,
      error: PlainError | undefined,
    ]
  | readonly ['pong']

/** What a worker is started with. */
export interface WorkerSetup {
  readonly name: string
  readonly url: string
  readonly export: string | undefined
  readonly mspId: string
}

export interface PlainError {
  readonly code: string | undefined
  readonly message: string
  readonly data: Readonly<Record<string, unknown>> | undefined
}

export function plainError(error: unknown): PlainError {
  if (error instanceof ChaincodeError) return { code: error.code, message: error.message, data: error.data }
  const message = error instanceof Error ? error.message : String(error)
  return { code: undefined, message, data: undefined }
}

export function restoredError({ code, message, data }: PlainError): Error {
  if (code === undefined) return new Error(message)
  return new ChaincodeError(code as ChaincodeError['code'], message, data)
}

/** Bytes alone in their buffer: cloning a view would clone all that it is a view of. */
export function compact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength && bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes)
}
