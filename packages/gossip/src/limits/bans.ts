/** Who is not talked to for a while, by any name; a bounded number of them, the oldest forgotten first. */
export class Bans {
  private readonly until = new Map<string, number>()
  private readonly most: number

  constructor(most = 10_000) {
    this.most = most
  }

  add(name: string, until: number): void {
    this.until.delete(name)
    this.until.set(name, until)
    if (this.until.size > this.most) this.until.delete(this.until.keys().next().value!)
  }

  has(name: string, now: number): boolean {
    const until = this.until.get(name)
    if (until === undefined) return false
    if (until > now) return true
    this.until.delete(name)
    return false
  }
}
