import process from 'node:process'

/** One line that is written over and over on a terminal, and nothing elsewhere. */
export interface Progress {
  show(text: string): void
  clear(): void
}

/** Milliseconds between two writes. */
const PACE = 100

/** A progress line on standard error. */
export function progressLine(): Progress {
  let shown = 0
  return {
    show(text) {
      const now = performance.now()
      if (process.stderr.isTTY !== true || now - shown < PACE) return
      shown = now
      process.stderr.write(`\r\u001b[K${text}`)
    },
    clear() {
      if (shown > 0) process.stderr.write('\r\u001b[K')
      shown = 0
    },
  }
}
