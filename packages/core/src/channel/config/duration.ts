const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
const WHOLE = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
/** Go's durations end here: 2^63 nanoseconds. */
const MAX_NANOSECONDS = 2 ** 63

/** Milliseconds of a duration in Go's notation (`2s`, `1h30m`, `500ms`), or undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  if (!WHOLE.test(text)) return undefined
  let nanoseconds = 0
  for (const [, amount, unit] of text.matchAll(PART)) nanoseconds += Number(amount) * UNITS[unit!]!
  if (nanoseconds >= MAX_NANOSECONDS) return undefined
  return (text.startsWith('-') ? -nanoseconds : nanoseconds) / 1e6
}

/** A duration of 0 or more milliseconds as Go prints it: `2s`, `1m30s`, `500ms`, `1.5µs`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(milliseconds * 1e6)
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 1e3) return `${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const minutes = Math.floor(nanoseconds / 60e9)
  const seconds = `${(nanoseconds - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return seconds
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`
}
