import type { Environment } from '@heddle/core/plugin'

const PATH = 'gossip/node-key'
const LENGTH = 32

/** Seed of the node's libp2p key: made once, kept with the node's data, so that others know the node again. */
export async function nodeKeySeed({ disk, random }: Pick<Environment, 'disk' | 'random'>): Promise<Uint8Array> {
  if (await disk.exists(PATH)) {
    const file = await disk.open(PATH)
    try {
      if (file.size === LENGTH) return await file.read(0, LENGTH)
    } finally {
      await file.close()
    }
    // Torn when it was made: nobody knows it yet.
    await disk.remove(PATH)
  }
  const seed = random.fork('gossip node key').bytes(LENGTH)
  const file = await disk.open(PATH, { create: true })
  await file.append([seed])
  await file.datasync()
  await file.close()
  return seed
}
