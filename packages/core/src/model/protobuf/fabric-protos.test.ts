import { createRequire } from 'node:module'
import * as protos from '@hyperledger/fabric-protos'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as model from '../index.ts'
import { arbitraryValue } from './arbitrary-message.fixture.ts'
import type { Field } from './field.ts'
import type { MessageType } from './message.ts'

// google-protobuf's well-known types come without type declarations.
const wellKnown = (name: string): object => createRequire(import.meta.url)(`google-protobuf/google/protobuf/${name}_pb.js`)

type Type = MessageType<Record<string, unknown>>
type JsMessage = Record<string, (...args: unknown[]) => unknown> & { serializeBinary(): Uint8Array }
type JsClass = { new (): JsMessage; deserializeBinary(bytes: Uint8Array): JsMessage }

const declared: Type[] = Object.values(model as Record<string, unknown>).filter(
  (each): each is Type => typeof each === 'object' && each !== null && 'decode' in each && 'fields' in each,
)

/** Fabric's folders, which decide where a package's classes are, differ from the packages here and there. */
const places: Record<string, object> = {
  common: { ...protos.msp, ...protos.common },
  protos: protos.peer,
  lifecycle: protos.peer.lifecycle,
  msp: protos.msp,
  orderer: protos.orderer,
  etcdraft: protos.orderer.etcdraft,
  rwset: protos.ledger.rwset,
  kvrwset: protos.ledger.rwset.kvrwset,
  queryresult: protos.ledger.queryresult,
  gateway: protos.gateway,
  google: { protobuf: { ...wellKnown('timestamp'), ...wellKnown('empty'), ...wellKnown('any') }, rpc: protos.google.rpc },
}

function jsClass(type: Type): JsClass | undefined {
  const [place, ...path] = type.name.split('.')
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], places[place!]) as
    | JsClass
    | undefined
}

/**
 * Calls an accessor of a generated class. They differ from our field names in case, and where the name is one of the base class
 * (`getExtension`), by a dollar sign.
 */
function call(message: JsMessage, name: string, ...args: unknown[]): unknown {
  for (let at: object = message; at !== null; at = Object.getPrototypeOf(at)) {
    const names = Object.getOwnPropertyNames(at)
    const found = [`${name}$`, name]
      .map((wanted) => names.find((each) => each.toLowerCase() === wanted.toLowerCase()))
      .find(Boolean)
    if (found !== undefined) return message[found]!(...args)
  }
  throw new Error(`fabric-protos has no ${name}`)
}

function toJs(type: Type, value: Record<string, unknown>): JsMessage {
  const message = new (jsClass(type)!)()
  for (const [key, field] of Object.entries(type.fields)) {
    const given = value[key]
    if (given === undefined) continue
    const one = (each: unknown) =>
      field.kind === 'message' ? toJs(field.type!() as Type, each as Record<string, unknown>) : each
    if (field.cardinality === 'map') {
      const map = call(message, `get${key}Map`) as { set(key: string, value: unknown): void }
      for (const [name, each] of given as Map<string, unknown>) map.set(name, one(each))
    } else if (field.cardinality === 'repeated') call(message, `set${key}List`, (given as unknown[]).map(one))
    else call(message, `set${key}`, one(given))
  }
  return message
}

/** What the getters of a generated class say, in the shape that our decoder gives. */
function fromJs(type: Type, message: JsMessage): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(type.fields)) value[key] = getJs(key, field, message)
  return value
}

function getJs(key: string, field: Field<unknown>, message: JsMessage): unknown {
  const one = (each: unknown) => (field.kind === 'message' ? fromJs(field.type!() as Type, each as JsMessage) : each)
  const suffix = field.kind === 'bytes' ? '_asU8' : ''
  if (field.cardinality === 'map') {
    const map = call(message, `get${key}Map`) as { forEach(visit: (value: unknown, name: string) => void): void }
    const result = new Map<string, unknown>()
    map.forEach((each, name) => {
      result.set(name, one(each))
    })
    return result
  }
  if (field.cardinality === 'repeated') return (call(message, `get${key}List${suffix}`) as unknown[]).map(one)
  if ((field.oneof !== undefined || field.kind === 'message') && call(message, `has${key}`) !== true) return undefined
  return one(call(message, `get${key}${suffix}`))
}

/** Messages that fabric-protos does not carry. */
const absent = new Set(
  ['KafkaMessage', 'KafkaMessageRegular', 'KafkaMessageTimeToCut', 'KafkaMessageConnect', 'KafkaMetadata'].map(
    (name) => `orderer.${name}`,
  ),
)

describe('against @hyperledger/fabric-protos', () => {
  it('every declared message but those of Kafka has a counterpart', () => {
    const missing = declared.filter((type) => jsClass(type) === undefined).map(({ name }) => name)
    expect(new Set(missing)).toEqual(absent)
    expect(declared.length).toBeGreaterThan(120)
  })

  for (const type of declared.filter(({ name }) => !absent.has(name))) {
    it(`${type.name}: both encode the same bytes, and each reads the other's`, () => {
      fc.assert(
        fc.property(arbitraryValue(type, { safeIntegers: true, asciiKeys: true }), (value) => {
          const ours = type.encode(value)
          const theirs = toJs(type, value).serializeBinary()
          expect(Buffer.from(ours).equals(theirs)).toBe(true)
          expect(type.decode(theirs)).toEqual(type.create(value))
          expect(fromJs(type, jsClass(type)!.deserializeBinary(ours))).toEqual(type.create(value))
        }),
        { numRuns: 40 },
      )
    })
  }
})

describe('codec', () => {
  for (const type of declared) {
    it(`${type.name}: decodes what it encodes, 64-bit integers and any text included`, () => {
      fc.assert(
        fc.property(arbitraryValue(type, { safeIntegers: false, asciiKeys: false }), (value) => {
          const bytes = type.encode(value)
          const decoded = type.decode(bytes)
          expect(decoded).toEqual(type.create(value))
          expect(type.encode(decoded as never)).toEqual(bytes)
        }),
        { numRuns: 15 },
      )
    })
  }
})
