'use strict'
const { Contract } = require('fabric-contract-api')

/** A contract as fabric-samples write them, unmodified. */
class AssetContract extends Contract {
  async CreateAsset(ctx, id, value) {
    if ((await ctx.stub.getState(id)).length > 0) throw new Error(`asset ${id} exists`)
    await ctx.stub.putState(id, Buffer.from(JSON.stringify({ id, value, owner: ctx.clientIdentity.getMSPID() })))
    ctx.stub.setEvent('created', Buffer.from(id))
  }

  async ReadAsset(ctx, id) {
    const asset = await ctx.stub.getState(id)
    if (!asset || asset.length === 0) throw new Error(`asset ${id} does not exist`)
    return asset.toString()
  }

  async AllAssets(ctx) {
    const found = []
    for await (const { key } of ctx.stub.getStateByRange('', '')) found.push(key)
    return JSON.stringify(found)
  }
}

class OtherContract extends Contract {
  constructor() {
    super('other')
  }

  async Seconds(ctx) {
    return ctx.stub.getTxTimestamp().seconds.toNumber()
  }
}

module.exports.AssetContract = AssetContract
module.exports.contracts = [AssetContract, OtherContract]
