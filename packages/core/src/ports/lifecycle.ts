/** A part that is started once and stopped once. */
export interface Lifecycle {
  /** Resolves when the part serves. What it depends on has been started before; what depends on it has not. */
  start(): Promise<void>
  /** Ends all work and frees what it holds. What depends on it has been stopped before. Safe to call twice, and before `start`. */
  stop(): Promise<void>
}

/** A value now, or a promise of it: a port answers at once where its store can. */
export type Awaitable<T> = T | Promise<T>
