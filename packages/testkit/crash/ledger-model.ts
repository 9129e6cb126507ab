import type { ReportLine, SeenBlock, SeenState } from './report-line.ts'

const VALID = 0
/** Complaints of one examination that are worth reading. */
const MAX_COMPLAINTS = 10

export interface Acknowledged {
  readonly ordered: number
  readonly committed: number
}

/**
 * What must be true, whatever was killed when: fed with all that the killed processes told, and with what each new one finds. It knows
 * the promises and nothing of how they are kept.
 */
export class LedgerModel {
  /** The counter that each transaction raises, if any. */
  private readonly sent = new Map<string, string | null>()
  private readonly ordered = new Set<string>()
  private readonly committed = new Map<string, { blockNumber: number; code: number }>()
  private readonly configured = new Set<number>()
  private readonly chains = new Map<string, SeenBlock[]>()
  private states = new Map<string, SeenState>()
  private complaints: string[] = []
  private ordererHeight = 0
  /** Sent by the process that runs, and not committed yet. */
  private open = new Map<string, { organization: string; transaction: string }>()

  get acknowledged(): Acknowledged {
    return { ordered: this.ordered.size, committed: this.committed.size }
  }

  /** Blocks of the shortest chain that was examined. */
  get height(): number {
    return this.chains.size === 0 ? 0 : Math.min(...[...this.chains.values()].map((chain) => chain.length))
  }

  /** Of the last examination. */
  state(peer: string): SeenState | undefined {
    return this.states.get(peer)
  }

  /** Transactions whose outcome the killed process did not tell. */
  outstanding(limit: number): { organization: string; transaction: string }[] {
    return [...this.open.values()].slice(0, limit)
  }

  /** A new process starts. */
  begin(): void {
    this.states = new Map()
    this.open = new Map()
  }

  take(line: ReportLine): void {
    switch (line[0]) {
      case 'started':
        this.ordererHeight = line[1]
        break
      case 'block':
        this.addBlock(line[1], line[2])
        break
      case 'state':
        this.states.set(line[1], line[2])
        break
      case 'sending':
        this.sent.set(line[1], line[3])
        this.open.set(line[1], { organization: line[2], transaction: line[4] })
        break
      case 'ordered':
        this.ordered.add(line[1])
        break
      case 'committed':
        this.open.delete(line[1])
        this.addCommitted(line[1], line[2], line[3])
        break
      case 'configured':
        this.configured.add(line[1])
        break
      default:
    }
  }

  /** Of a new process whose chains begin anew because the databases beside the block files were taken away. */
  forgetChains(): void {
    this.chains.clear()
  }

  /** Acknowledged transactions that no examined chain of some peer holds. */
  lost(): number {
    const chains = [...this.chains.values()].map(
      (chain) => new Set(chain.flatMap(({ transactions }) => transactions.map(([txId]) => txId))),
    )
    return [...this.ordered].filter((txId) => chains.length === 0 || !chains.every((chain) => chain.has(txId))).length
  }

  /** All that is wrong with what the last examination found; empty when every promise was kept. */
  check(peers: readonly string[]): string[] {
    for (const peer of peers) {
      const chain = this.chains.get(peer)
      const state = this.states.get(peer)
      if (chain === undefined || state === undefined) this.complain(`${peer} was not examined`)
      else this.checkPeer(peer, chain, state)
    }
    const [first, ...others] = peers
    for (const other of others) this.compare(first!, other)
    const complaints = this.complaints
    this.complaints = []
    return complaints
  }

  private addBlock(peer: string, block: SeenBlock): void {
    let chain = this.chains.get(peer)
    if (chain === undefined) {
      chain = []
      this.chains.set(peer, chain)
    }
    const known = chain[block.number]
    if (known === undefined) {
      if (block.number !== chain.length) this.complain(`${peer} told of block ${block.number} after ${chain.length - 1}`)
      chain.push(block)
    } else if (JSON.stringify(known) !== JSON.stringify(block)) {
      this.complain(`block ${block.number} of ${peer} is another one than before`)
    }
  }

  private addCommitted(txId: string, blockNumber: number, code: number): void {
    const known = this.committed.get(txId)
    if (known === undefined) this.committed.set(txId, { blockNumber, code })
    else if (known.blockNumber !== blockNumber || known.code !== code) {
      this.complain(`${txId} was code ${known.code} in block ${known.blockNumber}, later ${code} in ${blockNumber}`)
    }
  }

  private checkPeer(peer: string, chain: readonly SeenBlock[], state: SeenState): void {
    if (state.halted !== undefined) this.complain(`${peer} halted: ${state.halted}`)
    if (state.height !== chain.length) this.complain(`${peer} showed ${state.height} blocks, it had shown ${chain.length}`)
    if (state.height < this.ordererHeight) {
      this.complain(`${peer} has ${state.height} blocks, the orderer ${this.ordererHeight}`)
    }
    const first = new Map<string, { blockNumber: number; code: number }>()
    const valid = new Set<string>()
    const counters: Record<string, number> = {}
    for (const { number, transactions } of chain) {
      for (const [txId, code] of transactions) {
        if (!first.has(txId)) first.set(txId, { blockNumber: number, code })
        if (code !== VALID || txId === '') continue
        if (valid.has(txId)) this.complain(`${txId} is VALID twice on ${peer}, again in block ${number}`)
        valid.add(txId)
        const counter = this.sent.get(txId)
        if (counter != null) counters[counter] = (counters[counter] ?? 0) + 1
      }
    }
    for (const txId of this.ordered)
      if (!first.has(txId)) this.complain(`${txId} was acknowledged as ordered and ${peer} has not got it`)
    for (const [txId, { blockNumber, code }] of this.committed) {
      const found = first.get(txId)
      if (found?.blockNumber === blockNumber && found.code === code) continue
      const what = found === undefined ? 'nothing' : `code ${found.code} in block ${found.blockNumber}`
      this.complain(`${txId} was acknowledged as code ${code} in block ${blockNumber}, ${peer} has ${what}`)
    }
    for (const number of this.configured) {
      if (chain[number]?.transactions.length !== 1) this.complain(`${peer} has no config block ${number}`)
    }
    for (const [name, value] of Object.entries(state.counters)) {
      const expected = counters[name] ?? 0
      if (value !== expected) this.complain(`${name} is ${value} on ${peer}, ${expected} valid transactions raised it`)
    }
  }

  private compare(one: string, other: string): void {
    const [a, b] = [this.states.get(one), this.states.get(other)]
    if (a === undefined || b === undefined) return
    if (a.height !== b.height) this.complain(`${one} has ${a.height} blocks, ${other} ${b.height}`)
    if (a.commitHash !== b.commitHash) this.complain(`${one} and ${other} differ in commit hash at ${a.height}`)
    if (a.contentHash !== b.contentHash) this.complain(`${one} and ${other} differ in content at ${a.height}`)
    const [left, right] = [this.chains.get(one) ?? [], this.chains.get(other) ?? []]
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const { hash, commitHash } = left[i]!
      if (hash === right[i]!.hash && commitHash === right[i]!.commitHash) continue
      this.complain(`${one} and ${other} differ from block ${i} on`)
      break
    }
  }

  private complain(text: string): void {
    if (this.complaints.length < MAX_COMPLAINTS) this.complaints.push(text)
  }
}
