import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createNetwork, manualClock, type Network, type NetworkOptions, Tokens } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

/** An application outside this repository. */
let folder: string
let base: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-e2e-app-'))
  base = pathToFileURL(join(folder, 'app.js')).href
})
afterAll(() => rm(folder, { recursive: true }))

const create = (options: Partial<NetworkOptions>): Promise<Network> =>
  createNetwork({ organizations: ['Org1'], base: import.meta.url, chaincodes: { asset: { chaincode: asset } }, ...options })
const asset1 = (network: Network) => network.gateway('Org1').contract('asset')

describe('a plugin that brings a second copy of @heddle/core', () => {
  it('works: what it makes fits, and its errors are recognised', async () => {
    const source = fileURLToPath(new URL('../src', import.meta.url))
    await cp(source, join(folder, 'second-copy'), { recursive: true, filter: (path) => !/\.(test|fixture)\.ts$/.test(path) })
    await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'), 'dir')
    await writeFile(
      join(folder, 'log-ordering.mjs'),
      `import { definePlugin, orderingFromLog, OrderError, LogError } from './second-copy/plugin.ts'
      const logs = new Map()
      const position = (n) => { const p = Buffer.alloc(8); p.writeBigUInt64BE(BigInt(n)); return p }
      const log = () => {
        const records = [], waiting = new Set()
        return {
          start: async () => {}, stop: async () => {},
          append: async (added) => {
            if (globalThis.heddleTestLogIsDown) throw new LogError('LOG_UNAVAILABLE', 'the log is down')
            for (const data of added) records.push({ position: position(records.length + 1), data })
            for (const wake of waiting) wake()
            return position(records.length)
          },
          earliest: async () => records[0]?.position,
          async *read(after, signal) {
            let next = after.length === 0 ? 0 : Number(Buffer.from(after).readBigUInt64BE())
            while (!signal.aborted) {
              if (next < records.length) { yield records.slice(next); next = records.length }
              else await new Promise((resolve) => {
                const done = () => { waiting.delete(done); resolve() }
                waiting.add(done)
                signal.addEventListener('abort', done, { once: true })
              })
            }
          },
        }
      }
      export default definePlugin({
        name: 'second-copy-log', provides: 'ordering',
        capabilities: { faultModel: 'none', simulable: true, nodes: { min: 1 } },
        create: () => orderingFromLog({
          append: { retryFor: 0 },
          provider: {
            start: async () => {}, stop: async () => {},
            open: async (channel) => logs.get(channel) ?? logs.set(channel, log()).get(channel),
          },
        }),
      })
      export { OrderError }`,
    )
    await using network = await create({ ordering: './log-ordering.mjs', base })
    expect(network.status().ordering).toBe('second-copy-log')
    await asset1(network).submit('put', 'a', '1')
    const second = (await import(join(folder, 'log-ordering.mjs'))) as { OrderError: new (code: string, text: string) => Error }
    const { HeddleError, OrderError } = await import('@heddle/core')
    const error = new second.OrderError('ORDER_UNAVAILABLE', 'of the other copy')
    expect(second.OrderError).not.toBe(OrderError)
    expect(error instanceof HeddleError && error instanceof OrderError).toBe(true)
    const down = globalThis as { heddleTestLogIsDown?: boolean }
    down.heddleTestLogIsDown = true
    try {
      await expect(asset1(network).submit('put', 'b', '1')).rejects.toMatchObject({ code: 'SUBMIT_UNAVAILABLE', duty: 'retry' })
    } finally {
      down.heddleTestLogIsDown = false
    }
    await asset1(network).submit('put', 'b', '2')
    expect(text(await asset1(network).evaluate('get', 'b'))).toBe('2')
    // Some two hundred modules are transformed once more: a busy machine takes its time.
  }, 120_000)
})

describe('a plugin in the wrong place', () => {
  it.each([
    ['ordering', 'level', 'PLUGIN_WRONG_KIND'],
    ['stateDb', 'deliver', 'PLUGIN_WRONG_KIND'],
    ['identity', 'x590', 'PLUGIN_NOT_FOUND'],
    ['chaincodeRuntime', 'wroker', 'PLUGIN_NOT_FOUND'],
    ['dissemination', 'delivery', 'PLUGIN_NOT_FOUND'],
    ['blockStore', 'memory', 'PLUGIN_WRONG_KIND'],
  ])('%s: %s is %s, with the nearest right name', async (place, use, code) => {
    const error = await create({ [place]: use }).then(
      (network) => network.stop(),
      (reason: unknown) => reason as Error,
    )
    expect(error).toMatchObject({ code, duty: 'fix-config' })
    if (code === 'PLUGIN_NOT_FOUND') expect((error as Error).message).toMatch(/did you mean '(x509|worker|deliver)'\?/)
  })

  it('options of a built-in plugin that it does not have', async () => {
    await expect(create({ chaincodeRuntime: { use: 'worker', options: { memroy: 1 } } })).rejects.toMatchObject({
      code: 'PLUGIN_BAD_OPTIONS',
    })
  })
})

describe('runtimes', () => {
  it('worker and inline give the same results, refusals, events and contents', async () => {
    await writeFile(
      join(folder, 'ledger-work.mjs'),
      `export default {
        async invoke(stub) {
          const [name, ...args] = stub.getArgs()
          if (name === 'fill') {
            for (let i = 0; i < 120; i++) await stub.putState(stub.createCompositeKey('item', [String(i % 7), String(i)]), 'v' + i)
            await stub.putState('plain', args[0])
            stub.setEvent('filled', args[0])
            return 'filled'
          }
          if (name === 'sum') {
            let found = ''
            for await (const { key, value } of stub.getStateByPartialCompositeKey('item', [args[0]]))
              found += stub.splitCompositeKey(key).attributes.join('/') + '=' + Buffer.from(value) + ';'
            await stub.putState('sum', found)
            await stub.deleteState('plain')
            return found
          }
          if (name === 'who') return stub.getCreator().mspid + ' ' + stub.getTransient().get('secret') + ' ' + stub.getChannelID()
          if (name === 'history') {
            const seen = []
            for await (const { value, isDelete } of stub.getHistoryForKey('plain')) seen.push(isDelete ? 'deleted' : String(value))
            return seen.join()
          }
          throw new Error('no such function: ' + name)
        },
      }`,
    )
    const work = async (runtime: string) => {
      await using network = await createNetwork({
        organizations: ['Org1', 'Org2'],
        base,
        ordering: (await import('@heddle/consensus-solo')).default,
        chaincodeRuntime: runtime,
        chaincodes: { work: { module: './ledger-work.mjs', endorsement: BOTH } },
      })
      const contract = network.gateway('Org2').contract('work')
      const startBlock = network.channel('main').height
      const results: string[] = []
      results.push(text(await contract.submit('fill', 'x')))
      results.push(text(await contract.submit('sum', '3')))
      results.push(text(await contract.evaluate('who', { transient: { secret: 'hush' } })))
      results.push(text(await contract.evaluate('history')))
      results.push(await contract.evaluate('nothing').then(text, (error: Error) => error.message))
      for await (const event of network.gateway('Org2').channel('main').chaincodeEvents('work', { startBlock })) {
        results.push(`${event.eventName} ${text(event.payload)}`)
        break
      }
      await network.channel('main').synchronize()
      return { results, contents: await Promise.all(network.peers.map((peer) => peer.contentHash('main'))) }
    }
    const inline = await work('inline')
    expect(inline.results[0]).toBe('filled')
    expect(inline.results[2]).toBe('Org2MSP hush main')
    expect(inline.results[3]).toBe('deleted,x')
    expect(await work('worker')).toEqual(inline)
  })
})

describe('overrides', () => {
  it('a chaincode runtime of one node is that node’s alone, ends with it and comes again with it', async () => {
    const clock = manualClock(Date.UTC(2031, 0, 1))
    const answers: string[] = []
    const places: string[] = []
    await using network = await create({
      organizations: ['Org1', 'Org2'],
      chaincodes: { asset: { chaincode: asset, endorsement: "OR('Org1MSP.peer','Org2MSP.peer')" } },
      clock,
      overrides: {
        node: (container, { name, role }) => {
          if (name !== 'peer0.org1') return
          places.push(role)
          container.register(Tokens.ChaincodeRuntime, {
            useValue: {
              name: 'canned',
              start: async () => void answers.push('started'),
              stop: async () => void answers.push('stopped'),
              load: async () => ({
                invoke: () => ({ status: 200, message: '', payload: Buffer.from('canned') }),
                close: async () => {},
              }),
            },
          })
        },
        channel: (container, { channel, node }) => {
          if (node.role === 'orderer') return
          places.push(`${channel} at ${node.name} sees ${container.isRegistered(Tokens.Clock, true) ? 'the clock' : 'none'}`)
        },
      },
    })
    expect(text(await network.gateway('Org1').contract('asset').evaluate('get', 'a'))).toBe('canned')
    expect(text(await network.gateway('Org2').contract('asset').evaluate('get', 'a'))).toBe('')
    await network.peer('peer0.org1').stop()
    // The part that an override gave belongs to the node as its own would: it ends with it, and comes again with it.
    expect(answers).toEqual(['started', 'stopped'])
    await network.peer('peer0.org1').start()
    expect(answers).toEqual(['started', 'stopped', 'started'])
    expect(places).toEqual([
      'peer',
      'main at peer0.org1 sees the clock',
      'main at peer0.org2 sees the clock',
      'peer',
      'main at peer0.org1 sees the clock',
    ])
  })

  it('a hook that throws ends the start, and nothing stays open', async () => {
    const failing = create({
      overrides: {
        channel: () => {
          throw new Error('not today')
        },
      },
    })
    await expect(failing).rejects.toThrow('not today')
  })
})
