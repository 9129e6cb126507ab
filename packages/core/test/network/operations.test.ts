import { createNetwork } from '@heddle/core'
import { expect, it } from 'vitest'
import { asset, BOTH } from './asset.fixture.ts'

it('serves metrics, health and readiness on a port of its own', async () => {
  await using network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    operations: { port: 0 },
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })
  await network.gateway('Org1').contract('asset').submit('put', 'a', '1')
  const get = (path: string) => fetch(`http://127.0.0.1:${network.operationsPort}${path}`)
  const metrics = await (await get('/metrics')).text()
  expect(metrics).toMatch(/heddle_peer_transactions_total\{node="peer0\.org1",channel="main",code="VALID"\} \d+/)
  expect((await get('/healthz')).status).toBe(200)
  expect((await get('/readyz')).status).toBe(200)
  await network.peer('peer0.org2').stop()
  expect((await get('/healthz')).status).toBe(200)
  const ready = await get('/readyz')
  expect(ready.status).toBe(503)
  expect(await ready.json()).toEqual({ status: 'failing', problems: ['peer0.org2 is not running'] })
  expect((await get('/other')).status).toBe(404)
})
