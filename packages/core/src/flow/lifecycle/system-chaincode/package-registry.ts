import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { LifecycleRefusal } from './refusal.ts'

/** Longest package that a peer takes; Fabric's is bounded by its message size of 100 MB. */
const MAX_PACKAGE = 64 * 1024 * 1024
const MAX_PACKAGES = 1_000
const LABEL = /^[a-zA-Z0-9]+([.+\-_][a-zA-Z0-9]+)*$/
const TAR_BLOCK = 512

export interface InstalledPackage {
  readonly packageId: string
  readonly label: string
  /** As it was installed; undefined for code that the composition gave the peer. */
  readonly bytes: Uint8Array | undefined
}

/** The chaincode packages that a peer has, by their id: label, colon, SHA-256 in hex. */
export class PackageRegistry {
  private readonly packages = new Map<string, InstalledPackage>()

  /** Makes code known that did not come as a package. */
  add(packageId: string, label: string): void {
    this.packages.set(packageId, { packageId, label, bytes: undefined })
  }

  /** Installs a package in Fabric's format: a gzipped tar archive with a file metadata.json that names a label. @throws LifecycleRefusal */
  install(bytes: Uint8Array): InstalledPackage {
    if (bytes.length > MAX_PACKAGE)
      throw new LifecycleRefusal(`a package of ${bytes.length} bytes exceeds the limit of ${MAX_PACKAGE}`)
    const label = labelOf(bytes)
    const packageId = `${label}:${createHash('sha256').update(bytes).digest('hex')}`
    if (this.packages.has(packageId)) {
      throw new LifecycleRefusal(`chaincode already successfully installed (package ID '${packageId}')`)
    }
    if (this.packages.size >= MAX_PACKAGES) throw new LifecycleRefusal(`more than ${MAX_PACKAGES} packages are installed`)
    const installed = { packageId, label, bytes: Uint8Array.from(bytes) }
    this.packages.set(packageId, installed)
    return installed
  }

  get(packageId: string): InstalledPackage | undefined {
    return this.packages.get(packageId)
  }

  list(): InstalledPackage[] {
    return [...this.packages.values()]
  }
}

function labelOf(bytes: Uint8Array): string {
  let metadata: { label?: unknown }
  try {
    metadata = JSON.parse(
      Buffer.from(fileOf(gunzipSync(bytes, { maxOutputLength: 4 * MAX_PACKAGE }), 'metadata.json')).toString(),
    )
  } catch (cause) {
    throw new LifecycleRefusal(`could not parse as a chaincode install package: ${(cause as Error).message}`)
  }
  const label = metadata?.label
  if (typeof label !== 'string' || label.length > 256 || !LABEL.test(label)) {
    throw new LifecycleRefusal(`invalid label '${String(label)}'`)
  }
  return label
}

/** Content of a file in a tar archive: blocks of 512 bytes, a header with name at 0 and octal size at 124, then the content. */
function fileOf(archive: Uint8Array, name: string): Uint8Array {
  const text = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  for (let at = 0; at + TAR_BLOCK <= text.length; ) {
    const entry = text.toString('utf8', at, at + 100).replace(/\0.*$/s, '')
    if (entry === '') break
    const size = Number.parseInt(text.toString('latin1', at + 124, at + 136), 8)
    if (!Number.isInteger(size) || size < 0 || at + TAR_BLOCK + size > text.length) throw new Error('the archive is damaged')
    if (entry === name || entry === `./${name}`) return text.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size)
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  }
  throw new Error(`the archive holds no ${name}`)
}
