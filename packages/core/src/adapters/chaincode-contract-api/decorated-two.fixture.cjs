'use strict'
// As TypeScript compiles a decorated contract.
require('reflect-metadata')
const { Context, Contract, Default, Info, Object: Typed, Property, Returns, Transaction } = require('fabric-contract-api')
const decorate = (decorators, target, key) => {
  const descriptor = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key)
  for (const decorator of decorators.reverse()) decorator(target, key, descriptor)
}

class Item {}
Reflect.defineMetadata('design:type', Number, Item.prototype, 'size')
decorate([Property()], Item.prototype, 'size')
decorate([Typed()], Item)

class TwoContract extends Contract {
  constructor() {
    super('two')
  }

  async Put(ctx, item) {
    await ctx.stub.putState('item', Buffer.from(JSON.stringify(item)))
    return typeof item.size
  }
}
Reflect.defineMetadata('design:paramtypes', [Context, Item], TwoContract.prototype, 'Put')
decorate([Transaction(), Returns('string')], TwoContract.prototype, 'Put')
decorate([Info({ title: 'two', description: 'two' }), Default()], TwoContract)

module.exports.contracts = [TwoContract]
