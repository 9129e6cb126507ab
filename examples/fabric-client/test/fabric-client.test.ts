import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const own = fileURLToPath(new URL('..', import.meta.url))
const heddle = join(own, '../../packages/cli/dist/main.js')
const run = promisify(execFile)

it("Fabric's own client library does all of it against heddle dev", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-fabric-client-'))
  const args = ['dev', join(own, 'chaincode'), '--name', 'notes', '--json', '--any-ports', '--no-watch', '--folder', folder]
  const network = spawn(process.execPath, [heddle, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => network.on('exit', resolve))
  try {
    const { value } = await createInterface({ input: network.stdout })[Symbol.asyncIterator]().next()
    const { identities, endpoints } = JSON.parse(value as string)
    const [{ address }] = endpoints
    const { stdout } = await run(process.execPath, [join(own, 'client.mjs'), identities], {
      env: { ...process.env, PEER_ENDPOINT: address },
    })
    expect(stdout).toMatch(/^submitted, and reads 'hello'$/m)
    expect(stdout).toMatch(/^transaction \w{8}\.\.\. is in block \d+, successful: true$/m)
    expect(stdout).toMatch(/^signed offline, successful: true$/m)
    expect(stdout).toMatch(/^events: 3, each once: true$/m)
    expect(stdout).toMatch(/^refused as it should be: ABORTED\n {2}Org1MSP: .*there is no note nothing/m)
  } finally {
    network.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true })
  }
})
