import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetwork, type Network, seededRandom, Tokens, TxValidationCode } from '@heddle/core'
import { DiskError } from '@heddle/core/testing'
import { type FaultyDisk, faultyDisk } from '@heddle/testkit'
import type { Disk, DiskFile } from '../src/ports/disk.ts'
import { asset, BOTH } from './network/asset.fixture.ts'

export const CHANNEL = 'main'
export const ORDERER = 'orderer0.orderer'
export const PEERS = ['peer0.org1', 'peer0.org2']

/** What happens to an operation of a disk. */
export type Fault =
  /** Power fails before the operation, or before it has had any effect. */
  | 'crash'
  /** Power fails when the operation is done, before its caller knows. */
  | 'crash after'
  | 'DISK_FAILED'
  | 'DISK_FULL'
  | 'READ_FAILED'

type Operation = 'open' | 'read' | 'append' | 'datasync' | 'truncate' | 'syncFolder' | 'list'

/** Operations that each fault can befall. */
const BEFALLS: Readonly<Record<Fault, readonly Operation[]>> = {
  crash: ['open', 'append', 'datasync', 'truncate', 'syncFolder'],
  'crash after': ['datasync', 'syncFolder'],
  DISK_FAILED: ['open', 'append', 'datasync', 'truncate', 'syncFolder', 'list'],
  DISK_FULL: ['open', 'append', 'syncFolder'],
  READ_FAILED: ['read'],
}

/** A fault at the n-th operation that it can befall. */
export interface Trap {
  readonly fault: Fault
  readonly at: number
  seen: number
  /** What was hit; undefined until then. */
  hit: string | undefined
}

/**
 * A machine with a faulty disk that is started again and again. Each start sees the disk through a view of its own, which is dead once
 * power has failed: what still runs of the process of before cannot touch the disk any more.
 */
export class Machine {
  readonly disk: FaultyDisk
  private trap: Trap | undefined

  constructor(seed: string, ignoreSync: boolean) {
    this.disk = faultyDisk({ random: seededRandom(seed), ignoreSync })
  }

  arm(fault: Fault, at: number): Trap {
    this.trap = { fault, at, seen: 0, hit: undefined }
    return this.trap
  }

  disarm(): void {
    this.trap = undefined
  }

  boot(): Disk {
    const { disk } = this
    let dead = false
    const off = (): DiskError => new DiskError('DISK_FAILED', 'the machine is off')
    const step = async <T>(operation: Operation, path: string, act: () => T | Promise<T>): Promise<T> => {
      if (dead) throw off()
      const fault = this.springs(operation, path)
      if (fault === undefined) return act()
      if (fault === 'DISK_FULL') throw new DiskError(fault, `injected: ${operation} ${path}`)
      if (fault === 'DISK_FAILED' || fault === 'READ_FAILED') throw new DiskError('DISK_FAILED', `injected: ${operation} ${path}`)
      if (fault === 'crash after') await act()
      dead = true
      disk.crash()
      throw off()
    }
    const view = (path: string, file: DiskFile): DiskFile => {
      let broken: unknown
      return {
        get size() {
          return file.size
        },
        append: (chunks) => step('append', path, () => file.append(chunks)),
        read: (offset, length) => step('read', path, () => file.read(offset, length)),
        truncate: (size) => step('truncate', path, () => file.truncate(size)),
        async datasync() {
          // As the port demands: a failed sync is final.
          if (broken !== undefined) throw broken
          try {
            await step('datasync', path, () => file.datasync())
          } catch (error) {
            broken = error
            throw error
          }
        },
        close: () => file.close(),
      }
    }
    return {
      open: (path, options) => step('open', path, async () => view(path, await disk.open(path, options))),
      exists: (path) => disk.exists(path),
      list: (folder) => step('list', folder, () => disk.list(folder)),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      makeFolder: (path) => disk.makeFolder(path),
      syncFolder: (path) => step('syncFolder', path, () => disk.syncFolder(path)),
      lock: (folder) => disk.lock(folder),
      realPath: () => undefined,
    }
  }

  private springs(operation: Operation, path: string): Fault | undefined {
    const { trap } = this
    if (trap === undefined || trap.hit !== undefined || !BEFALLS[trap.fault].includes(operation)) return undefined
    if (trap.seen++ < trap.at) return undefined
    trap.hit = `${trap.fault} at ${operation} ${path}`
    return trap.fault
  }
}

/** A network whose nodes have a machine each. State is in memory, so that each start builds it again from the blocks. */
export class MachineNetwork {
  readonly machines: ReadonlyMap<string, Machine>
  private readonly folder: string
  private running: Network | undefined

  private constructor(folder: string, seed: string, ignoreSync: boolean) {
    this.folder = folder
    this.machines = new Map([ORDERER, ...PEERS].map((name) => [name, new Machine(`${seed} ${name}`, ignoreSync)]))
  }

  /** Identities and genesis block are kept in a folder that has no faults. */
  static async make(seed: string, { ignoreSync = false } = {}): Promise<MachineNetwork> {
    return new MachineNetwork(await mkdtemp(join(tmpdir(), 'heddle-machines-')), seed, ignoreSync)
  }

  get network(): Network {
    return this.running!
  }

  async start(): Promise<Network> {
    this.running = await createNetwork({
      organizations: ['Org1', 'Org2'],
      base: import.meta.url,
      storage: { folder: this.folder },
      stateDb: 'memory',
      log: { level: 'silent' },
      dissemination: { use: 'deliver', options: { minBackOff: 2, maxBackOff: 10 } },
      chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
      overrides: {
        node: (container, { name }) => void container.registerInstance(Tokens.Disk, this.machines.get(name)!.boot()),
      },
    })
    return this.running
  }

  node(name: string) {
    return name === ORDERER ? this.network.orderer(name) : this.network.peer(name)
  }

  /** As a power switch does it: what the node has to say while it goes does not matter. */
  async switchOff(name: string): Promise<void> {
    await this.node(name)
      .stop()
      .catch(() => {})
  }

  /** Why a node's channel ended, or undefined. */
  halted(name: string): { code: string; message: string } | undefined {
    return this.node(name)
      .status()
      .channels.find(({ channel }) => channel === CHANNEL)?.halted
  }

  /** Every transaction on a peer with its code, first entries only. */
  async transactions(peer: string): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for await (const block of this.network.peer(peer).blocks(CHANNEL)) {
      for (let i = 0; i < block.data.length; i++) {
        const { txId } = block.envelope(i)
        if (!found.has(txId)) found.set(txId, block.metadata[2]?.[i] ?? TxValidationCode.NOT_VALIDATED)
      }
    }
    return found
  }

  /** Waits until the peers have what the orderer has. */
  async level(): Promise<void> {
    const height = this.network.orderer(ORDERER).height(CHANNEL) ?? 0
    await Promise.all(this.network.peers.map((peer) => peer.reach(CHANNEL, height)))
  }

  async end(): Promise<void> {
    await this.running?.stop().catch(() => {})
    await rm(this.folder, { recursive: true, force: true })
  }
}
