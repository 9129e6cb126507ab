import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { SeekBehavior, SeekInfo, type SeekPosition } from '../../model/messages/orderer.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Identity, IdentityProvider } from '../../ports/identity.ts'
import type { RemoteNode } from '../../ports/transport.ts'
import type { ChainTail } from './chain-tail.ts'
import { OrderError } from './errors.ts'

/** A chain of blocks that can be read, at an orderer or at a peer. */
export interface ReadableChain {
  readonly config: ChannelConfig
  readonly tail: ChainTail
}

export interface DeliverServiceParts {
  readonly channel: string
  readonly chain: ReadableChain
  readonly provider: IdentityProvider
  readonly clock: Clock
  /** Throws when a member may not read. Default: the Readers policy of the channel, as at an orderer. */
  readonly admit?: (config: ChannelConfig, identity: Identity) => void
}

/**
 * Hands blocks to readers outside this process who are members of the channel and satisfy its Readers policy, for as long as they do.
 * Source of the rules: common/deliver of Hyperledger Fabric.
 */
export class DeliverService {
  private readonly parts: DeliverServiceParts

  constructor(parts: DeliverServiceParts) {
    this.parts = parts
  }

  /** For a node whose connection proved who it is; the message is a bare SeekInfo. */
  async *forNode(from: RemoteNode, seekInfo: Uint8Array, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    yield* this.seek(
      decoding(() => SeekInfo.decode(seekInfo)),
      from.identity,
      signal,
    )
  }

  /** For a client: a signed envelope of type DELIVER_SEEK_INFO. */
  async *forClient(envelope: Uint8Array, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    const view = new EnvelopeView(envelope)
    const seekInfo = decoding(() => {
      if (view.type !== HeaderType.DELIVER_SEEK_INFO || view.channelId !== this.parts.channel) {
        throw new OrderError('ORDER_WRONG_CHANNEL', `not a seek in channel ${this.parts.channel}`)
      }
      return SeekInfo.decode(view.data)
    })
    const reader = this.reader(this.parts.chain.config, view.creator)
    const verdicts = await this.parts.provider.verifyAll([
      { key: reader.publicKey, data: view.payload, signature: view.signature },
    ])
    if (verdicts[0] !== true) throw new OrderError('ORDER_FORBIDDEN', 'the signature of the envelope is wrong')
    yield* this.seek(seekInfo, view.creator, signal)
  }

  private async *seek(seekInfo: SeekInfo, reader: Uint8Array, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    const { chain } = this.parts
    let config = chain.config
    let expiresAt = this.reader(config, reader).expiresAt
    const from = this.position(seekInfo.start)
    const to = this.position(seekInfo.stop)
    if (to < from) throw new OrderError('ORDER_BLOCK_NOT_FOUND', `blocks ${from} to ${to}`, { from, to })
    const ready = seekInfo.behavior === SeekBehavior.FAIL_IF_NOT_READY
    if (ready && from >= chain.tail.height) throw this.notFound(from)
    for await (const block of chain.tail.follow(from, ready ? Math.min(to, chain.tail.height - 1) : to, signal)) {
      if (chain.config !== config || expiresAt <= this.parts.clock.now()) {
        config = chain.config
        expiresAt = this.reader(config, reader).expiresAt
      }
      yield block
    }
    if (ready && to >= chain.tail.height) throw this.notFound(to)
  }

  /** @throws OrderError when they may not read */
  private reader(config: ChannelConfig, serialized: Uint8Array): Identity {
    let identity: Identity
    try {
      identity = config.membership.identity(serialized)
    } catch (cause) {
      if (!(cause instanceof HeddleError)) throw cause
      throw new OrderError(
        'ORDER_FORBIDDEN',
        `the reader is no member of the channel: ${cause.message}`,
        { reason: cause.code },
        { cause },
      )
    }
    if (identity.expiresAt <= this.parts.clock.now()) {
      throw new OrderError('ORDER_IDENTITY_EXPIRED', `the certificate of the reader (${identity.mspId}) has expired`, {
        mspId: identity.mspId,
      })
    }
    if (this.parts.admit !== undefined) {
      try {
        this.parts.admit(config, identity)
      } catch (cause) {
        if (!(cause instanceof HeddleError)) throw cause
        throw new OrderError('ORDER_FORBIDDEN', cause.message, { reason: cause.code }, { cause })
      }
      return identity
    }
    const policy = config.ordering.maintenance ? '/Channel/Orderer/Readers' : '/Channel/Readers'
    if (config.policies.policy(policy)?.evaluate([identity]) === true) return identity
    throw new OrderError('ORDER_FORBIDDEN', `the reader (${identity.mspId}) does not satisfy ${policy}`, {
      mspId: identity.mspId,
      policy,
    })
  }

  private position(position: SeekPosition | undefined): number {
    const { height } = this.parts.chain.tail
    if (position?.oldest !== undefined) return 0
    if (position?.newest !== undefined) return height - 1
    if (position?.nextCommit !== undefined) return height
    if (position?.specified !== undefined) return Math.min(Number(position.specified.number), Number.MAX_SAFE_INTEGER)
    throw new OrderError('ORDER_MALFORMED_ENVELOPE', 'a seek needs a start and a stop')
  }

  private notFound(number: number): OrderError {
    const { height } = this.parts.chain.tail
    return new OrderError('ORDER_BLOCK_NOT_FOUND', `block ${number} is not there yet, the chain has ${height}`, {
      number,
      height,
    })
  }
}

function decoding<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new OrderError('ORDER_MALFORMED_ENVELOPE', `the request does not decode: ${cause.message}`, {}, { cause })
  }
}
