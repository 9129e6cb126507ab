import type { Clock } from '../ports/clock.ts'
import { Deadlines } from '../ports/deadlines.ts'
import type { Awaitable } from '../ports/lifecycle.ts'
import type { Random } from '../ports/random.ts'
import type { GatewayConnection } from './connection.ts'
import { GatewayError } from './errors.ts'
import type { ClientIdentity, StepTimeouts } from './options.ts'

const NONCE_LENGTH = 24
const NONCES_DRAWN_AT_ONCE = 128

/** What the steps of a gateway share. */
export class GatewayContext {
  readonly connection: GatewayConnection
  readonly identity: ClientIdentity
  readonly clock: Clock
  readonly deadlines: Readonly<Record<keyof StepTimeouts, Deadlines>>
  /** Ends when the gateway closes. */
  readonly closed = new AbortController()
  private readonly random: Random
  private nonces: Uint8Array = new Uint8Array(0)
  private nonceAt = 0

  constructor(connection: GatewayConnection, identity: ClientIdentity, timeouts: StepTimeouts, clock: Clock, random: Random) {
    this.connection = connection
    this.identity = identity
    this.clock = clock
    this.random = random
    this.deadlines = {
      evaluate: new Deadlines(clock, timeouts.evaluate),
      endorse: new Deadlines(clock, timeouts.endorse),
      submit: new Deadlines(clock, timeouts.submit),
      commitStatus: new Deadlines(clock, timeouts.commitStatus),
    }
  }

  /** 24 random bytes, cut from a larger draw: a draw costs more than its bytes. */
  nonce(): Uint8Array {
    if (this.nonceAt === this.nonces.length) {
      this.nonces = this.random.bytes(NONCE_LENGTH * NONCES_DRAWN_AT_ONCE)
      this.nonceAt = 0
    }
    const from = this.nonceAt
    this.nonceAt += NONCE_LENGTH
    return this.nonces.subarray(from, this.nonceAt)
  }

  sign(message: Uint8Array): Awaitable<Uint8Array> {
    const { signer } = this.identity
    if (signer === undefined)
      throw new GatewayError(
        'GATEWAY_NO_SIGNER',
        `the identity of ${this.identity.mspId} has no signer: sign the digest and use withSignature()`,
      )
    return signer.sign(message)
  }

  checkOpen(): void {
    if (this.closed.signal.aborted) throw new GatewayError('GATEWAY_CLOSED', 'the gateway is closed')
  }
}
