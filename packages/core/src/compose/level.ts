import { type DependencyContainer, rootContainer } from '../injection.ts'
import type { Token } from '../ports/tokens.ts'

/** Parts that know how to end. */
interface Owned {
  readonly name: string
  readonly stop: () => Promise<void> | void
}

/**
 * One level of a network: its container (network, node, or channel of a node) and what was started at it. The container assembles;
 * this class owns lifetimes: each part is made and awaited at its own level, then registered as an instance, and ended in the reverse
 * order.
 */
export class Level {
  readonly container: DependencyContainer
  private readonly owned: Owned[] = []

  private constructor(container: DependencyContainer) {
    this.container = container
  }

  static root(): Level {
    // A child of the global container, so that networks of one process share nothing by accident.
    return new Level(rootContainer.createChildContainer())
  }

  child(): Level {
    return new Level(this.container.createChildContainer())
  }

  /**
   * Registers a part. What an override registered at this level before comes in its place: a value, a class or a factory, which may
   * give a promise.
   */
  async provide<T>(token: Token<T>, make: () => T | Promise<T>, stop?: (part: T) => Promise<void> | void): Promise<T> {
    const overridden = this.container.isRegistered<T>(token, false)
    const part = await (overridden ? this.container.resolve<T | Promise<T>>(token) : make())
    this.container.registerInstance<T>(token, part)
    if (stop !== undefined) this.own(String(token.description), () => stop(part))
    return part
  }

  /** The part as this level sees it: its own, or that of a level above. */
  get<T>(token: Token<T>): T {
    return this.container.resolve<T>(token)
  }

  /** Something that must end when this level ends. */
  own(name: string, stop: () => Promise<void> | void): void {
    this.owned.push({ name, stop })
  }

  /** Ends one part before its turn, for what depends on it at other levels. */
  async stopFirst(name: string): Promise<void> {
    const index = this.owned.findLastIndex((part) => part.name === name)
    if (index >= 0) await this.owned.splice(index, 1)[0]?.stop()
  }

  /** Ends everything in reverse order. All parts get their turn; the first error is thrown at the end. */
  async stop(): Promise<void> {
    let failed: { readonly error: unknown } | undefined
    for (let part = this.owned.pop(); part !== undefined; part = this.owned.pop()) {
      try {
        await part.stop()
      } catch (error) {
        failed ??= { error }
      }
    }
    this.container.clearInstances()
    if (failed !== undefined) throw failed.error
  }
}
