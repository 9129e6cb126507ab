// What `@heddle/gossip` publishes: the plugin, and its options.

export { GossipError } from './errors.ts'
export type { GossipOptions, NodeAddresses } from './options.ts'
export { gossip, gossip as default } from './plugin.ts'
