import type { Clock } from '@heddle/core/plugin'

/** An end to something that takes time: after so many milliseconds, or when a parent signal aborts. */
export interface Deadline {
  readonly signal: AbortSignal
  /** It is done: the deadline is forgotten. */
  done(): void
}

export function deadline(clock: Clock, milliseconds: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  const timer = clock.setTimer(milliseconds, end)
  if (parent?.aborted === true) end()
  parent?.addEventListener('abort', end, { once: true })
  return {
    signal: controller.signal,
    done() {
      timer.cancel()
      parent?.removeEventListener('abort', end)
    },
  }
}
