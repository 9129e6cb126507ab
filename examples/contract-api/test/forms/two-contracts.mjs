import { Contract } from 'fabric-contract-api'

class Counters extends Contract {
  constructor() {
    super('counters')
  }

  async Add(ctx, key, amount) {
    const sum = Number((await ctx.stub.getState(key)).toString() || '0') + Number(amount)
    await ctx.stub.putState(key, Buffer.from(String(sum)))
    return sum
  }
}

class Notes extends Contract {
  constructor() {
    super('notes')
  }

  async Read(ctx, key) {
    return `the note says ${await ctx.stub.getState(key)}`
  }
}

export const contracts = [Counters, Notes]
