/** A line of a transcript: virtual milliseconds, who, what. */
export type TraceListener = (time: number, who: string, what: string) => void

/**
 * What happened, as one number: two runs of a seed must give the same. With a listener it also tells the story; the story costs nothing
 * where nobody listens.
 */
export class Trace {
  readonly #listener: TraceListener | undefined
  #low = 0x811c9dc5
  #high = 0x1b873593
  #time: () => number = () => 0

  constructor(listener?: TraceListener) {
    this.#listener = listener
  }

  /** @internal */
  useClock(time: () => number): void {
    this.#time = time
  }

  /** Somebody reads along: only then is it worth making a text. */
  get told(): boolean {
    return this.#listener !== undefined
  }

  /** Mixes a number in. */
  mix(value: number): void {
    this.#low = Math.imul(this.#low ^ (value | 0), 0x01000193)
    this.#high = Math.imul((this.#high << 13) ^ (this.#high >>> 7) ^ (this.#low + ((value * 1e-3) | 0)), 0x9e3779b1)
  }

  mixBytes(bytes: Uint8Array): void {
    this.mix(bytes.length)
    // A few bytes and the ends tell messages apart; all of them would cost more than the message.
    for (let i = 0; i < bytes.length; i += bytes.length <= 64 ? 1 : 1 + (bytes.length >> 5)) this.mix(bytes[i]!)
  }

  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i))
  }

  /** A step worth telling. */
  tell(who: string, what: string): void {
    this.mixText(who)
    this.mixText(what)
    this.#listener?.(this.#time(), who, what)
  }

  /** Told only where somebody listens; not part of the hash. */
  whisper(who: string, what: () => string): void {
    this.#listener?.(this.#time(), who, what())
  }

  /** Hash of all so far, 16 hexadecimal digits. */
  get digest(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return hex(this.#high) + hex(this.#low)
  }
}
