import { memoryDisk } from '@heddle/core/testing'
import { orderedLogConformance, orderingConformance } from '@heddle/testkit'
import { describe, expect, it } from 'vitest'
import { FileLog } from '../src/file-log.ts'
import fileLog from '../src/index.ts'

const logsOn = (disk: ReturnType<typeof memoryDisk>) => {
  // A second writer of one file would overwrite the first: a log is opened once.
  const open = new Map<string, FileLog>()
  return {
    start: async () => {},
    stop: async () => {},
    open: async (channel: string) => open.get(channel) ?? open.set(channel, new FileLog(disk, `logs/${channel}`)).get(channel)!,
  }
}

orderedLogConformance(
  { describe, it },
  {
    name: 'a file',
    create: async () => {
      const disk = memoryDisk()
      return { provider: logsOn(disk), reopen: async () => logsOn(disk), dispose: async () => {} }
    },
  },
)

orderingConformance({ describe, it }, { name: 'over a file', plugin: fileLog })

describe('a torn record at the end of the file', () => {
  it('is cut off wherever the crash cut, zeros in its place or not, and the records before it stay', async () => {
    const disk = memoryDisk()
    const log = new FileLog(disk, 'logs/whole')
    await log.start()
    const first = Number(Buffer.from(await log.append([Buffer.from('first')])).readBigUInt64BE())
    await log.append([Buffer.from('second')])
    const whole = await disk.open('logs/whole')
    const bytes = await whole.read(0, whole.size)
    for (let size = first; size < bytes.length; size++) {
      for (const tail of [0, bytes.length - size]) {
        const path = `logs/torn-${size}-${tail}`
        const file = await disk.open(path, { create: true })
        await file.append([bytes.subarray(0, size), new Uint8Array(tail)])
        await new FileLog(disk, path).start()
        expect({ size, tail, left: file.size }).toEqual({ size, tail, left: first })
      }
    }
  })
})
