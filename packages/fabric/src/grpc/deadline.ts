/** Milliseconds of each unit in `grpc-timeout`. */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** The longest that a timer can wait. */
const LONGEST = 2 ** 31 - 1

/**
 * Milliseconds that a client gives a call, from its header `grpc-timeout`: at most eight digits and a unit.
 *
 * @returns undefined when it waits for ever, NaN when the header is none
 */
export function timeoutOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const unit = UNITS[header.slice(-1)]
  const digits = header.slice(0, -1)
  if (unit === undefined || !/^[0-9]{1,8}$/.test(digits)) return Number.NaN
  return Math.min(Number(digits) * unit, LONGEST)
}
