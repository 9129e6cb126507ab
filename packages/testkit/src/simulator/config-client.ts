import { type Config, ConfigEnvelope, ConfigUpdate, Envelope, EnvelopeView } from '@heddle/core/model'
import { HeddleError } from '@heddle/core/plugin'
import { computeConfigUpdate, configUpdateEnvelope, signConfigUpdate } from '@heddle/core/testing'
import { keyedHashSigner } from '../ordering-conformance/keyed-hash-identity.ts'
import type { Draw } from './draw.ts'
import type { SimNode } from './sim-node.ts'
import { CHANNEL } from './terms.ts'
import type { World } from './world.ts'

/** Attempts after which an administrator gives up. */
const MOST_ATTEMPTS = 30

/** The administrator of the channel: changes its configuration while everything goes on. */
export class ConfigClient {
  /** Config updates whose outcome is open. */
  open = 0
  readonly #world: World
  readonly #draw: Draw
  readonly #admin = keyedHashSigner('OrdererMSP', 'admin', 'one')
  readonly #sent = new Set<string>()

  constructor(world: World) {
    this.#world = world
    this.#draw = world.draw.fork('administrator')
  }

  /** Whether a config block carries an update of this client. */
  isMine(envelope: Uint8Array): boolean {
    const { lastUpdate } = ConfigEnvelope.decode(new EnvelopeView(envelope).data)
    return lastUpdate !== undefined && this.#sent.has(key(Envelope.encode(lastUpdate)))
  }

  /**
   * Changes the configuration as it is on some node then; tries again until it is ordered, or refused because another change was faster.
   *
   * @param done hears whether it was ordered
   */
  change(edit: (config: Config) => Config | undefined, done: (ordered: boolean) => void = () => {}): void {
    this.open++
    this.#compute(edit, 0, (ordered) => {
      this.open--
      done(ordered)
    })
  }

  #compute(edit: (config: Config) => Config | undefined, attempt: number, done: (ordered: boolean) => void): void {
    const node = this.#someNode()
    if (attempt >= MOST_ATTEMPTS) done(false)
    else if (node === undefined) this.#pause(() => this.#compute(edit, attempt + 1, done))
    else {
      const { config } = node.host!.config
      const next = edit(config)
      if (next === undefined) {
        done(false)
        return
      }
      this.#sign(config, next).then(
        (bytes) => this.#send(bytes, node, edit, attempt, false, done),
        // No difference: there is nothing to ask for.
        () => done(false),
      )
    }
  }

  async #sign(config: Config, next: Config): Promise<Uint8Array> {
    const nonce = this.#draw.bytes(24)
    const update = ConfigUpdate.encode(computeConfigUpdate(CHANNEL, config, next))
    const bytes = await configUpdateEnvelope(update, [await signConfigUpdate(update, this.#admin, nonce)], this.#admin, {
      timestamp: 0,
      nonce,
    })
    this.#sent.add(key(bytes))
    return bytes
  }

  #send(
    bytes: Uint8Array,
    node: SimNode,
    edit: (config: Config) => Config | undefined,
    attempt: number,
    unknown: boolean,
    done: (ordered: boolean) => void,
  ): void {
    const world = this.#world
    const { life, host } = node
    if (life === undefined || host === undefined) {
      this.#resend(bytes, edit, attempt, unknown, done)
      return
    }
    let answered = false
    const answer = (act: () => void): void => {
      if (answered || !life.alive) return
      answered = true
      act()
    }
    world.scheduler.after(0.05, life, () => {
      host.broadcast(bytes).then(
        ({ blockNumber }) =>
          answer(() => {
            world.trace.tell(node.name, `acknowledged a config update in block ${blockNumber}`)
            if (world.checker.durable(node.name) <= blockNumber || world.checker.agreed[blockNumber]?.isConfig !== true)
              world.violate('acknowledged is ordered', `${node.name} acknowledged a config update in block ${blockNumber}`)
            done(true)
          }),
        (error: unknown) =>
          answer(() => {
            const { duty = 'none', code = String(error) } =
              error instanceof HeddleError ? (error as { duty: string; code: string }) : {}
            world.trace.tell(node.name, `refused a config update: ${code}`)
            if (duty === 'none') world.violate('typed errors', `${node.name} refused a config update with ${code}`)
            if (duty === 'fix-input') done(false)
            else if (duty === 'retry' && !unknown) this.#pause(() => this.#compute(edit, attempt + 1, done))
            else this.#resend(bytes, edit, attempt, true, done)
          }),
      )
    })
    world.scheduler.after(world.plan.load.patience, undefined, () => {
      if (answered) return
      answered = true
      this.#resend(bytes, edit, attempt, true, done)
    })
  }

  /** The same bytes again: fenced by the sequence, they are ordered once at most. */
  #resend(
    bytes: Uint8Array,
    edit: (config: Config) => Config | undefined,
    attempt: number,
    unknown: boolean,
    done: (ordered: boolean) => void,
  ): void {
    this.#pause(() => {
      const node = this.#someNode()
      if (attempt >= MOST_ATTEMPTS) done(false)
      else if (node === undefined) this.#resend(bytes, edit, attempt + 1, unknown, done)
      else this.#send(bytes, node, edit, attempt + 1, unknown, done)
    })
  }

  #pause(then: () => void): void {
    this.#world.scheduler.after(this.#draw.between(200, 2_000), undefined, then)
  }

  #someNode(): SimNode | undefined {
    const up = this.#world.nodes.filter((node) => node.state === 'up')
    return up.length === 0 ? undefined : this.#draw.pick(up)
  }
}

function key(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
