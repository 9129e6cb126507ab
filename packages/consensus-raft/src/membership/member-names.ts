import type { ChannelHost } from '@heddle/core/plugin'
import { type ConsenterSet, certificateOf, idOf } from './consenters.ts'

/**
 * Which node of the transport is which consenter. The certificate decides: the one that the channel configuration has for the id, and the
 * one that the connection proved.
 */
export class MemberNames {
  readonly #host: ChannelHost
  #set: ConsenterSet
  /** Certificates by node name, as last proved. */
  readonly #proved = new Map<string, string>()
  #names = new Map<number, string>()

  constructor(host: ChannelHost, set: ConsenterSet) {
    this.#host = host
    this.#set = set
  }

  /** The configuration has changed. */
  follow(set: ConsenterSet): void {
    this.#set = set
    this.#names = new Map()
  }

  /** Name of the node that is a consenter; undefined while nobody is known to be it. */
  nameOf(id: number): string | undefined {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const found = this.#search(id)
    if (found !== undefined) this.#names.set(id, found)
    return found
  }

  /**
   * Whether a node that proved an identity may speak for a consenter id: a certificate of the configuration speaks for its own id only. One that
   * is not there may be of a later configuration, which this node gets with its block.
   */
  maySpeakFor(name: string, identity: Uint8Array, id: number): boolean {
    const certificate = certificateOf(identity)
    if (id === 0 || idOf(this.#set, certificate) !== id) return false
    if (this.#proved.get(name) !== certificate) {
      this.#proved.set(name, certificate)
      for (const [known, holder] of this.#names) if (holder === name) this.#names.delete(known)
    }
    this.#names.set(id, name)
    return true
  }

  #search(id: number): string | undefined {
    const consenter = this.#set.consenters.find((each) => each.id === id)
    if (consenter === undefined) return undefined
    const { members } = this.#host
    for (const name of members) {
      const identity = this.#host.identityOf(name)
      const certificate = this.#proved.get(name) ?? (identity === undefined ? undefined : certificateOf(identity))
      if (certificate === consenter.certificate) return name
    }
    // Where identities are not known beforehand, the configuration may name the node itself.
    return members.find((name) => name === consenter.host && !this.#proved.has(name))
  }
}
