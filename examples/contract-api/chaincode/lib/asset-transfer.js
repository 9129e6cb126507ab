'use strict'

const { Contract } = require('fabric-contract-api')

/** Assets that change hands. Nothing in this file knows what it runs on: Fabric takes it as it is. */
class AssetTransfer extends Contract {
  async CreateAsset(ctx, id, colour, value) {
    if (await this.AssetExists(ctx, id)) throw new Error(`asset ${id} exists already`)
    const asset = { id, colour, value: Number(value), owner: ctx.clientIdentity.getMSPID() }
    await ctx.stub.putState(id, Buffer.from(JSON.stringify(asset)))
    ctx.stub.setEvent('created', Buffer.from(id))
    return JSON.stringify(asset)
  }

  async ReadAsset(ctx, id) {
    const bytes = await ctx.stub.getState(id)
    if (!bytes || bytes.length === 0) throw new Error(`asset ${id} does not exist`)
    return bytes.toString()
  }

  async AssetExists(ctx, id) {
    const bytes = await ctx.stub.getState(id)
    return bytes && bytes.length > 0
  }

  /** The owner gives an asset to another organisation. */
  async TransferAsset(ctx, id, newOwner) {
    const asset = JSON.parse(await this.ReadAsset(ctx, id))
    const caller = ctx.clientIdentity.getMSPID()
    if (asset.owner !== caller) throw new Error(`asset ${id} belongs to ${asset.owner}, not to ${caller}`)
    asset.owner = newOwner
    await ctx.stub.putState(id, Buffer.from(JSON.stringify(asset)))
    return caller
  }

  async GetAllAssets(ctx) {
    const assets = []
    for await (const { value } of ctx.stub.getStateByRange('', '')) assets.push(JSON.parse(value.toString()))
    return JSON.stringify(assets)
  }

  /** Every value that an asset had, the latest first. */
  async History(ctx, id) {
    const owners = []
    for await (const { value } of ctx.stub.getHistoryForKey(id)) owners.push(JSON.parse(value.toString()).owner)
    return JSON.stringify(owners)
  }
}

module.exports.AssetTransfer = AssetTransfer
