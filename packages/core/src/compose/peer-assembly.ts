import { acceptBlock } from '../channel/block/block-acceptance.ts'
import type { ChannelConfig } from '../channel/config/channel-config.ts'
import { validateConfigTransaction } from '../channel/update/config-transaction.ts'
import { PeerLedger } from '../flow/commit/peer-ledger.ts'
import { Endorser } from '../flow/endorse/endorser.ts'
import type { RunningDefinition } from '../flow/endorse/endorser-channel.ts'
import type { PrivateStore } from '../flow/endorse/private-store.ts'
import { ConfigChaincode } from '../flow/lifecycle/system-chaincode/config-chaincode.ts'
import { LedgerChaincode } from '../flow/lifecycle/system-chaincode/ledger-chaincode.ts'
import { LifecycleChaincode } from '../flow/lifecycle/system-chaincode/lifecycle-chaincode.ts'
import type { PackageRegistry } from '../flow/lifecycle/system-chaincode/package-registry.ts'
import { BlockValidator } from '../flow/validate/block-validator.ts'
import type { OwnSignatures } from '../flow/validate/own-signatures.ts'
import { inject, injectable } from '../injection.ts'
import type { Block } from '../model/block.ts'
import { BlockMetadataIndex, LastConfig, Metadata } from '../model/messages/common.ts'
import { BlockExaminer } from '../node/block-examiner.ts'
import { PeerChannel } from '../node/peer-channel.ts'
import { PeerNode } from '../node/peer-node.ts'
import type { BlockStore } from '../ports/block-store.ts'
import type { ChaincodeInstance } from '../ports/chaincode.ts'
import type { DeliverEndpoint, Dissemination, NodeDirectory } from '../ports/dissemination.ts'
import type { Environment } from '../ports/environment.ts'
import type { HistoryStore } from '../ports/history.ts'
import type { IdentityProvider, Signer } from '../ports/identity.ts'
import type { StateDB } from '../ports/state-db.ts'
import { Tokens } from '../ports/tokens.ts'
import { checkGenesis } from './open-chain.ts'

/** What a peer is told beside its parts. */
export interface PeerSettings {
  /** Recognises the peer's own endorsements when they come back in a block. */
  readonly own: OwnSignatures
  readonly packages: PackageRegistry
  /** Keeps what the organisation approved. */
  readonly privateStore: PrivateStore
  /** Milliseconds for one transaction. */
  readonly timeLimit: number
  readonly maxConcurrent: number
}

/** Puts a peer together from the parts of its container. */
@injectable()
export class PeerAssembly {
  private readonly name: string
  private readonly signer: Signer
  private readonly provider: IdentityProvider
  private readonly environment: Environment
  private readonly dissemination: Dissemination

  constructor(
    @inject(Tokens.NodeName) name: string,
    @inject(Tokens.Signer) signer: Signer,
    @inject(Tokens.IdentityProvider) provider: IdentityProvider,
    @inject(Tokens.Environment) environment: Environment,
    @inject(Tokens.Dissemination) dissemination: Dissemination,
  ) {
    this.name = name
    this.signer = signer
    this.provider = provider
    this.environment = environment
    this.dissemination = dissemination
  }

  build({ own, packages, privateStore, timeLimit, maxConcurrent }: PeerSettings): PeerNode {
    const { name, signer, provider, environment, dissemination } = this
    const { mspId, identity } = signer
    return new PeerNode({
      name,
      mspId,
      identity,
      dissemination,
      endorser: (channels) =>
        new Endorser({
          signer: remembering(signer, own),
          identityProvider: provider,
          clock: environment.clock,
          channel: channels.get,
          systemChaincodes: [
            new LifecycleChaincode(mspId, packages),
            new LedgerChaincode(channels.get),
            new ConfigChaincode(channels.all),
          ],
          privateStore,
          timeLimit,
          maxConcurrent,
        }),
    })
  }
}

/** What a channel of a peer is told beside its parts. */
export interface PeerChannelSettings {
  readonly mspId: string
  readonly node: string
  readonly genesis: Block
  readonly history: HistoryStore
  readonly own: OwnSignatures
  readonly chaincode: (definition: RunningDefinition) => ChaincodeInstance | undefined
  readonly orderers: () => readonly DeliverEndpoint[]
  readonly directory: NodeDirectory
  readonly pendingBlocks: number
}

/** Puts one channel of a peer together from the parts of its container. */
@injectable()
export class PeerChannelAssembly {
  private readonly channel: string
  private readonly blocks: BlockStore
  private readonly state: StateDB
  private readonly provider: IdentityProvider
  private readonly signer: Signer
  private readonly environment: Environment

  constructor(
    @inject(Tokens.ChannelName) channel: string,
    @inject(Tokens.BlockStore) blocks: BlockStore,
    @inject(Tokens.StateDB) state: StateDB,
    @inject(Tokens.IdentityProvider) provider: IdentityProvider,
    @inject(Tokens.Signer) signer: Signer,
    @inject(Tokens.Environment) environment: Environment,
  ) {
    this.channel = channel
    this.blocks = blocks
    this.state = state
    this.provider = provider
    this.signer = signer
    this.environment = environment
  }

  /** Opens the ledger, recovers what a crash left, and begins a new one with the genesis block. */
  async open(settings: PeerChannelSettings): Promise<PeerChannel> {
    const { channel, blocks, state, provider, signer, environment } = this
    const { mspId, node, genesis, history, own, chaincode, orderers, directory, pendingBlocks } = settings
    const logger = environment.logger.child({ subsystem: 'ledger', channel })
    const ledger = await PeerLedger.open({ channel, blocks, state, history, logger })
    if (ledger.height === 0) await ledger.commitGenesis(genesis)
    else await checkGenesis(blocks, genesis, node, channel)
    const config = await ledger.config(provider)
    const validator = new BlockValidator({
      channel,
      provider,
      own,
      checkConfig: (current, view) => validateConfigTransaction(current, view, provider),
    })
    return new PeerChannel({
      channel,
      node,
      mspId,
      environment,
      ledger,
      validator,
      config,
      configBlock: await lastConfigBlock(blocks),
      accept: (block: Block, previousHash: Uint8Array, current: ChannelConfig) =>
        acceptBlock(block, { height: block.number, lastHash: previousHash }, current, provider),
      examiner: new BlockExaminer(provider),
      signer,
      provider,
      chaincode,
      orderers,
      directory,
      pendingBlocks,
    })
  }
}

/** Signs as before, and remembers what for. */
function remembering(signer: Signer, own: OwnSignatures): Signer {
  const remember = (message: Uint8Array, signature: Uint8Array): Uint8Array => {
    own.remember(message, signature)
    return signature
  }
  return {
    mspId: signer.mspId,
    identity: signer.identity,
    sign(message) {
      const signature = signer.sign(message)
      return signature instanceof Promise ? signature.then((made) => remember(message, made)) : remember(message, signature)
    },
  }
}

/** As the orderers state it in the signed metadata of the last block. */
async function lastConfigBlock(blocks: BlockStore): Promise<number> {
  const last = await blocks.get(blocks.height - 1)
  if (last === undefined) return 0
  return Number(LastConfig.decode(Metadata.decode(last.metadataAt(BlockMetadataIndex.LAST_CONFIG)).value).index)
}
