/** Lets a number of things happen at once, and so many a second after that. Time is given, in milliseconds. */
export class TokenBucket {
  private readonly size: number
  private readonly perSecond: number
  private tokens: number
  private at: number

  constructor(size: number, perSecond: number, now: number) {
    this.size = size
    this.perSecond = perSecond
    this.tokens = size
    this.at = now
  }

  take(now: number): boolean {
    this.tokens = Math.min(this.size, this.tokens + ((now - this.at) / 1000) * this.perSecond)
    this.at = now
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}
