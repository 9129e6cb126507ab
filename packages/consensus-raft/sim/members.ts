import { type Config, ConsensusType, EtcdRaftConfigMetadata, SerializedIdentity } from '@heddle/core/model'
import { readEtcdraftMetadata } from '@heddle/core/plugin'
import { setConsensusMetadata } from '@heddle/core/testing'
import type { Draw, SimNode, World } from '@heddle/testkit/simulator'

interface Status {
  readonly role: string
  readonly term: number
  readonly node: number
  readonly leaderNode: string | null
  readonly members: readonly { readonly id: number; readonly host: string; readonly votes: boolean }[]
}

/** What a node says of itself. */
export function statusOf(node: SimNode): Status | undefined {
  return node.host === undefined ? undefined : (node.host.status().consensus as unknown as Status)
}

/** Changes who orders while the load goes on, and puts nodes back that lost their disk: out of the channel, and in again under a new id. */
export class Members {
  readonly #world: World
  readonly #draw: Draw
  /** A change is under way: no other begins, and no disk may be lost. */
  #busy = false
  #absent: SimNode | undefined

  constructor(world: World) {
    this.#world = world
    this.#draw = world.draw.fork('members')
  }

  get settled(): boolean {
    return !this.#busy && this.#isWhole()
  }

  /** Every node votes, as the leader sees it. */
  mayLoseDisk(): boolean {
    return !this.#busy && this.#isWhole()
  }

  act(action: string, number: number): void {
    const { nodes } = this.#world
    if (this.#busy || nodes.length < 3 || nodes.some((node) => node.impaired || node.state === 'broken') || !this.#isWhole())
      return
    const node = nodes[number % nodes.length]!
    if (action === 'membership') this.#leaveAndReturn(node)
    else this.#rotate(node)
  }

  /** As the plugin's documentation says of a node whose disk was lost. */
  restore(node: SimNode): void {
    this.#busy = true
    // Somebody may start it before, unaware that it has forgotten what it promised.
    if (this.#draw.chance(0.5)) node.start()
    this.#untilDone(
      () => this.#without(node),
      () =>
        this.#untilDone(
          () => this.#with(node),
          () => {
            this.#busy = false
            this.#world.count('membership changes', 2)
            node.start()
          },
        ),
    )
  }

  #leaveAndReturn(node: SimNode): void {
    this.#busy = true
    this.#absent = node
    this.#world.trace.tell('administrator', `removes ${node.name}`)
    this.#untilDone(
      () => this.#without(node),
      () => {
        this.#world.count('membership changes')
        const pause = this.#world.healed ? 0 : this.#draw.magnitude(100, 30_000)
        this.#world.scheduler.after(pause, undefined, () => {
          this.#world.trace.tell('administrator', `adds ${node.name}`)
          this.#untilDone(
            () => this.#with(node),
            () => {
              this.#world.count('membership changes')
              this.#absent = undefined
              this.#busy = false
            },
          )
        })
      },
    )
  }

  /** A new certificate: the configuration first, then the node starts again with it. */
  #rotate(node: SimNode): void {
    this.#busy = true
    this.#world.trace.tell('administrator', `gives ${node.name} a new certificate`)
    const [old, next] = [certificate(node.identity), certificate(node.nextIdentity)]
    this.#untilDone(
      () => (config) =>
        edited(config, (consenters) =>
          consenters.map((each) =>
            Buffer.compare(each.clientTlsCert, old) === 0 ? { ...each, clientTlsCert: next, serverTlsCert: next } : each,
          ),
        ),
      () => {
        this.#world.count('certificates rotated')
        node.renew()
        this.#busy = false
        if (node.life !== undefined) {
          node.end(false)
          node.start()
        }
      },
    )
  }

  #without(node: SimNode): (config: Config) => Config | undefined {
    const own = certificate(node.identity)
    return (config) =>
      edited(config, (consenters) => consenters.filter(({ clientTlsCert }) => Buffer.compare(clientTlsCert, own) !== 0))
  }

  #with(node: SimNode): (config: Config) => Config | undefined {
    const own = certificate(node.identity)
    const consenter = { host: node.name, port: 7050, clientTlsCert: own, serverTlsCert: own }
    return (config) =>
      edited(config, (consenters) =>
        consenters.some(({ clientTlsCert }) => Buffer.compare(clientTlsCert, own) === 0)
          ? consenters
          : [...consenters, consenter],
      )
  }

  /** Asks again until the configuration is as it shall be. */
  #untilDone(edit: () => (config: Config) => Config | undefined, then: () => void): void {
    const { administrator, scheduler } = this.#world
    let unchanged = false
    const change = edit()
    administrator.change(
      (config) => {
        const next = change(config)
        // A node that lags behind says nothing about what is in force.
        unchanged = next === undefined && config.sequence === this.#world.checker.sequence
        return next
      },
      (ordered) => {
        if (ordered || unchanged) then()
        else scheduler.after(this.#draw.between(500, 3_000), undefined, () => this.#untilDone(edit, then))
      },
    )
  }

  #isWhole(): boolean {
    const { nodes } = this.#world
    if (this.#absent !== undefined) return false
    return nodes.some((node) => {
      const status = statusOf(node)
      return status?.role === 'leader' && status.members.length === nodes.length && status.members.every(({ votes }) => votes)
    })
  }
}

type Consenters = ReturnType<typeof readEtcdraftMetadata>['consenters']

/** Undefined when nothing changes. */
function edited(config: Config, edit: (consenters: Consenters) => Consenters): Config | undefined {
  const metadata = readEtcdraftMetadata(metadataIn(config))
  const consenters = edit(metadata.consenters)
  const before = EtcdRaftConfigMetadata.encode(metadata)
  const after = EtcdRaftConfigMetadata.encode({ ...metadata, consenters })
  return Buffer.compare(before, after) === 0 ? undefined : setConsensusMetadata(config, after)
}

function metadataIn(config: Config): Uint8Array {
  const value = config.channelGroup?.groups.get('Orderer')?.values.get('ConsensusType')?.value
  if (value === undefined) throw new TypeError('the configuration has no consensus type')
  return ConsensusType.decode(value).metadata
}

function certificate(identity: Uint8Array): Uint8Array {
  return SerializedIdentity.decode(identity).idBytes
}
