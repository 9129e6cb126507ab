import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import solo from '@heddle/consensus-solo'
import { type ChaincodeStub, type Contract, createNetwork, type Network, type NetworkOptions, Tokens } from '@heddle/core'
import { fileDisk } from '@heddle/core/testing'
import { countingDisk, type DiskWork } from './counting-disk.ts'

/** The network that `pipeline`, `latency` and `growth` measure: two organisations, policy AND of both, LevelDB, everything durable. */
export interface Bench {
  readonly network: Network
  readonly contract: Contract
  /** What all nodes asked of their disks so far. Nothing is counted of a network in memory. */
  readonly disk: Readonly<DiskWork>
  /** Submits one transaction that reads a key and writes 256 bytes under it; resolves when it is VALID on the gateway's peer. */
  write(key: string): Promise<void>
  /** Writes keys `key<from>` .. in one transaction. */
  fill(from: number, count: number): Promise<void>
  /** Stops the network and opens it again on the same folder; milliseconds until it serves. */
  restart(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

const VALUE_BYTES = 256

export async function twoOrganizations(options: Partial<NetworkOptions> = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-bench-'))
  const value = randomBytes(VALUE_BYTES)
  const disk: DiskWork = { syncs: 0, bytes: 0 }
  const open = (): Promise<Network> =>
    createNetwork({
      organizations: ['Org1', 'Org2'],
      ordering: { use: solo },
      stateDb: 'level',
      storage: { folder },
      log: { level: 'error' },
      chaincodes: { kv: { chaincode: keyValue, endorsement: "AND('Org1MSP.peer', 'Org2MSP.peer')" } },
      overrides: {
        node(container, { name }) {
          if (options.storage === 'memory') return
          container.register(Tokens.Disk, { useValue: countingDisk(fileDisk(join(folder, 'nodes', name)), disk) })
        },
      },
      ...options,
    })
  let network = await open()
  let contract = network.gateway('Org1').contract('kv')
  return {
    get network() {
      return network
    },
    get contract() {
      return contract
    },
    get disk() {
      return { ...disk }
    },
    async write(key) {
      await contract.submit('put', key, value)
    },
    async fill(from, count) {
      await contract.submit('fill', String(from), String(count))
    },
    async restart() {
      await network.stop()
      const started = performance.now()
      network = await open()
      const milliseconds = performance.now() - started
      contract = network.gateway('Org1').contract('kv')
      return milliseconds
    },
    async [Symbol.asyncDispose]() {
      await network.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** `put KEY VALUE` reads a key and writes it; `fill FROM COUNT` writes many. */
const keyValue = {
  async invoke(stub: ChaincodeStub): Promise<void> {
    const [fcn, key, value] = stub.getBufferArgs()
    const name = Buffer.from(key!).toString()
    if (Buffer.from(fcn!).toString() === 'fill') return fill(stub, Number(name), Number(Buffer.from(value!).toString()))
    await stub.getState(name)
    await stub.putState(name, value!)
  },
}

/** Writes a number of keys in one transaction: how a benchmark gets a large state. */
async function fill(stub: ChaincodeStub, from: number, count: number): Promise<void> {
  const value = new Uint8Array(VALUE_BYTES).fill(1)
  for (let index = from; index < from + count; index++) await stub.putState(`key${index}`, value)
}

/** Runs `task` for 0 .. count - 1 with a number of them under way at a time. */
export async function inFlight(count: number, width: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next < count) await task(next++)
    }),
  )
}

/** Waits until every peer has committed what one of them has. */
export async function settled(network: Network, channel = 'main'): Promise<void> {
  const height = Math.max(...network.peers.map((peer) => peer.height(channel)))
  await Promise.all(network.peers.map((peer) => peer.reach(channel, height)))
}
