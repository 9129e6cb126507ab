/** How much a line matters, least first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Structured log: an object of fields, then a short constant message. */
export interface Logger {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  fatal(fields: object, message: string): void
  /** A logger with more fields; `subsystem` selects its level. */
  child(fields: { subsystem?: string; [field: string]: unknown }): Logger
  isEnabled(level: LogLevel): boolean
}
