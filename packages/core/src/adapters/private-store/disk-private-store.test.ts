import { expect, it } from 'vitest'
import { sha256 } from '../../model/sha256.ts'
import { MemoryDisk } from '../disk/memory-disk.ts'
import { DiskPrivateStore } from './disk-private-store.ts'

const value = (text: string): Uint8Array => Buffer.from(text)
const write = (text: string) => ({ namespace: 'cc', collection: 'c', key: 'k', value: value(text) })
const PATH = 'private/values'

async function filled(...texts: string[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const store = await DiskPrivateStore.open(disk, PATH)
  for (const text of texts) await store.keep('tx', [write(text)])
  await store.close()
  return disk
}

async function rewrite(disk: MemoryDisk, change: (content: Buffer) => Uint8Array): Promise<void> {
  const file = await disk.open(PATH)
  const content = change(Buffer.from(await file.read(0, file.size)))
  await file.truncate(0)
  await file.append([content])
  await file.close()
}

it('values are found again after a restart, by their hash and collection', async () => {
  const store = await DiskPrivateStore.open(await filled('one', 'two'), PATH)
  expect(store.get('cc', 'c', sha256(value('one')))).toEqual(new Uint8Array(value('one')))
  expect(store.get('cc', 'other', sha256(value('one')))).toBeUndefined()
  expect(store.get('cc', 'c', sha256(value('three')))).toBeUndefined()
})

it('a tail torn at any byte is cut off, and the values before it stay', async () => {
  const whole = await filled('one')
  const kept = (await whole.open(PATH)).size
  const full = (await (await filled('one', 'two')).open(PATH)).size
  for (let size = kept; size < full; size++) {
    const disk = await filled('one', 'two')
    await rewrite(disk, (content) => content.subarray(0, size))
    const store = await DiskPrivateStore.open(disk, PATH)
    expect(store.get('cc', 'c', sha256(value('one')))).toBeDefined()
    expect(store.get('cc', 'c', sha256(value('two')))).toBeUndefined()
    await store.keep('tx', [write('three')])
    await store.close()
    const again = await DiskPrivateStore.open(disk, PATH)
    expect(again.get('cc', 'c', sha256(value('three')))).toBeDefined()
  }
})

it('damage before the tail is refused', async () => {
  const first = (await (await filled()).open(PATH)).size
  const second = (await (await filled('one')).open(PATH)).size
  for (let at = first; at < second; at++) {
    const disk = await filled('one', 'two')
    await rewrite(disk, (content) => {
      content[at]! ^= 1
      return content
    })
    await expect(DiskPrivateStore.open(disk, PATH)).rejects.toMatchObject({ code: 'PRIVATE_STORE_CORRUPT' })
  }
})

it('another format is refused', async () => {
  const disk = await filled('one')
  await rewrite(disk, (content) => Buffer.from(content.toString('latin1').replace('values 1', 'values 9'), 'latin1'))
  await expect(DiskPrivateStore.open(disk, PATH)).rejects.toMatchObject({ code: 'PRIVATE_STORE_FORMAT_UNKNOWN' })
})

it('after a failed sync nothing is kept any more', async () => {
  const disk = new MemoryDisk()
  const open = disk.open.bind(disk)
  let broken = false
  disk.open = async (path, options) => {
    const file = await open(path, options)
    const datasync = file.datasync.bind(file)
    file.datasync = () => (broken ? Promise.reject(new Error('disk')) : datasync())
    return file
  }
  const store = await DiskPrivateStore.open(disk, PATH)
  broken = true
  await expect(store.keep('tx', [write('one')])).rejects.toMatchObject({ code: 'PRIVATE_STORE_FAILED' })
  broken = false
  await expect(store.keep('tx', [write('two')])).rejects.toMatchObject({ code: 'PRIVATE_STORE_FAILED' })
  expect(store.get('cc', 'c', sha256(value('one')))).toBeUndefined()
})
