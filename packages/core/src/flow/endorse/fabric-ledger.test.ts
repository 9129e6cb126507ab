import { beforeAll, describe, expect, it } from 'vitest'
import { InlineRuntime } from '../../adapters/chaincode-inline/inline-runtime.ts'
import { defineChaincode } from '../../adapters/chaincode-stub/chaincode.ts'
import { KeyEndorsementPolicy } from '../../adapters/chaincode-stub/key-endorsement-policy.ts'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import type { Block } from '../../model/block.ts'
import { ChaincodeInvocationSpec } from '../../model/messages/chaincode.ts'
import { Header, HeaderType } from '../../model/messages/common.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { ChaincodeProposalPayload, Proposal, SignedProposal } from '../../model/messages/proposal.ts'
import type { ChaincodeInstance } from '../../ports/chaincode.ts'
import type { StateSnapshot } from '../../ports/state-db.ts'
import { LifecycleChaincode } from '../lifecycle/system-chaincode/lifecycle-chaincode.ts'
import { PackageRegistry } from '../lifecycle/system-chaincode/package-registry.ts'
import { applyVectorBlock, fakeConfig, ManualClock, object, vectorBlock } from './endorsement.fixture.ts'
import { Endorser } from './endorser.ts'
import type { EndorserChannel } from './endorser-channel.ts'
import { MemoryPrivateStore } from './private-store.ts'

/** The chaincode `kv` of the recorded network, as its transactions show it. */
const kv = defineChaincode({
  put: (stub, key, value) => stub.putState(key!, value!),
  del: (stub, key) => stub.deleteState(key!),
  get: (stub, key) => stub.getState(key!),
  async event(stub, name, key, value) {
    await stub.putState(key!, value!)
    stub.setEvent(name!, value!)
  },
  comp: (stub, type, a, b, value) => stub.putState(stub.createCompositeKey(type!, [a!, b!]), value!),
  async multi(stub, ...pairs) {
    for (let i = 0; i < pairs.length; i += 2) await stub.putState(pairs[i]!, pairs[i + 1]!)
  },
  async rmw(stub, key, value) {
    const before = await stub.getState(key!)
    await stub.putState(key!, value!)
    return before
  },
  range: (stub, start, end, limit, key, value) =>
    count(stub.getStateByRange(start!, end!), Number(limit), (n) => stub.putState(key!, `${value}:${n}`)),
  rangepart: (stub, start, end, limit, key, value) =>
    count(stub.getStateByRange(start!, end!), Number(limit), (n) => stub.putState(key!, `${value}:${n}`)),
  complist: (stub, type, key) => count(stub.getStateByPartialCompositeKey(type!, []), 0, (n) => stub.putState(key!, String(n))),
  setvp(stub, key, mspId) {
    const policy = new KeyEndorsementPolicy()
    policy.addOrgs('PEER', mspId!)
    return stub.setStateValidationParameter(key!, policy.getPolicy())
  },
  clearvp: (stub, key) => stub.setStateValidationParameter(key!, new Uint8Array(0)),
  call: (stub, name, ...args) => stub.invokeChaincode(name!, args).then(({ payload }) => payload),
  async pvthash(stub, collection, key, target) {
    const hash = await stub.getPrivateDataHash(collection!, key!)
    await stub.putState(target!, hash.toString('hex'))
    return hash
  },
})

async function count(results: AsyncIterable<unknown>, limit: number, then: (count: number) => Promise<void>): Promise<void> {
  let found = 0
  for await (const _ of results) if (++found === limit) break
  await then(found)
}

/** The recorded peers had seen these blocks or fewer when they endorsed. */
const LOOK_BACK = 6

describe("a ledger of Fabric's: its proposals, simulated again, give the bytes that its peers signed", () => {
  const state = new MemoryStateDB()
  const snapshots: StateSnapshot[] = []
  const endorsers = new Map<string, { endorser: Endorser; instances: Map<string, ChaincodeInstance> }>()
  let at: StateSnapshot

  beforeAll(async () => {
    for (const mspId of ['Org1MSP', 'Org2MSP']) {
      const runtime = new InlineRuntime(mspId)
      const instances = new Map([
        ['kv', await runtime.load('kv', object(kv))],
        ['kv2', await runtime.load('kv2', object(kv))],
      ])
      const config = fakeConfig(['Org1MSP', 'Org2MSP'])
      const open = { ...config, membership: { ...config.membership, satisfies: () => true } }
      const channel: EndorserChannel = {
        name: 'ch1',
        config: open,
        // A simulation releases its snapshot; these are used again.
        snapshot: () => ({
          height: at.height,
          get: (namespace, key) => at.get(namespace, key),
          getMany: (namespace, keys) => at.getMany(namespace, keys),
          range: (namespace, start, end) => at.range(namespace, start, end),
          release: () => {},
        }),
        hasTransaction: () => false,
        chaincode: ({ name }) => instances.get(name),
      }
      const endorser = new Endorser({
        signer: { mspId, identity: new Uint8Array([1]), sign: () => new Uint8Array([2]) },
        identityProvider: { verifyAll: (items) => items.map(() => true) },
        clock: new ManualClock(),
        channel: () => channel,
        privateStore: new MemoryPrivateStore(),
        systemChaincodes: [new LifecycleChaincode(mspId, new PackageRegistry())],
      })
      endorsers.set(mspId, { endorser, instances })
    }
  })

  const lifecycle: string[] = []
  const tally = { equal: 0, different: [] as string[] }

  /** Endorses the proposal of a recorded transaction; the state of which block its peers had is found by trying. */
  async function endorseAgain(block: Block, index: number): Promise<void> {
    const view = block.envelope(index)
    const action = view.transaction.actions[0]!
    const { input } = ChaincodeProposalPayload.decode(action.chaincodeProposalPayload)
    const spec = ChaincodeInvocationSpec.decode(input).chaincodeSpec!
    const name = Buffer.from(spec.input!.args[0] ?? []).toString()
    // Private values were transient, and are not in the ledger.
    if (name.startsWith('pvt') && name !== 'pvthash') return
    const header = Header.encode({ channelHeader: view.channelHeaderBytes, signatureHeader: view.signatureHeaderBytes })
    const proposalBytes = Proposal.encode({ header, payload: action.chaincodeProposalPayload })
    const bytes = SignedProposal.encode({ proposalBytes, signature: new Uint8Array([1]) })
    const mspId = SerializedIdentity.decode(action.endorsements[0]!.endorser).mspid
    const isLifecycle = spec.chaincodeId!.name === '_lifecycle'
    for (let back = 0; back < (isLifecycle ? 1 : LOOK_BACK) && snapshots.length - 1 - back >= 0; back++) {
      at = snapshots[snapshots.length - 1 - back]!
      try {
        const { payload } = await endorsers.get(mspId)!.endorser.processProposal(bytes)
        if (Buffer.compare(payload, action.proposalResponsePayload) === 0) {
          if (isLifecycle) lifecycle.push(name)
          tally.equal++
          return
        }
      } catch (error) {
        if (back === 0 && isLifecycle) throw error
      }
    }
    tally.different.push(`${block.number}:${index} ${name}`)
  }

  it('lifecycle, reads and writes, ranges, composite keys, key policies, calls and private hashes', async () => {
    for (let number = 0; number < 52; number++) {
      const block = vectorBlock(number)
      for (let i = 0; i < block.data.length; i++) {
        const view = block.envelope(i)
        // Blocks 35 to 38 hold transactions that no endorser made.
        const isForged = number >= 35 && number <= 38
        if (view.type === HeaderType.ENDORSER_TRANSACTION && !isForged) await endorseAgain(block, i)
      }
      applyVectorBlock(state, block)
      snapshots.push(state.snapshot())
    }
    expect(tally.different).toEqual([])
    expect(lifecycle).toEqual([
      'ApproveChaincodeDefinitionForMyOrg',
      'ApproveChaincodeDefinitionForMyOrg',
      'CommitChaincodeDefinition',
      'ApproveChaincodeDefinitionForMyOrg',
      'ApproveChaincodeDefinitionForMyOrg',
      'CommitChaincodeDefinition',
    ])
    expect(tally.equal).toBe(375)
  })
})
