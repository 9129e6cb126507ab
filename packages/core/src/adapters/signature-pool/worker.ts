// A thread of the signature pool: claims jobs from the ring until it is told to stop. It has no event loop while it works.
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { CryptoProvider, PrivateKey, PublicKey } from '../../ports/crypto-provider.ts'
import { cryptoProviders } from '../crypto/providers.ts'
import * as ring from './ring.ts'

/** Completions after which the main thread is woken even though there is more to do. */
const WAKE_EVERY = 64
/** Public keys remembered; when full, all are forgotten. */
const MAX_KEYS = 8192
/** Looks at an empty ring before going to sleep; waking up costs more than some waiting. */
const SPINS = 200
/** Milliseconds of sleep after which STOP is looked at again. */
const NAP = 1000

const data = workerData as ring.ThreadData
const memory = ring.viewBuffers(data.buffers)
const { control, slots, bytes, busy } = memory
const owner = ring.State.THREAD + data.thread
const busyAt = ring.busyIndex(data.thread)
const publicKeys = new Map<number, PublicKey>()
const privateKeys = new Map<number, PrivateKey>()
const keyPort: MessagePort = data.keys

function publicKey(provider: CryptoProvider, id: number, offset: number): PublicKey {
  let key = publicKeys.get(id)
  if (key === undefined) {
    if (publicKeys.size >= MAX_KEYS) publicKeys.clear()
    key = provider.importPublicKey(bytes.slice(offset + ring.KEY_AT, offset + ring.KEY_AT + ring.KEY_LENGTH))
    publicKeys.set(id, key)
  }
  return key
}

function privateKey(id: number): PrivateKey | undefined {
  for (let key = privateKeys.get(id); ; key = privateKeys.get(id)) {
    if (key !== undefined) return key
    const received = receiveMessageOnPort(keyPort) as { message: ring.KeyMessage } | undefined
    if (received === undefined) return undefined
    const { id: arrived, provider, pkcs8 } = received.message
    privateKeys.set(arrived, cryptoProviders[provider]!.importPrivateKey(pkcs8))
  }
}

/** Does the job of a slot and returns the state that tells the outcome. */
function run(slot: number): number {
  const at = slot * ring.SLOT_FIELDS
  const offset = slots[at + ring.Field.OFFSET]!
  const provider = cryptoProviders[slots[at + ring.Field.PROVIDER]!]!
  const id = slots[at + ring.Field.KEY]!
  const messageAt = offset + ring.MESSAGE_AT
  const message = bytes.subarray(messageAt, messageAt + slots[at + ring.Field.LENGTH]!)
  const signatureAt = offset + ring.SIGNATURE_AT
  if (slots[at + ring.Field.KIND] === ring.SIGN) {
    const key = privateKey(id)
    if (key === undefined) return ring.State.HANDED_BACK
    const start = performance.now()
    const signature = provider.sign(key, message)
    busy[busyAt] = busy[busyAt]! + (performance.now() - start) * 1e6
    bytes.set(signature, signatureAt)
    slots[at + ring.Field.SIGNATURE_LENGTH] = signature.length
    return ring.State.GOOD
  }
  const signature = bytes.subarray(signatureAt, signatureAt + slots[at + ring.Field.SIGNATURE_LENGTH]!)
  const key = publicKey(provider, id, offset)
  const start = performance.now()
  const verdict = provider.verify(key, message, signature)
  busy[busyAt] = busy[busyAt]! + (performance.now() - start) * 1e6
  return verdict ? ring.State.GOOD : ring.State.BAD
}

function wakeMain(): void {
  Atomics.add(control, ring.WAKE, 1)
  Atomics.notify(control, ring.WAKE)
}

let unannounced = 0
let spins = 0
while (Atomics.load(control, ring.STOP) === 0) {
  const tail = Atomics.load(control, ring.TAIL)
  const slot = ring.claim(memory, owner)
  if (slot >= 0) {
    let outcome: number
    try {
      outcome = run(slot)
    } catch {
      outcome = ring.State.HANDED_BACK
    }
    Atomics.store(slots, slot * ring.SLOT_FIELDS + ring.Field.STATE, outcome)
    spins = 0
    if (++unannounced >= WAKE_EVERY) {
      unannounced = 0
      wakeMain()
    }
    continue
  }
  if (unannounced > 0) {
    unannounced = 0
    wakeMain()
  }
  if (spins++ < SPINS) continue
  Atomics.add(control, ring.SLEEPERS, 1)
  Atomics.wait(control, ring.TAIL, tail, NAP)
  Atomics.sub(control, ring.SLEEPERS, 1)
}
keyPort.close()
