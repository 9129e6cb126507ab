import type { Logger as Pino } from 'pino'
import type { Logger, LogLevel } from '../../ports/logger.ts'

export interface LogOptions {
  /** Level of everything that has none of its own. Default `info`. */
  readonly level?: LogLevel | 'silent'
  /** Level by subsystem (`ledger`, `ordering`, `gateway`, ...). */
  readonly subsystems?: Readonly<Record<string, LogLevel | 'silent'>>
  /** Where lines go; default standard error, so that standard output is free for results. */
  readonly destination?: { write(line: string): void }
}

class PinoLogger implements Logger {
  readonly #pino: Pino
  readonly #levels: LogOptions

  constructor(pino: Pino, levels: LogOptions) {
    this.#pino = pino
    this.#levels = levels
  }

  trace(fields: object, message: string): void {
    this.#pino.trace(fields, message)
  }
  debug(fields: object, message: string): void {
    this.#pino.debug(fields, message)
  }
  info(fields: object, message: string): void {
    this.#pino.info(fields, message)
  }
  warn(fields: object, message: string): void {
    this.#pino.warn(fields, message)
  }
  error(fields: object, message: string): void {
    this.#pino.error(fields, message)
  }
  fatal(fields: object, message: string): void {
    this.#pino.fatal(fields, message)
  }

  child(fields: { subsystem?: string; [field: string]: unknown }): Logger {
    const own = fields.subsystem === undefined ? undefined : this.#levels.subsystems?.[fields.subsystem]
    return new PinoLogger(this.#pino.child(fields, own === undefined ? {} : { level: own }), this.#levels)
  }

  isEnabled(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level)
  }
}

/** Structured logs, one JSON object a line, by pino; loads pino when called. Errors show under `error` with code, duty and data. */
export async function pinoLogger(options: LogOptions = {}): Promise<Logger> {
  const { pino, destination, stdSerializers } = await import('pino')
  const settings = {
    level: options.level ?? 'info',
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { error: stdSerializers.errWithCause, err: stdSerializers.errWithCause },
  }
  // Synchronous: what a node says right before it ends must not be lost.
  const target = options.destination ?? destination({ dest: 2, sync: true })
  return new PinoLogger(pino(settings, target), options)
}
