import { ChannelQueryResponse } from '../../../model/messages/query.ts'
import type { ChaincodeResponse } from '../../../ports/chaincode.ts'
import type { EndorserChannel } from '../../endorse/endorser-channel.ts'
import { EndorserError } from '../../endorse/errors.ts'
import { failure, type SystemChaincode, type SystemInvocation, success } from '../../endorse/system-chaincode.ts'

/** Fabric's `cscc`, as far as it asks: the channels of a peer, and a channel's last config block. */
export class ConfigChaincode implements SystemChaincode {
  readonly name = 'cscc'
  readonly simulates = false
  private readonly channels: () => readonly EndorserChannel[]

  constructor(channels: () => readonly EndorserChannel[]) {
    this.channels = channels
  }

  async invoke({ args, channel: own, checkAccess }: SystemInvocation): Promise<ChaincodeResponse> {
    const name = args.length === 0 ? '' : Buffer.from(args[0]!).toString()
    try {
      if (name === 'GetChannels') {
        checkAccess('cscc/GetChannels')
        return success(ChannelQueryResponse.encode({ channels: this.channels().map((each) => ({ channelId: each.name })) }))
      }
      if (name === 'GetConfigBlock') {
        const channelId = args.length > 1 ? Buffer.from(args[1]!).toString() : ''
        const channel = this.channels().find((each) => each.name === channelId)
        if (channel === undefined || own?.name !== channelId) return failure(500, `Unknown chain ID, ${channelId}`)
        checkAccess('cscc/GetConfigBlock')
        const number = await channel.lastConfigBlock?.()
        const block = number === undefined ? undefined : await channel.blocks?.get(number)
        return block === undefined ? failure(500, `the config block of ${channelId} is not at hand`) : success(block.encode())
      }
    } catch (error) {
      if (!(error instanceof EndorserError)) throw error
      return failure(500, `access denied for [${name}]: ${error.message}`)
    }
    return failure(500, `Requested function ${name} not found.`)
  }
}
