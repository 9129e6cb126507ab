import solo from '@heddle/consensus-solo'
import { describe, expect, it } from 'vitest'
import type { ChaincodeStub } from '../adapters/chaincode-stub/chaincode-stub.ts'
import { createNetwork } from './create-network.ts'

const asset = {
  async invoke(stub: ChaincodeStub) {
    const { fcn, params } = stub.getFunctionAndParameters()
    if (fcn === 'put') await stub.putState(params[0]!, Buffer.from(params[1]!))
    return await stub.getState(params[0]!)
  },
}

describe('createNetwork', () => {
  it('commits a transaction of two organisations', async () => {
    const started = performance.now()
    await using network = await createNetwork({
      organizations: ['Org1', 'Org2'],
      ordering: { use: solo },
      chaincodes: { asset: { chaincode: asset, endorsement: "AND('Org1MSP.peer','Org2MSP.peer')" } },
    })
    console.log('created', performance.now() - started)
    const contract = network.gateway('Org1').contract('asset')
    await contract.submit('put', 'a', '1')
    console.log('first', performance.now() - started)
    for (let i = 0; i < 20; i++) {
      const t = performance.now()
      await contract.submit('put', 'a', '1')
      if (i > 15) console.log('next', performance.now() - t)
    }
    expect(Buffer.from(await contract.evaluate('get', 'a')).toString()).toBe('1')
  })
})
