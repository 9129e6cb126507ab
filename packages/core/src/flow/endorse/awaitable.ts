import type { Awaitable } from '../../ports/lifecycle.ts'

/** Goes on at once with a value that is there, so that reads from a store that answers at once cost no promise. */
export function andThen<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
