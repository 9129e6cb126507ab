import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfigFile } from './load-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('loadConfigFile', () => {
  it('reads YAML and JSON alike', async () => {
    const yaml = await loadConfigFile(
      await file('network.yaml', 'organizations: [Org1, { name: Org2, peers: 2 }]\nchannels:\n  trade:\n'),
    )
    const json = await loadConfigFile(
      await file(
        'network.json',
        JSON.stringify({ organizations: ['Org1', { name: 'Org2', peers: 2 }], channels: { trade: {} } }),
      ),
    )
    expect(yaml.organizations).toEqual(json.organizations)
    expect(yaml.channels).toEqual(json.channels)
    expect(yaml.organizations[1]?.peers).toEqual(['peer0.org2', 'peer1.org2'])
  })

  it('names line and column of an unknown key', async () => {
    const path = await file('typo.yaml', 'organizations:\n  - name: Org1\n    pears: 2\n')
    await expect(loadConfigFile(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${path}:3:5: organizations[0].pears is unknown; did you mean 'peers'?`,
    })
  })

  it('names line and column of a syntax error', async () => {
    const path = await file('broken.yaml', 'organizations: [Org1\nname: x\n')
    await expect(loadConfigFile(path)).rejects.toMatchObject({
      code: 'CONFIG_SYNTAX',
      message: expect.stringContaining(`${path}:`),
    })
  })

  it('refuses a file that is not there', async () => {
    await expect(loadConfigFile(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  })

  it('refuses aliases that would unfold without bound', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`),
    ]
    await expect(loadConfigFile(await file('bomb.yaml', bomb.join('\n')))).rejects.toThrow(/alias/i)
  })
})
