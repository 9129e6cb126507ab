import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { fileDisk } from './file-disk.ts'
import { memoryDisk } from './memory-disk.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'heddle-disk-'))
})
afterEach(() => rm(root, { recursive: true }))

/** A process that holds the lock of a folder until it is killed. */
async function holder(folder: string) {
  const module = JSON.stringify(new URL('./file-disk.ts', import.meta.url).href)
  const script = `const { fileDisk } = await import(${module}); await fileDisk(${JSON.stringify(folder)}).lock(''); console.log('held'); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('file disk', () => {
  it('a data folder that a living process holds is refused, and free once that process was killed', async () => {
    const child = await holder(root)
    await assert.rejects(fileDisk(root).lock(''), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'DISK_LOCKED')
      assert.match(error.message, new RegExp(`process ${child.pid}`))
      return true
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await fileDisk(root).lock('')
    await lock.release()
  })

  it('two disks on one folder in one process: the second lock is refused', async () => {
    const lock = await fileDisk(root).lock('')
    await assert.rejects(fileDisk(join(root, '.')).lock(''), { code: 'DISK_LOCKED' })
    await lock.release()
    await (await fileDisk(root).lock('')).release()
  })

  it('a lock of a process id that another process has now is stale', async () => {
    const lock = await fileDisk(root).lock('')
    const file = join(root, 'LOCK.heddle')
    const held = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    await lock.release()
    // The parent lives, but it did not start when this lock's holder did.
    await writeFile(file, JSON.stringify({ ...held, pid: process.ppid, started: '1' }))
    if (held.started === '') return
    await (await fileDisk(root).lock('')).release()
  })

  it('a lock from another machine is believed', async () => {
    const lock = await fileDisk(root).lock('')
    const file = join(root, 'LOCK.heddle')
    const held = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    await lock.release()
    await writeFile(file, JSON.stringify({ ...held, host: 'elsewhere' }))
    await assert.rejects(fileDisk(root).lock(''), { code: 'DISK_LOCKED' })
  })

  it('a lock file torn by a crash is stale', async () => {
    await writeFile(join(root, 'LOCK.heddle'), '{"pid": 12')
    await (await fileDisk(root).lock('')).release()
  })

  it('paths stay inside the data folder', async () => {
    for (const path of ['../x', '/etc/passwd', 'a/../../x', 'a\\b', 'C:/x', 'a\0b']) {
      for (const disk of [fileDisk(root), memoryDisk()]) {
        await assert.rejects(async () => disk.open(path, { create: true }), { code: 'DISK_BAD_PATH' })
      }
    }
  })

  it('a file where a folder should be is a typed error', async () => {
    const disk = fileDisk(root)
    await (await disk.open('file', { create: true })).close()
    await assert.rejects(async () => disk.open('file/below', { create: true }), { code: 'DISK_FAILED' })
  })

  it('a full file system: the typed error, and nothing of the write stays', async () => {
    // /dev/full answers every write with ENOSPC; it exists on Linux.
    if (process.platform !== 'linux') return
    const { RealFile } = await import('./real-file.ts')
    const file = await RealFile.open('/dev/full', false)
    assert.throws(() => file.append([new Uint8Array(10)]), { code: 'DISK_FULL' })
    assert.equal(file.size, 0)
    await file.close()
  })
})

describe('memory disk', () => {
  it('a clone has what was there and not what comes later', async () => {
    const disk = memoryDisk()
    const file = await disk.open('f/file', { create: true })
    file.append([Uint8Array.of(1)])
    const clone = disk.clone()
    file.append([Uint8Array.of(2)])
    const copy = await clone.open('f/file')
    assert.equal(copy.size, 1)
    copy.append([Uint8Array.of(3)])
    assert.deepEqual([...(await file.read(0, 2))], [1, 2])
    assert.deepEqual([...(await copy.read(0, 2))], [1, 3])
  })

  it('keeps files apart from those of its clone, whoever goes on writing first', async () => {
    const disk = memoryDisk()
    const original = await disk.open('log', { create: true })
    original.append([Uint8Array.of(1, 2, 3), Uint8Array.of(4)])
    original.append([Uint8Array.of(5)])
    const clone = disk.clone()
    const copy = await clone.open('log')
    original.append([Uint8Array.of(6, 7)])
    copy.append([Uint8Array.of(8)])
    await copy.truncate(4)
    copy.append([Uint8Array.of(9)])
    await original.truncate(6)
    original.append([Uint8Array.of(10)])
    assert.deepEqual([...(await original.read(0, original.size))], [1, 2, 3, 4, 5, 6, 10])
    assert.deepEqual([...(await copy.read(0, copy.size))], [1, 2, 3, 4, 9])
    const large = new Uint8Array(300_000).fill(11)
    original.append([large, Uint8Array.of(12)])
    original.append([Uint8Array.of(13)])
    assert.deepEqual([...(await original.read(7 + 300_000 - 2, 4))], [11, 11, 12, 13])
  })
})
