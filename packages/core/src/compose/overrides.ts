import type { DependencyContainer } from '../injection.ts'

/** A node whose container an override gets. */
export interface NodeScope {
  readonly name: string
  readonly role: 'peer' | 'orderer'
  readonly mspId: string
}

/** A channel of a node whose container an override gets. */
export interface ChannelScope {
  readonly channel: string
  readonly node: NodeScope
}

/**
 * Changes to the parts of a network, by level. Each hook gets the container of its level before the level's own parts are made;
 * what it registers under one of the `Tokens` takes the place of the default: `container.register(Tokens.Clock, { useValue: clock })`.
 * A factory may give a promise; it is awaited at its own level, and called once.
 */
export interface Overrides {
  readonly network?: (container: DependencyContainer) => void | Promise<void>
  readonly node?: (container: DependencyContainer, node: NodeScope) => void | Promise<void>
  readonly channel?: (container: DependencyContainer, channel: ChannelScope) => void | Promise<void>
}
