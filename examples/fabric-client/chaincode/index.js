'use strict'

const { Contract } = require('fabric-contract-api')

/** Notes that their author may change, and nobody else. */
class Notes extends Contract {
  async Write(ctx, id, text) {
    const author = ctx.clientIdentity.getID()
    const before = await ctx.stub.getState(id)
    if (before.length > 0 && JSON.parse(before.toString()).author !== author) throw new Error(`note ${id} is somebody else's`)
    await ctx.stub.putState(id, Buffer.from(JSON.stringify({ author, text })))
    ctx.stub.setEvent('written', Buffer.from(id))
  }

  async Read(ctx, id) {
    const note = await ctx.stub.getState(id)
    if (note.length === 0) throw new Error(`there is no note ${id}`)
    return JSON.parse(note.toString()).text
  }
}

module.exports.contracts = [Notes]
