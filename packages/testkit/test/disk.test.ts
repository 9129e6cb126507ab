import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { fileDisk } from '../../core/src/adapters/disk/file-disk.ts'
import { memoryDisk } from '../../core/src/adapters/disk/memory-disk.ts'
import { seededRandom } from '../../core/src/adapters/environment/random.ts'
import { faultyDisk } from '../src/disk/faulty-disk.ts'
import { writeBehindDisk } from '../src/disk/write-behind-disk.ts'
import { type DiskSubject, diskConformance } from '../src/disk-conformance/suite.ts'

const api = { describe, it }

async function onFiles(wrap: (disk: ReturnType<typeof fileDisk>) => DiskSubject['disk']): Promise<DiskSubject> {
  const root = await mkdtemp(join(tmpdir(), 'heddle-disk-'))
  return { disk: wrap(fileDisk(root)), dispose: () => rm(root, { recursive: true }) }
}

diskConformance(api, { name: 'files', create: () => onFiles((disk) => disk) })
diskConformance(api, { name: 'memory', create: async () => ({ disk: memoryDisk(), dispose: async () => {} }) })
diskConformance(api, {
  name: 'faulty, without a fault',
  create: async () => ({ disk: faultyDisk({ random: seededRandom(1) }), dispose: async () => {} }),
})
diskConformance(api, {
  name: 'write-behind over files',
  create: () => onFiles((disk) => writeBehindDisk(disk, { ignoreSync: false })),
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('faulty disk', () => {
  it('keeps what was synced and loses of the rest only', async () => {
    let lost = 0
    for (let seed = 0; seed < 50; seed++) {
      const disk = faultyDisk({ random: seededRandom(seed) })
      const file = await disk.open('f/file', { create: true })
      await disk.syncFolder('f')
      await file.append([new Uint8Array(700).fill(1)])
      await file.datasync()
      await file.append([new Uint8Array(2000).fill(2)])
      disk.crash()
      const left = disk.bytes('f/file')
      assert.ok(left.length >= 700 && left.length <= 2700)
      assert.ok(left.subarray(0, 700).every((byte) => byte === 1))
      assert.ok(left.subarray(700).every((byte) => byte === 2 || byte === 0))
      if (left.length < 2700 || left.includes(0)) lost++
    }
    assert.ok(lost > 25, 'most crashes lose something')
  })

  it('may lose a file whose folder was not synced', async () => {
    const outcomes = new Set<boolean>()
    for (let seed = 0; seed < 20; seed++) {
      const disk = faultyDisk({ random: seededRandom(seed) })
      await disk.open('f/file', { create: true })
      disk.crash()
      outcomes.add(await disk.exists('f/file'))
    }
    assert.deepEqual([...outcomes].sort(), [false, true])
  })

  it('with syncs ignored, loses what was acknowledged', async () => {
    let lost = 0
    for (let seed = 0; seed < 20; seed++) {
      const disk = faultyDisk({ random: seededRandom(seed), ignoreSync: true })
      const file = await disk.open('file', { create: true })
      await file.append([new Uint8Array(1000).fill(1)])
      await file.datasync()
      disk.crash()
      if (!(await disk.exists('file')) || disk.bytes('file').length < 1000) lost++
    }
    assert.ok(lost > 10)
  })

  it('fails where it is told to, and a failed sync is final', async () => {
    const disk = faultyDisk({ random: seededRandom(1), capacity: 10 })
    const file = await disk.open('file', { create: true })
    await file.append([bytes('12345')])
    assert.throws(() => file.append([bytes('678901')]), { code: 'DISK_FULL' })
    assert.equal(file.size, 5)
    disk.failNext('datasync')
    await assert.rejects(file.datasync(), { code: 'DISK_FAILED' })
    await assert.rejects(file.datasync(), { code: 'DISK_FAILED' })
  })
})

describe('write-behind disk', () => {
  it('writes to the disk below at a sync and not before', async () => {
    const below = memoryDisk()
    const disk = writeBehindDisk(below, { ignoreSync: false })
    const file = await disk.open('file', { create: true })
    await file.append([bytes('one')])
    assert.equal((await below.open('file')).size, 0)
    await file.datasync()
    await file.append([bytes('two')])
    assert.equal((await below.open('file')).size, 3)
    assert.equal(Buffer.from(await file.read(1, 4)).toString(), 'netw')
    await file.close()
    assert.equal((await below.open('file')).size, 3)
  })

  it('with syncs ignored, writes nothing', async () => {
    const below = memoryDisk()
    const file = await writeBehindDisk(below, { ignoreSync: true }).open('file', { create: true })
    await file.append([bytes('one')])
    await file.datasync()
    assert.equal((await below.open('file')).size, 0)
  })
})
