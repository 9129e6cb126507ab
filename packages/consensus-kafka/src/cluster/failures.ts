import { LogError } from '@heddle/core/plugin'
import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'

/** Kafka's own codes that mean something here. */
export const Code = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  MESSAGE_TOO_LARGE: 10,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_REPLICATION_FACTOR: 38,
  UNKNOWN_TOPIC_ID: 100,
} as const

/** Codes with which a leader answers before it has appended anything. All others may come after it has: a leader that is replaced says so then. */
const NOTHING_APPENDED = new Set<number>([
  2, // CORRUPT_MESSAGE
  Code.NOT_ENOUGH_REPLICAS,
  Code.TOPIC_AUTHORIZATION_FAILED,
  Code.CLUSTER_AUTHORIZATION_FAILED,
])

/** A broker's error code in words. */
export function nameOf(code: number): string {
  const known = protocolErrors[protocolErrorsCodesById[code] ?? '']
  return known === undefined ? `error ${code}` : `${known.id}: ${known.message}`
}

interface ClientError extends Error {
  readonly code?: unknown
  readonly apiCode?: unknown
  readonly serverErrorMessage?: string | null
  readonly errors?: readonly unknown[]
}

/** A broker's answer that is an error. */
export class AnswerError extends Error {
  readonly apiCode: number

  constructor(code: number, details: string | undefined) {
    super(details === undefined ? nameOf(code) : `${nameOf(code)} ${details}`)
    this.apiCode = code
  }
}

/** Kafka's error code in an error of the client, however deep it stands. */
export function codeOf(error: unknown): number | undefined {
  const { apiCode, errors, cause } = (error ?? {}) as ClientError
  if (typeof apiCode === 'number') return apiCode
  for (const inner of [...(errors ?? []), cause]) {
    const code = inner === undefined ? undefined : codeOf(inner)
    if (code !== undefined) return code
  }
  return undefined
}

/** What an error of the client says, with what is behind it. */
export function wordsOf(error: unknown): string {
  const { message, serverErrorMessage, errors, cause } = (error ?? {}) as ClientError
  if (typeof serverErrorMessage === 'string') return serverErrorMessage
  const inner = [...(errors ?? []), cause].filter((each) => each !== undefined)
  return [message ?? String(error), ...inner.map(wordsOf)]
    .filter((each, i, all) => each !== '' && all.indexOf(each) === i)
    .join(': ')
}

/** Whether the brokers refuse who we are or how we speak: another broker or a later try will say the same. */
export function isRefusal(error: unknown): boolean {
  const { code, errors, cause, message } = (error ?? {}) as ClientError
  if (code === 'PLT_KFK_AUTHENTICATION' || message === 'Broker requires TLS.') return true
  if (typeof code === 'string' && /^(CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL)/.test(code)) return true
  return [...(errors ?? []), cause].some((inner) => inner !== undefined && isRefusal(inner))
}

/** Of an append: what the caller may do depends on whether the leader can have appended it. */
export function appendError(cause: unknown, sent: boolean): LogError {
  if (cause instanceof LogError) return cause as LogError
  const code = codeOf(cause)
  const why = wordsOf(cause)
  if (code === Code.MESSAGE_TOO_LARGE || code === Code.RECORD_LIST_TOO_LARGE) {
    return new LogError('LOG_RECORD_TOO_LARGE', `the topic takes no record of this size: ${why}`, {}, { cause })
  }
  if (!sent || (code !== undefined && NOTHING_APPENDED.has(code))) {
    return new LogError('LOG_UNAVAILABLE', `the brokers appended nothing: ${why}`, {}, { cause })
  }
  return new LogError('LOG_OUTCOME_UNKNOWN', `the brokers did not confirm the append: ${why}`, {}, { cause })
}

/** Of a start that ran out of time, or that no time will help. */
export function startError(cause: unknown, brokers: readonly string[]): Error {
  if (cause instanceof KafkaError) return cause
  const code = codeOf(cause)
  const data = { brokers }
  const denied = isRefusal(cause) || code === Code.TOPIC_AUTHORIZATION_FAILED || code === Code.CLUSTER_AUTHORIZATION_FAILED
  return new KafkaError(denied ? 'KAFKA_ACCESS_DENIED' : 'KAFKA_UNREACHABLE', `${brokers.join(', ')}: ${wordsOf(cause)}`, data, {
    cause,
  })
}
