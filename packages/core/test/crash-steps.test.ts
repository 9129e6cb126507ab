import { HeddleError, type Transaction, TxValidationCode } from '@heddle/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CHANNEL, type Fault, MachineNetwork, ORDERER, PEERS, type Trap } from './crash-network.fixture.ts'

const BLOCKS = 3
/** More operations than a start and three blocks take: that the last is reached is asserted. */
const MOST = 100

let machines: MachineNetwork
let made = 0
/** Acknowledged in the whole test, by id. */
let acknowledged: Set<string>

beforeEach(async () => {
  machines = await MachineNetwork.make('steps')
  await machines.start()
  acknowledged = new Set()
})
afterEach(() => machines.end())

const contract = () => machines.network.gateway('Org1').contract('asset')

interface Attempt {
  readonly transaction: Transaction
  readonly error: unknown
}

interface Outcome {
  readonly trap: Trap
  readonly startError: unknown
  readonly failed: readonly Attempt[]
}

/** Endorses first, so that endorsing needs no node that may be down; then submits one block after the other. */
async function submit(): Promise<Attempt[]> {
  const attempts: Attempt[] = []
  for (let i = 0; i < BLOCKS; i++) {
    let transaction: Transaction | undefined
    try {
      transaction = await contract().newProposal('put', `key ${made++}`, 'value').endorse()
      const commit = await transaction.submit()
      acknowledged.add(commit.getTransactionId())
      // The peer that answers may be the one that fails: then the answer never comes, as its channel has halted.
      if (!PEERS.some((peer) => machines.halted(peer) !== undefined)) await commit.getStatus()
    } catch (error) {
      if (transaction !== undefined) attempts.push({ transaction, error })
      // Endorsement asks every organisation, the one whose peer is down as well.
      else expect(error).toBeInstanceOf(HeddleError)
    }
  }
  return attempts
}

/** Starts a node with a fault ahead and gives it three blocks; tells how the start ended. */
async function run(node: string, fault: Fault, at: number): Promise<Outcome> {
  const machine = machines.machines.get(node)!
  await machines.switchOff(node)
  const trap = machine.arm(fault, at)
  let startError: unknown
  let failed: Attempt[] = []
  try {
    await machines.node(node).start()
    failed = await submit()
    if (trap.hit === undefined) await machines.level()
  } catch (error) {
    startError = error
  }
  machine.disarm()
  return { trap, startError, failed }
}

/** After a restart: what was acknowledged is there and valid, what was not can be sent again, and the peers agree. */
async function examine(node: string, failed: readonly Attempt[]): Promise<void> {
  await machines.switchOff(node)
  await machines.node(node).start()
  for (const { transaction } of failed) {
    const status = await (await transaction.submit()).getStatus()
    expect(status.status).toBe('VALID')
    acknowledged.add(status.transactionId)
  }
  for (const attempt of await submit()) throw attempt.error
  await machines.level()
  const hashes = machines.network.peers.map((peer) => peer.commitHash(CHANNEL))
  expect(hashes[0]).toBe(hashes[1])
  for (const peer of PEERS) {
    const transactions = await machines.transactions(peer)
    for (const txId of acknowledged) expect(transactions.get(txId)).toBe(TxValidationCode.VALID)
    // An error of the infrastructure marks nothing.
    for (const code of transactions.values()) expect(code).toBe(TxValidationCode.VALID)
  }
}

/** Every operation in turn, until one run meets no fault any more (or as many as given). Gives what was hit. */
async function everyOperation(
  node: string,
  fault: Fault,
  check: (outcome: Outcome) => void,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const hits: string[] = []
  for (let at = 0; at < MOST; at++) {
    const outcome = await run(node, fault, at)
    if (outcome.trap.hit !== undefined) check(outcome)
    await examine(node, outcome.failed)
    if (outcome.trap.hit === undefined || hits.push(outcome.trap.hit) === enough) {
      expect(acknowledged.size).toBeGreaterThanOrEqual(BLOCKS * hits.length)
      return hits
    }
  }
  throw new Error(`more than ${MOST} operations`)
}

/** The node did not start, or its channel has halted: by a typed error. */
function stopped(node: string): (outcome: Outcome) => void {
  return ({ trap, startError, failed }) => {
    if (startError !== undefined) {
      expect(startError, trap.hit).toBeInstanceOf(HeddleError)
      return
    }
    expect(machines.halted(node)?.code, trap.hit).toBe(node === ORDERER ? 'LEDGER_WRITE_FAILED' : 'PEER_CHANNEL_HALTED')
    for (const { error } of failed) expect(error, trap.hit).toBeInstanceOf(HeddleError)
  }
}

const count = (hits: readonly string[], operation: string): number => hits.filter((hit) => hit.includes(` ${operation} `)).length

for (const node of [ORDERER, PEERS[0]!]) {
  describe(`${node} loses power at every operation of its disk in turn, from its start to its third block`, () => {
    it('before the operation: nothing acknowledged is lost, and the peers agree', async () => {
      const hits = await everyOperation(node, 'crash', () => {})
      expect(count(hits, 'append')).toBeGreaterThanOrEqual(BLOCKS)
      expect(count(hits, 'datasync')).toBeGreaterThanOrEqual(BLOCKS)
    })

    it('after a sync, before anybody knows: nothing acknowledged is lost, and the peers agree', async () => {
      expect(count(await everyOperation(node, 'crash after', () => {}), 'datasync')).toBeGreaterThanOrEqual(BLOCKS)
    })
  })

  describe(`the disk of ${node} fails at every operation in turn`, () => {
    for (const fault of ['DISK_FAILED', 'DISK_FULL'] as const) {
      it(`${fault}: the node refuses to start or the channel halts with a typed error; nothing is marked invalid`, async () => {
        const hits = await everyOperation(node, fault, stopped(node))
        expect(count(hits, 'append')).toBeGreaterThanOrEqual(BLOCKS)
      })
    }

    it('a read fails: the node refuses to start with a typed error, and starts when the disk is well again', async () => {
      // Their number grows with the chain: a node with its state in memory reads all of it.
      expect(await everyOperation(node, 'READ_FAILED', stopped(node), 8)).not.toHaveLength(0)
    })
  })
}

describe('power fails while nothing happens', () => {
  for (const ignoreSync of [false, true]) {
    it(ignoreSync ? 'on a disk that does not sync, blocks are gone: these tests can fail' : 'the chain is there', async () => {
      await machines.end()
      machines = await MachineNetwork.make('idle', { ignoreSync })
      await machines.start()
      expect(await submit()).toHaveLength(0)
      await machines.level()
      const height = machines.network.peer(PEERS[0]!).height(CHANNEL)
      await machines.switchOff(ORDERER)
      machines.machines.get(ORDERER)!.disk.crash()
      const started = machines.node(ORDERER).start()
      // A store that finds less than it had told may also refuse to open.
      const left = await started.then(
        () => machines.node(ORDERER).height(CHANNEL),
        (error: HeddleError) => error.code,
      )
      if (ignoreSync) expect(left).not.toBe(height)
      else expect(left).toBe(height)
    })
  }
})
