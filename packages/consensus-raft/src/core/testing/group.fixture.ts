import type { MemberId, Message } from '../types.ts'
import type { Single } from './single.fixture.ts'

/** Several cores whose messages arrive at once and in order, but for those that a test drops. */
export class Group {
  readonly #members = new Map<MemberId, Single>()
  drop: (message: Message) => boolean = () => false

  constructor(...members: Single[]) {
    for (const member of members) this.#members.set(member.core.id, member)
  }

  member(id: MemberId): Single {
    return this.#members.get(id)!
  }

  /** Delivers until nothing is under way. */
  settle(): void {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      let moved = false
      for (const member of this.#members.values()) {
        member.pump()
        for (const message of member.sent()) {
          moved = true
          if (this.drop(message)) continue
          const receiver = this.#members.get(message.to)
          receiver?.core.receive(message, receiver.now)
        }
      }
      if (!moved) return
    }
    throw new Error('the group does not come to rest')
  }

  /** Lets time pass for all, deadline by deadline of the first of them that is due. */
  elapse(by: number): void {
    for (const member of this.#members.values()) {
      member.now += by
      member.core.tick(member.now)
    }
    this.settle()
  }
}
