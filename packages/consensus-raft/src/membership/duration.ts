const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy

/** Milliseconds of a duration in Go's notation (`500ms`, `1m30s`), as Fabric's tick interval has it; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  let total = 0
  let at = 0
  PART.lastIndex = 0
  for (let match = PART.exec(text); match !== null; match = PART.exec(text)) {
    total += Number(match[1]) * UNITS[match[2]!]!
    at = PART.lastIndex
  }
  return at === text.length && at > 0 && Number.isFinite(total) ? total : undefined
}
