import type { ChaincodeSource } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import { asChaincode, type LoadedChaincode } from './chaincode.ts'

/** Modules load one after another: decorators of contract modules leave traces in a place that they share. */
let loading: Promise<unknown> = Promise.resolve()

/**
 * Loads a chaincode from its source into this thread. Contracts of fabric-contract-api are recognised by what they are, and only then
 * is their adapter loaded.
 *
 * @throws ChaincodeError CHAINCODE_LOAD_FAILED
 */
export function loadChaincode(name: string, source: ChaincodeSource): Promise<LoadedChaincode> {
  const load = source.kind === 'object' ? () => prepare(name, source.value, source.base, false) : () => loadModule(name, source)
  const loaded = loading.then(load)
  loading = loaded.catch(() => {})
  return loaded
}

async function loadModule(name: string, source: ChaincodeSource & { kind: 'module' }): Promise<LoadedChaincode> {
  const listeners = processListeners()
  // fabric-shim's logger formats even what it does not print, and reads its level once, when it is loaded.
  process.env.CORE_CHAINCODE_LOGGING_LEVEL ??= 'critical'
  let loaded: Record<string, unknown>
  try {
    loaded = await import(source.url)
  } catch (cause) {
    const message = `the module of chaincode ${name} could not be loaded: ${(cause as Error)?.message}`
    throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name, url: source.url }, { cause })
  }
  const wanted = source.export ?? 'default'
  const value = source.export === undefined ? defaultExport(loaded) : loaded[source.export]
  if (value === undefined) {
    const message = `the module of chaincode ${name} has no export ${wanted}`
    throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name, url: source.url, export: wanted })
  }
  const chaincode = await prepare(name, value, source.url, true)
  // Its logger swallows errors that nobody handled; whoever runs the chaincode must see them.
  if (contractsOf(value) !== undefined) removeOthers(listeners)
  return chaincode
}

async function prepare(name: string, value: unknown, base: string | undefined, isModule: boolean): Promise<LoadedChaincode> {
  const contracts = contractsOf(value)
  if (contracts === undefined) return asChaincode(name, value)
  const { clearSharedMetadata, contractChaincode } = await import('../chaincode-contract-api/contract-chaincode.ts')
  const chaincode = contractChaincode(name, contracts, base)
  // Classes that were handed over ran their decorators whenever their owner loaded them; those of a module are done with.
  if (isModule) clearSharedMetadata()
  return chaincode
}

/** The default export; of a fabric-contract-api package, what holds its list `contracts`; of a module without either, the module. */
function defaultExport(loaded: Record<string, unknown>): unknown {
  if (Array.isArray(loaded.contracts)) return loaded
  // A CommonJS module that was compiled from ES code has its default export one level down.
  const value = loaded.default as Record<string, unknown> | null | undefined
  if (typeof value === 'object' && value?.__esModule === true && value.default !== undefined) return value.default
  if (value !== undefined) return value
  return typeof loaded.invoke === 'function' || typeof loaded.Invoke === 'function' ? loaded : undefined
}

type ContractClass = new () => unknown

/** Contract classes of a value: a class derived from Contract, a list of them, or an object with such a list named `contracts`. */
function contractsOf(value: unknown): ContractClass[] | undefined {
  const list = Array.isArray(value) ? value : ((value as { contracts?: unknown } | null | undefined)?.contracts ?? [value])
  if (!Array.isArray(list) || list.length === 0 || !list.every(isContractClass)) return undefined
  return [...list] as ContractClass[]
}

/** Contract's own methods tell; its class cannot be asked, for it may come from any copy of the package. */
function isContractClass(value: unknown): boolean {
  const prototype = typeof value === 'function' ? (value.prototype as Record<string, unknown> | undefined) : undefined
  return ['createContext', 'getName', 'beforeTransaction', 'unknownTransaction'].every(
    (name) => typeof prototype?.[name] === 'function',
  )
}

const FATAL_EVENTS = ['uncaughtException', 'unhandledRejection'] as const
type Listeners = ReadonlyMap<string, ReadonlySet<unknown>>

function processListeners(): Listeners {
  return new Map(FATAL_EVENTS.map((event) => [event, new Set<unknown>(process.listeners(event as 'uncaughtException'))]))
}

function removeOthers(kept: Listeners): void {
  for (const event of FATAL_EVENTS) {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!kept.get(event)!.has(listener)) process.removeListener(event, listener)
    }
  }
}
