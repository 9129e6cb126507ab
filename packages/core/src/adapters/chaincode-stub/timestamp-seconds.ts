/**
 * Seconds since 1970 with the members that chaincode uses of the `Long` that fabric-shim gives.
 */
export class TimestampSeconds {
  readonly low: number
  readonly high: number
  readonly unsigned = true

  constructor(seconds: number) {
    const bits = BigInt.asUintN(64, BigInt(Math.trunc(seconds)))
    this.low = Number(BigInt.asIntN(32, bits))
    this.high = Number(BigInt.asIntN(32, bits >> 32n))
  }

  toNumber(): number {
    return (this.high >>> 0) * 0x100000000 + (this.low >>> 0)
  }

  toInt(): number {
    return this.low >>> 0
  }

  toString(radix?: number): string {
    return this.toNumber().toString(radix)
  }

  toBigInt(): bigint {
    return BigInt(this.toNumber())
  }

  equals(other: { low: number; high: number } | number): boolean {
    return typeof other === 'number' ? this.toNumber() === other : this.low === other.low && this.high === other.high
  }

  valueOf(): number {
    return this.toNumber()
  }
}
