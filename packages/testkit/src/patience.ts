/**
 * Fails when a promise does not settle in time. For what an implementation under test may never do: no rule of a suite depends on how
 * long something takes, and a correct implementation never waits for this.
 */
export async function within<T>(milliseconds: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves as soon as the condition holds; fails when it does not in time. */
export async function until(milliseconds: number, condition: () => boolean, what: string | (() => string)): Promise<void> {
  const end = performance.now() + milliseconds
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${typeof what === 'string' ? what : what()}: not within ${milliseconds} ms`)
    await turn()
  }
}

/** One turn of the event loop: everything that was ready has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
