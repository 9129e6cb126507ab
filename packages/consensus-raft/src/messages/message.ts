import type { Message } from '../core/types.ts'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'
import { readRaftMessage, sizeOfMessage, writeRaftMessage } from './raft-message.ts'

/** An envelope that a follower hands to the leader. */
export interface ForwardedEnvelope {
  readonly bytes: Uint8Array
  readonly isConfig: boolean
  /** Sequence of the configuration under which it was checked. */
  readonly configSequence: number
}

/** Envelopes for the leader of a term, numbered without gaps within a session: what comes twice is taken once. */
export interface Forward {
  readonly kind: 'forward'
  /** Of the leader that they are for; another one's are dropped. */
  readonly term: number
  readonly session: number
  /** Number of the first envelope, from 1. */
  readonly first: number
  /** Refusals that were heard of, from the start of the session. */
  readonly heard: number
  readonly envelopes: readonly ForwardedEnvelope[]
}

/** The leader will not order an envelope. */
export interface Refused {
  readonly number: number
  readonly code: string
  readonly message: string
}

/** The leader's answer to a {@link Forward}. */
export interface Taken {
  readonly kind: 'taken'
  readonly term: number
  readonly session: number
  /** All up to this number were taken. */
  readonly upTo: number
  /** Send again what follows `upTo`: some of it was lost, or there is room again. */
  readonly again: boolean
  /** Number of the first of `refused` among all refusals of the session, from 0. */
  readonly firstRefused: number
  readonly refused: readonly Refused[]
}

/** How far is your chain? Asked by who is no consenter, or hears from no leader. */
export interface HeightRequest {
  readonly kind: 'height-request'
}

/** Durable blocks of the sender. */
export interface HeightAnswer {
  readonly kind: 'height'
  readonly height: number
}

/** What goes between the ordering nodes of a channel. */
export type WireMessage = { readonly kind: 'raft'; readonly message: Message } | Forward | Taken | HeightRequest | HeightAnswer

/** Why a message was not even read. */
export type BadMessage = 'malformed' | 'oversized' | 'unknown-version' | 'foreign-channel'

const VERSION = 1
const KINDS: readonly WireMessage['kind'][] = ['raft', 'forward', 'taken', 'height-request', 'height']
/** Bytes of the genesis block's hash that stand in every message: two networks that share names must not hear each other. */
const CLUSTER_BYTES = 16
const MAX_CODE = 64
const MAX_TEXT = 4096

export function encodeMessage(genesisHash: Uint8Array, message: WireMessage): Uint8Array {
  const size =
    message.kind === 'raft' ? sizeOfMessage(message.message) : message.kind === 'forward' ? sizeOfForward(message) : 256
  const into = new ByteWriter(size + CLUSTER_BYTES)
  into.u8(VERSION).raw(genesisHash.subarray(0, CLUSTER_BYTES)).u8(KINDS.indexOf(message.kind))
  if (message.kind === 'raft') writeRaftMessage(into, message.message)
  else if (message.kind === 'forward') writeForward(into, message)
  else if (message.kind === 'taken') writeTaken(into, message)
  else if (message.kind === 'height') into.varint(message.height)
  return into.done()
}

/** Never throws. @param limit largest message that is read, bytes */
export function decodeMessage(genesisHash: Uint8Array, bytes: Uint8Array, limit: number): WireMessage | BadMessage {
  if (bytes.length > limit) return 'oversized'
  try {
    const reader = new ByteReader(bytes)
    if (reader.u8() !== VERSION) return 'unknown-version'
    if (Buffer.compare(reader.raw(CLUSTER_BYTES), genesisHash.subarray(0, CLUSTER_BYTES)) !== 0) return 'foreign-channel'
    const message = read(KINDS[reader.u8()], reader)
    reader.end()
    return message
  } catch (error) {
    if (error instanceof MalformedError) return 'malformed'
    throw error
  }
}

function read(kind: WireMessage['kind'] | undefined, reader: ByteReader): WireMessage {
  switch (kind) {
    case 'raft':
      return { kind, message: readRaftMessage(reader) }
    case 'forward':
      return readForward(reader)
    case 'taken':
      return readTaken(reader)
    case 'height-request':
      return { kind }
    case 'height':
      return { kind, height: reader.varint() }
    default:
      throw new MalformedError('no such kind of message')
  }
}

function sizeOfForward({ envelopes }: Forward): number {
  let size = 64
  for (const { bytes } of envelopes) size += bytes.length + 16
  return size
}

function writeForward(into: ByteWriter, { term, session, first, heard, envelopes }: Forward): void {
  into.varint(term).varint(session).varint(first).varint(heard).varint(envelopes.length)
  for (const { bytes, isConfig, configSequence } of envelopes)
    into
      .u8(isConfig ? 1 : 0)
      .varint(configSequence)
      .bytes(bytes)
}

function readForward(reader: ByteReader): Forward {
  const [term, session, first, heard] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()]
  const envelopes = Array.from({ length: reader.count() }, () => {
    const flag = reader.u8()
    if (flag > 1) throw new MalformedError('no such flag')
    return { isConfig: flag === 1, configSequence: reader.varint(), bytes: reader.bytes() }
  })
  return { kind: 'forward', term, session, first, heard, envelopes }
}

function writeTaken(into: ByteWriter, { term, session, upTo, again, firstRefused, refused }: Taken): void {
  into
    .varint(term)
    .varint(session)
    .varint(upTo)
    .u8(again ? 1 : 0)
    .varint(firstRefused)
    .varint(refused.length)
  for (const { number, code, message } of refused) into.varint(number).text(code).text(cut(message))
}

function readTaken(reader: ByteReader): Taken {
  const [term, session, upTo, flag, firstRefused] = [
    reader.varint(),
    reader.varint(),
    reader.varint(),
    reader.u8(),
    reader.varint(),
  ]
  if (flag > 1) throw new MalformedError('no such flag')
  const refused = Array.from({ length: reader.count() }, () => ({
    number: reader.varint(),
    code: reader.text(MAX_CODE),
    message: reader.text(MAX_TEXT),
  }))
  return { kind: 'taken', term, session, upTo, again: flag === 1, firstRefused, refused }
}

const cut = (text: string): string => (text.length > MAX_TEXT / 4 ? text.slice(0, MAX_TEXT / 4) : text)
