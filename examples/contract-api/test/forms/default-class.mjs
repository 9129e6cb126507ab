import { Contract } from 'fabric-contract-api'

export default class Greeter extends Contract {
  async Greet(_ctx, name) {
    return `good day, ${name}`
  }
}
