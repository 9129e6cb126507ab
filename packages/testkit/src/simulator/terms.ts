import { HeddleError } from '@heddle/core/plugin'

/** The channel of every simulation. */
export const CHANNEL = 'simulation'

/** What an error is called: its code, if it has one. */
export function nameOf(error: unknown): string {
  return error instanceof HeddleError ? (error as { code: string }).code : String((error as Error | undefined)?.name ?? error)
}
