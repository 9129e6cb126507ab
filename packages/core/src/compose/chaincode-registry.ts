import type { RunningDefinition } from '../flow/endorse/endorser-channel.ts'
import { PackageRegistry } from '../flow/lifecycle/system-chaincode/package-registry.ts'
import { sha256Hex } from '../model/sha256.ts'
import { utf8Bytes } from '../model/utf8.ts'
import type { ChaincodeInstance } from '../ports/chaincode.ts'

/** Id of the package that a composition makes of a chaincode: label and hash, as Fabric's, over what names the code. */
export function packageIdOf(name: string, version: string): string {
  const label = packageLabel(name, version)
  return `${label}:${sha256Hex(utf8Bytes(`heddle\u0000${name}\u0000${version}`))}`
}

export function packageLabel(name: string, version: string): string {
  return `${name}_${version}`
}

/** The chaincodes that one peer has loaded, by name and version. */
export class ChaincodeRegistry {
  readonly packages = new PackageRegistry()
  private readonly loaded = new Map<string, ChaincodeInstance>()
  private readonly byPackage = new Map<string, ChaincodeInstance>()

  add(name: string, version: string, instance: ChaincodeInstance): void {
    const packageId = packageIdOf(name, version)
    this.loaded.set(`${name}\u0000${version}`, instance)
    this.byPackage.set(packageId, instance)
    this.packages.add(packageId, packageLabel(name, version))
  }

  has(name: string, version: string): boolean {
    return this.loaded.has(`${name}\u0000${version}`)
  }

  /** The code of a definition: of the package that the organisation approved, else of that version. */
  find({ name, version, packageId }: RunningDefinition): ChaincodeInstance | undefined {
    const approved = packageId === undefined ? undefined : this.byPackage.get(packageId)
    return approved ?? this.loaded.get(`${name}\u0000${version}`)
  }

  async close(): Promise<void> {
    await Promise.all([...this.loaded.values()].map((instance) => instance.close()))
    this.loaded.clear()
    this.byPackage.clear()
  }
}
