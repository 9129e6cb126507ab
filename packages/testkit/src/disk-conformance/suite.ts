import assert from 'node:assert/strict'
import type { Disk } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'

/** A disk under test. */
export interface DiskSubject {
  readonly disk: Disk
  dispose(): Promise<void>
}

/** How the suite gets its disks. */
export interface DiskSuite {
  readonly name: string
  /** A new, empty disk. */
  create(): Promise<DiskSubject>
  readonly skips?: readonly Skip[]
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const string = (data: Uint8Array): string => new TextDecoder().decode(data)
const coded =
  (code: string) =>
  (error: { code?: string }): boolean =>
    error.code === code

const tests: Record<string, (subject: DiskSubject) => Promise<void>> = {
  'a file is made with its folders, and only when asked for': async ({ disk }) => {
    await assert.rejects(async () => disk.open('a/b/file'), coded('DISK_NOT_FOUND'))
    const file = await disk.open('a/b/file', { create: true })
    assert.equal(file.size, 0)
    assert.equal(await disk.exists('a/b/file'), true)
    assert.equal(await disk.exists('a/b'), true)
    assert.equal(await disk.exists('a/c'), false)
    await file.close()
    await (await disk.open('a/b/file')).close()
  },

  'appends follow one another and give their offsets': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    assert.equal(await file.append([bytes('one'), bytes('two')]), 0)
    assert.equal(await file.append([bytes('three')]), 6)
    assert.equal(await file.append([]), 11)
    assert.equal(file.size, 11)
    assert.equal(string(await file.read(0, 11)), 'onetwothree')
    assert.equal(string(await file.read(2, 5)), 'etwot')
    assert.equal((await file.read(11, 0)).length, 0)
    await file.datasync()
    await file.close()
  },

  'appends made in one turn are in call order': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    const parts = Array.from({ length: 50 }, (_, i) => `[${i}]`)
    const offsets = await Promise.all(parts.map((part) => file.append([bytes(part)])))
    assert.equal(string(await file.read(0, file.size)), parts.join(''))
    assert.deepEqual(
      offsets,
      [...offsets].sort((a, b) => a - b),
    )
    await file.close()
  },

  'a write of very many chunks is whole': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    await file.append(Array.from({ length: 3000 }, (_, i) => Uint8Array.of(i & 255)))
    const back = await file.read(0, 3000)
    assert.ok(back.every((byte, i) => byte === (i & 255)))
    await file.close()
  },

  'syncs that are asked for at once all resolve, in order': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    const order: number[] = []
    await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        await file.append([bytes('x')])
        await file.datasync()
        order.push(i)
      }),
    )
    assert.deepEqual(order, [0, 1, 2, 3])
    await file.close()
  },

  'reading past the end is an error': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    await file.append([bytes('abc')])
    await assert.rejects(async () => file.read(0, 4), coded('DISK_SHORT_READ'))
    await assert.rejects(async () => file.read(4, 1), coded('DISK_SHORT_READ'))
    await file.close()
  },

  'truncating takes the end away, and appends go on there': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    await file.append([bytes('abc'), bytes('def')])
    await file.append([bytes('ghi')])
    await file.truncate(4)
    assert.equal(file.size, 4)
    assert.equal(await file.append([bytes('X')]), 4)
    assert.equal(string(await file.read(0, 5)), 'abcdX')
    await file.truncate(0)
    assert.equal(file.size, 0)
    await file.close()
  },

  'what was synced is there when the file is opened again': async ({ disk }) => {
    const file = await disk.open('folder/file', { create: true })
    await file.append([bytes('kept')])
    await file.datasync()
    await disk.syncFolder('folder')
    await file.close()
    const again = await disk.open('folder/file')
    assert.equal(string(await again.read(0, again.size)), 'kept')
    await again.append([bytes('!')])
    assert.equal(string(await again.read(0, again.size)), 'kept!')
    await again.close()
  },

  'a closed file refuses work': async ({ disk }) => {
    const file = await disk.open('file', { create: true })
    await file.close()
    await file.close()
    await assert.rejects(async () => file.append([bytes('x')]), coded('DISK_CLOSED'))
    await assert.rejects(async () => file.read(0, 0), coded('DISK_CLOSED'))
  },

  'a folder lists its names, sorted': async ({ disk }) => {
    for (const path of ['f/b', 'f/a', 'f/sub/c', 'other']) await (await disk.open(path, { create: true })).close()
    assert.deepEqual(await disk.list('f'), ['a', 'b', 'sub'])
    assert.deepEqual(await disk.list('f/sub'), ['c'])
    assert.deepEqual(await disk.list('nowhere'), [])
    await disk.makeFolder('empty/deep')
    assert.deepEqual(await disk.list('empty'), ['deep'])
  },

  'renaming replaces, removing is thorough and forgiving': async ({ disk }) => {
    const file = await disk.open('f/new', { create: true })
    await file.append([bytes('new')])
    await file.datasync()
    await file.close()
    await (await disk.open('f/old', { create: true })).close()
    await disk.rename('f/new', 'f/old')
    assert.deepEqual(await disk.list('f'), ['old'])
    const old = await disk.open('f/old')
    assert.equal(string(await old.read(0, 3)), 'new')
    await old.close()
    await assert.rejects(async () => disk.rename('f/none', 'f/x'), coded('DISK_NOT_FOUND'))
    await disk.remove('f')
    await disk.remove('f')
    assert.equal(await disk.exists('f/old'), false)
    assert.deepEqual(await disk.list(''), [])
  },

  'a folder is locked once': async ({ disk }) => {
    const lock = await disk.lock('data')
    await assert.rejects(async () => disk.lock('data'), coded('DISK_LOCKED'))
    const other = await disk.lock('other')
    await other.release()
    await lock.release()
    await lock.release()
    await (await disk.lock('data')).release()
  },
}

/** The rules of the Disk port. */
export function diskConformance(api: TestApi, suite: DiskSuite): void {
  registerSuite(
    api,
    `Disk: ${suite.name}`,
    () => suite.create(),
    (subject) => subject.dispose(),
    tests,
    suite.skips,
  )
}
