import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import { asChaincode, type LoadedChaincode } from '../chaincode-stub/chaincode.ts'

type ContractClass = new () => unknown
type Dispatcher = new (contracts: ContractClass[], serializers: object) => object

/** What fabric-contract-api's decorators keep in one place for the whole process, so that two contracts would collide. */
const SHARED = ['fabric:default', 'fabric:objects', 'fabric:info'] as const
type Shared = ReadonlyMap<string, unknown>

/** Of contracts loaded before: their modules are not evaluated twice, so their decorators do not run again. */
const remembered = new WeakMap<ContractClass, Shared>()

interface MetadataReflect {
  getOwnMetadata?(name: string, target: object): unknown
  defineMetadata?(name: string, value: unknown, target: object): void
  deleteMetadata?(name: string, target: object): boolean
}

/**
 * Runs unmodified contract classes of fabric-contract-api through fabric-shim's own dispatcher, both taken from the chaincode's packages.
 *
 * fabric-shim has no entry for this, so its file is imported by path. It costs 110 to 130 ms and 42 MB: nobody pays who has no contract.
 *
 * @param base file URL from which the packages are resolved; the working directory when absent
 * @throws ChaincodeError CHAINCODE_LOAD_FAILED
 */
export function contractChaincode(name: string, contracts: readonly ContractClass[], base?: string): LoadedChaincode {
  const require = createRequire(base?.startsWith('file:') ? base : pathToFileURL(`${process.cwd()}/`))
  try {
    const shim = require.resolve('fabric-shim/lib/contract-spi/chaincodefromcontract.js')
    const Dispatcher = require(shim) as Dispatcher
    const JSONSerializer = serializerOf(createRequire(shim))
    const shared = remembered.get(contracts[0]!) ?? readShared()
    remembered.set(contracts[0]!, shared)
    writeShared(shared)
    const serializers = { transaction: 'jsonSerializer', serializers: { jsonSerializer: JSONSerializer } }
    // The dispatcher adds a contract of its own to the list.
    return asChaincode(name, new Dispatcher([...contracts], serializers))
  } catch (cause) {
    const message = `the contracts of chaincode ${name} could not be loaded: ${(cause as Error)?.message}`
    throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name }, { cause })
  }
}

/** By the file of the fabric-contract-api that they belong to. */
const repairedSerializers = new Map<string, unknown>()

/**
 * The serializer of the fabric-contract-api that fabric-shim uses. It wants two functions by names that class-transformer 0.4.1, which
 * a plain install gets, exports under its new names only; without them, parameters of a class's type fail. The old names are given back,
 * and the serializer is loaded anew, to see them.
 */
function serializerOf(requireOfShim: NodeJS.Require): unknown {
  const api = requireOfShim.resolve('fabric-contract-api')
  const requireOfApi = createRequire(api)
  const transformer = requireOfApi('class-transformer') as Record<string, unknown>
  const { JSONSerializer } = requireOfShim(api) as { JSONSerializer: unknown }
  const repaired = repairedSerializers.get(api)
  if (repaired !== undefined) return repaired
  if (typeof transformer.plainToClass === 'function') return JSONSerializer
  transformer.plainToClass = transformer.plainToInstance
  transformer.classToPlain = transformer.instanceToPlain
  const file = requireOfApi.resolve('./lib/jsontransactionserializer.js')
  const known = requireOfApi.cache[file]
  delete requireOfApi.cache[file]
  try {
    const serializer: unknown = requireOfApi(file)
    repairedSerializers.set(api, serializer)
    return serializer
  } finally {
    if (known !== undefined) requireOfApi.cache[file] = known
  }
}

/** Forgets what decorators left in the shared place, so that the next contract module starts clean. */
export function clearSharedMetadata(): void {
  writeShared(new Map())
}

function readShared(): Shared {
  const reflect = Reflect as MetadataReflect
  return new Map(SHARED.map((name) => [name, reflect.getOwnMetadata?.(name, globalThis)]))
}

function writeShared(shared: Shared): void {
  const reflect = Reflect as MetadataReflect
  for (const name of SHARED) {
    const value = shared.get(name)
    if (value === undefined) reflect.deleteMetadata?.(name, globalThis)
    else reflect.defineMetadata?.(name, value, globalThis)
  }
}
