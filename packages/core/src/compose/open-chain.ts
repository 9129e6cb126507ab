import type { Block } from '../model/block.ts'
import { NodeError } from '../node/errors.ts'
import type { BlockStore } from '../ports/block-store.ts'

/**
 * Begins a chain with its genesis block, or makes sure that the one that is there began with it.
 *
 * @throws NodeError NODE_WRONG_GENESIS
 */
export async function openChain(store: BlockStore, genesis: Block, node: string, channel: string): Promise<void> {
  if (store.height === 0) await store.append(genesis)
  else await checkGenesis(store, genesis, node, channel)
}

/** @throws NodeError NODE_WRONG_GENESIS */
export async function checkGenesis(store: BlockStore, genesis: Block, node: string, channel: string): Promise<void> {
  const first = await store.get(0)
  if (first !== undefined && Buffer.compare(first.hash(), genesis.hash()) === 0) return
  throw new NodeError('NODE_WRONG_GENESIS', `${node} has another genesis block of channel ${channel}`, { node, channel })
}
