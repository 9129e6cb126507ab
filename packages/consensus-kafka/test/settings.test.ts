import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HeddleError } from '@heddle/core/plugin'
import { afterAll, describe, expect, it } from 'vitest'
import { AnswerError, appendError, Code } from '../src/cluster/failures.ts'
import { settingsOf } from '../src/cluster/settings.ts'
import { wantedSettings, wrongSettings } from '../src/cluster/topic-settings.ts'
import type { KafkaOptions } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const base = pathToFileURL(`${folder}/`).href

const settings = (options: KafkaOptions) => settingsOf({ brokers: ['broker:9092'], ...options }, 'orderer0', base)
const refusal = (options: KafkaOptions): string => {
  try {
    settings(options)
  } catch (error) {
    expect((error as HeddleError).code).toBe('KAFKA_OPTIONS_WRONG')
    return (error as HeddleError).message
  }
  throw new Error('these options were taken')
}

describe('options', () => {
  it('have safe defaults: three replicas, two of them in sync', () => {
    expect(settings({})).toMatchObject({
      replicationFactor: 3,
      minInsyncReplicas: 2,
      allowSingleBroker: false,
      clientId: 'heddle-orderer0',
    })
  })

  it('that would lose records with one broker, or stop with one, are refused together', () => {
    for (const [replicationFactor, minInsyncReplicas] of [
      [3, 1],
      [3, 3],
      [2, 2],
      [1, 1],
      [2, 1],
    ] as const)
      expect(refusal({ replicationFactor, minInsyncReplicas })).toMatch(/1 < minInsyncReplicas < replicationFactor/)
    expect(settings({ replicationFactor: 5, minInsyncReplicas: 3 })).toMatchObject({ replicationFactor: 5 })
    expect(settings({ allowSingleBroker: true })).toMatchObject({ replicationFactor: 1, minInsyncReplicas: 1 })
    expect(settings({ allowSingleBroker: true, replicationFactor: 3, minInsyncReplicas: 2 })).toMatchObject({
      replicationFactor: 3,
    })
  })

  it('name files relative to the config file, and a file that is missing by name', () => {
    writeFileSync(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n')
    expect(settings({ tls: { ca: 'ca.pem' } }).tls).toEqual({ ca: '-----BEGIN CERTIFICATE-----\n' })
    expect(refusal({ tls: { ca: 'other.pem' } })).toMatch(/tls\.ca: .*other\.pem cannot be read/)
    expect(refusal({ tls: { certificate: 'ca.pem' } })).toMatch(/certificate and tls\.key/)
  })

  it('keep secrets out of the config: from a file or the environment, read anew each time', () => {
    writeFileSync(join(folder, 'password'), 'first\n')
    const { sasl } = settings({ sasl: { mechanism: 'PLAIN', username: 'alice', password: { file: 'password' } } })
    const password = sasl!.password as () => string
    expect(password()).toBe('first')
    writeFileSync(join(folder, 'password'), 'second')
    expect(password()).toBe('second')
    expect(refusal({ sasl: { mechanism: 'PLAIN', username: 'alice', password: { env: 'HEDDLE_NO_SUCH_VARIABLE' } } })).toMatch(
      /HEDDLE_NO_SUCH_VARIABLE/,
    )
    expect(refusal({ sasl: { mechanism: 'SCRAM-SHA-256', username: 'alice' } })).toMatch(/sasl\.password is missing/)
    expect(refusal({ sasl: { mechanism: 'OAUTHBEARER' } })).toMatch(/sasl\.token is missing/)
  })
})

describe('topic settings', () => {
  const good = new Map(Object.entries(wantedSettings(1000, 2)))
  const three = { partitions: 1, replicas: 3 }
  const named = (topic: typeof three, values: ReadonlyMap<string, string | null>, allowSingleBroker = false): string[] =>
    wrongSettings(topic, values, 1000, { allowSingleBroker }).map(({ setting }) => setting)

  it('as they are created are taken', () => {
    expect(named(three, good)).toEqual([])
  })

  it('are each named when wrong or unknown', () => {
    for (const name of good.keys()) {
      expect(named(three, new Map([...good, [name, null]]))).toEqual([name])
      expect(named(three, new Map([...good].filter(([key]) => key !== name)))).toEqual([name])
    }
    expect(named({ partitions: 3, replicas: 3 }, good)).toEqual(['partitions'])
    for (const insync of ['0', '1', '3', '4'])
      expect(named(three, new Map([...good, ['min.insync.replicas', insync]]))).toEqual(['min.insync.replicas'])
    expect(named({ partitions: 1, replicas: 5 }, new Map([...good, ['min.insync.replicas', '4']]))).toEqual([])
  })

  it('of one replica are taken only where that is allowed', () => {
    const single = new Map([...good, ['min.insync.replicas', '1']])
    expect(named({ partitions: 1, replicas: 1 }, single)).toEqual(['replication.factor'])
    expect(named({ partitions: 1, replicas: 1 }, single, true)).toEqual([])
    expect(named({ partitions: 1, replicas: 1 }, good, true)).toEqual(['min.insync.replicas'])
  })
})

describe('a failed append', () => {
  it('is said not to have happened only where the leader answers before it appends', () => {
    const code = (number: number, sent = true): string => appendError(new AnswerError(number, undefined), sent).code
    expect(code(Code.NOT_ENOUGH_REPLICAS)).toBe('LOG_UNAVAILABLE')
    expect(code(Code.MESSAGE_TOO_LARGE)).toBe('LOG_RECORD_TOO_LARGE')
    // NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND come from leaders that have appended already.
    for (const number of [6, 7, 20, 3, 5, 56, -1]) expect(code(number), `${number}`).toBe('LOG_OUTCOME_UNKNOWN')
    expect(appendError(new Error('the connection was closed'), true).code).toBe('LOG_OUTCOME_UNKNOWN')
    expect(appendError(new Error('connection refused'), false).code).toBe('LOG_UNAVAILABLE')
  })
})
