import type { Logger } from '../../ports/logger.ts'

const nothing = (): void => {}

/** A logger that says nothing: the default in code and in tests. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
  isEnabled: () => false,
}
