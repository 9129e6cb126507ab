import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CertificateAuthority,
  type ClientIdentity,
  createNetwork,
  type Network,
  type NetworkOptions,
  seededRandom,
  serializeIdentity,
  systemClock,
  verifyFolder,
} from '@heddle/core'
import { expect } from 'vitest'
import { pemBlock } from '../src/adapters/crypto/pem.ts'
import { X509IdentityProvider } from '../src/adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../src/adapters/signature-pool/inline-signature-pool.ts'
import type { NetworkCore } from '../src/compose/network-core.ts'
import type { Endorser } from '../src/flow/endorse/endorser.ts'
import type { OrderingHost } from '../src/flow/order/ordering-host.ts'
import { ChaincodeInvocationSpec, type ChaincodeSpec, ChaincodeSpecType } from '../src/model/messages/chaincode.ts'
import { ChannelHeader, Envelope, Header, HeaderType, Payload, SignatureHeader } from '../src/model/messages/common.ts'
import { ProposedTransaction } from '../src/model/messages/gateway.ts'
import { ChaincodeHeaderExtension, ChaincodeProposalPayload, Proposal, SignedProposal } from '../src/model/messages/proposal.ts'
import { transactionId } from '../src/model/transaction-id.ts'
import type { Signer } from '../src/ports/identity.ts'
import { asset, BOTH, text } from './network/asset.fixture.ts'

export const random = seededRandom('bad input')

/** Two organisations with a peer each, one orderer, in memory, and the chaincode `asset` under a policy of both. */
export function startNetwork(options: Partial<NetworkOptions> = {}): Promise<Network> {
  return createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    log: { level: 'silent' },
    ...options,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH }, ...options.chaincodes },
  })
}

/** Somebody with a certificate and a key, whoever vouches for them. */
export interface Actor {
  readonly mspId: string
  readonly identity: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

const provider = new X509IdentityProvider(new InlineSignaturePool())

function actor(mspId: string, { certificate, privateKey }: { certificate: string; privateKey: string | undefined }): Actor {
  const identity = serializeIdentity(mspId, certificate)
  const signer: Signer = provider.signer(identity, pemBlock(privateKey!).bytes)
  return { mspId, identity, sign: (message) => signer.sign(message) as Uint8Array }
}

/** A client of an organisation of the network. */
export async function member(network: Network, organization = 'Org1', name = 'mallory'): Promise<Actor> {
  const user = await network.organization(organization).enrol(name)
  return actor(user.mspId, user)
}

/** Whom an organisation's own authority gives a certificate by these rules. */
export function issued(network: Network, organization: string, ...rules: Parameters<CertificateAuthority['issue']>): Actor {
  const { authority, mspId } = network.organization(organization)
  return actor(mspId, authority.issue(...rules))
}

/** Somebody with a certificate of an authority of their own, in the name of an MSP. */
export function stranger(mspId = 'Org1MSP', name = 'ca.org1', role: 'client' | 'admin' | 'peer' | 'orderer' = 'client'): Actor {
  const authority = CertificateAuthority.createRoot(
    { commonName: name, organization: 'Org1' },
    { clock: systemClock, random: random.fork(`${mspId}${name}${role}`) },
  )
  return actor(mspId, authority.issue({ enrolmentId: 'stranger', role }))
}

/** What of a proposal is other than it should be. */
export interface Deviations {
  readonly channel?: string
  readonly chaincode?: string
  readonly specChaincode?: string
  readonly args?: readonly (string | Uint8Array)[]
  readonly txId?: string
  readonly nonce?: Uint8Array
  readonly type?: number
  readonly epoch?: number
  readonly timestamp?: { readonly seconds: number; readonly nanos: number } | undefined
  readonly transient?: ReadonlyMap<string, Uint8Array>
  readonly channelHeader?: Uint8Array
  readonly signatureHeader?: Uint8Array
  readonly header?: Uint8Array
  readonly extension?: Uint8Array
  readonly input?: Uint8Array
  readonly payload?: Uint8Array
  readonly spec?: Partial<ChaincodeSpec>
}

/** Bytes of a proposal, each part of which can be had otherwise. */
export function proposalBytes(creator: Uint8Array, other: Deviations = {}): Uint8Array {
  const nonce = other.nonce ?? random.bytes(24)
  const chaincode = other.chaincode ?? 'asset'
  const channelHeader =
    other.channelHeader ??
    ChannelHeader.encode({
      type: other.type ?? HeaderType.ENDORSER_TRANSACTION,
      timestamp: 'timestamp' in other ? other.timestamp : { seconds: Math.floor(Date.now() / 1000), nanos: 0 },
      channelId: other.channel ?? 'main',
      txId: other.txId ?? transactionId(nonce, creator),
      epoch: other.epoch ?? 0,
      extension: other.extension ?? ChaincodeHeaderExtension.encode({ chaincodeId: { name: chaincode } }),
    })
  const input =
    other.input ??
    ChaincodeInvocationSpec.encode({
      chaincodeSpec: {
        type: ChaincodeSpecType.NODE,
        chaincodeId: { name: other.specChaincode ?? chaincode },
        input: { args: (other.args ?? ['put', 'key', 'value']).map((each) => Buffer.from(each as string)) },
        ...other.spec,
      },
    })
  return Proposal.encode({
    header:
      other.header ??
      Header.encode({ channelHeader, signatureHeader: other.signatureHeader ?? SignatureHeader.encode({ creator, nonce }) }),
    payload: other.payload ?? ChaincodeProposalPayload.encode({ input, transientMap: new Map(other.transient ?? []) }),
  })
}

/** The serialized SignedProposal, signed by whoever it says. */
export function signedProposal(by: Actor, other: Deviations = {}): Uint8Array {
  const bytes = proposalBytes(by.identity, other)
  return SignedProposal.encode({ proposalBytes: bytes, signature: by.sign(bytes) })
}

/** An envelope of any content, signed. */
export function signedEnvelope(by: Actor, payload: Uint8Array): Uint8Array {
  return Envelope.encode({ payload, signature: by.sign(payload) })
}

/** The payload of an envelope, each part of which can be had otherwise. */
export function payloadOf(creator: Uint8Array, data: Uint8Array, other: Deviations = {}): Uint8Array {
  const nonce = other.nonce ?? random.bytes(24)
  const channelHeader =
    other.channelHeader ??
    ChannelHeader.encode({
      type: other.type ?? HeaderType.ENDORSER_TRANSACTION,
      channelId: other.channel ?? 'main',
      txId: other.txId ?? transactionId(nonce, creator),
      epoch: other.epoch ?? 0,
    })
  return Payload.encode({
    header: { channelHeader, signatureHeader: other.signatureHeader ?? SignatureHeader.encode({ creator, nonce }) },
    data,
  })
}

/** For gateway.newProposal and the like: what travels between a client and whoever signs for it. */
export function proposedTransaction(bytes: Uint8Array, organizations: readonly string[] = [], txId?: string): Uint8Array {
  const header = ChannelHeader.decode(Header.decode(Proposal.decode(bytes).header).channelHeader)
  return ProposedTransaction.encode({
    transactionId: txId ?? header.txId,
    proposal: { proposalBytes: bytes },
    endorsingOrganizations: [...organizations],
  })
}

/** Whose identity a hand-made proposal goes through a gateway under. */
export function client(by: Actor): ClientIdentity {
  return { mspId: by.mspId, identity: by.identity, signer: { sign: (message) => by.sign(message) } }
}

const core = (network: Network): NetworkCore => (network as unknown as { core: NetworkCore }).core

/** The door of a peer that a wire would lead to: bytes of SignedProposal. */
export function endorserOf(network: Network, peer = 'peer0.org1'): Endorser {
  return (core(network).nodes.peers.get(peer)!.node as unknown as { endorser: Endorser }).endorser
}

/** The door of an orderer that a wire would lead to: bytes of Envelope. */
export function orderingOf(network: Network, channel = 'main'): OrderingHost {
  return core(network).nodes.orderers.get('orderer0.orderer')!.host(channel)!
}

let honest = 0

/** Honest clients are served, peers are equal, nothing halted, nothing is left in flight. */
export async function expectHealthy(network: Network, channel = 'main'): Promise<void> {
  const key = `honest ${honest++}`
  const contract = network.gateway('Org1').channel(channel).contract('asset')
  await contract.submit('put', key, 'served')
  expect(text(await contract.evaluate('get', key))).toBe('served')
  await network.channel(channel).synchronize()
  expect(new Set(network.peers.map((peer) => peer.commitHash(channel))).size).toBe(1)
  const { peers, orderers } = network.status()
  for (const node of [...peers, ...orderers]) for (const each of node.channels) expect(each.halted).toBeUndefined()
  for (const { channels } of orderers) for (const { inFlight } of channels) expect(inFlight).toEqual({ envelopes: 0, bytes: 0 })
  for (const peer of network.peers) expect(endorserOf(network, peer.name).load).toBe(0)
}

/** The ledger, written to files and judged by code that shares nothing with the peers. */
export async function expectVerified(network: Network, channel = 'main'): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-bad-input-'))
  try {
    for await (const block of network.channel(channel).blocks())
      await writeFile(join(folder, `${String(block.number).padStart(6, '0')}.block`), block.encode())
    const report = await verifyFolder(folder)
    expect(report.firstDifference).toBeNull()
    expect(report).toMatchObject({ verified: true, flagsEqual: true, commitHashEqual: true })
    expect(report.commitHash).toBe(network.peers[0]!.commitHash(channel))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What a promise rejects with. */
export async function failure(work: Promise<unknown>): Promise<Error & { code?: string; data?: Record<string, unknown> }> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it was taken')
}
