import process from 'node:process'

/** Where a command speaks: data on standard output, everything else on standard error. */
export interface Output {
  print(text: string): void
  json(value: unknown): void
  say(line: string): void
}

export const terminal: Output = {
  print: (text) => void process.stdout.write(text),
  json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  say: (line) => void process.stderr.write(`heddle: ${line}\n`),
}

/** Resolves when the user wants the command to end. A second signal ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
