import process from 'node:process'

/** One step of the story, as it is shown. */
export interface Step {
  readonly letter?: string
  /** Who acts, and what: `ImporterBank issues the letter`. */
  readonly what: string
  readonly outcome: 'valid' | 'invalid' | 'not endorsed'
  readonly endorsers: readonly string[]
  readonly block?: number
  /** Validation code of the ledger, or the error code of a refusal before ordering. */
  readonly code: string
  readonly milliseconds: number
  /** Why a refusal was refused. */
  readonly reason?: string
  /** Whether the rules demand this outcome. */
  readonly asExpected: boolean
}

/** Shows the story: coloured on a terminal, plain lines in a pipe, nothing before the final object with `--json`. */
export interface Teller {
  heading(text: string): void
  note(text: string): void
  step(step: Step): void
  /** Several lines of names and values. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void
}

export function teller(mode: 'terminal' | 'plain' | 'silent', out: NodeJS.WritableStream = process.stdout): Teller {
  if (mode === 'silent') return { heading() {}, note() {}, step() {}, facts() {} }
  const paint = (codes: string, text: string): string => (mode === 'terminal' ? `\u001b[${codes}m${text}\u001b[0m` : text)
  const line = (text = ''): void => void out.write(`${text}\n`)
  return {
    heading(text) {
      line()
      line(mode === 'terminal' ? paint('1;36', `━━ ${text} ${'━'.repeat(Math.max(0, 76 - text.length))}`) : `== ${text}`)
    },
    note(text) {
      line(paint('2', `   ${text}`))
    },
    step(step) {
      const good = step.outcome === 'valid' && step.asExpected
      const mark = good ? paint('1;32', '✔') : step.asExpected ? paint('1;33', '✋') : paint('1;31', '✘')
      const block = step.block === undefined ? 'not ordered' : `block ${step.block}`
      line(
        `${mode === 'terminal' ? ` ${mark}` : good ? 'ok     ' : step.asExpected ? 'refused' : 'FAILED '} ${step.what.padEnd(54)} ${paint(good ? '32' : '33', step.code.padEnd(26))} ${block.padEnd(11)} ${step.milliseconds.toFixed(1).padStart(7)} ms`,
      )
      const endorsers = step.endorsers.length === 0 ? 'no endorsement' : `endorsed by ${step.endorsers.join(', ')}`
      line(
        paint(
          '2',
          `${mode === 'terminal' ? '   ' : '        '}${endorsers}${step.reason === undefined ? '' : ` · ${step.reason}`}`,
        ),
      )
    },
    facts(facts) {
      const width = Math.max(...facts.map(([name]) => name.length))
      for (const [name, value] of facts) line(`   ${paint('2', name.padEnd(width))}  ${paint('1', value)}`)
    },
  }
}
