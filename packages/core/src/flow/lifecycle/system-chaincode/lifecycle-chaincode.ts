import {
  ApproveChaincodeDefinitionForMyOrgArgs,
  CheckCommitReadinessArgs,
  CheckCommitReadinessResult,
  CommitChaincodeDefinitionArgs,
  GetInstalledChaincodePackageArgs,
  GetInstalledChaincodePackageResult,
  InstallChaincodeArgs,
  InstallChaincodeResult,
  QueryApprovedChaincodeDefinitionArgs,
  QueryApprovedChaincodeDefinitionResult,
  QueryChaincodeDefinitionArgs,
  QueryChaincodeDefinitionResult,
  QueryChaincodeDefinitionsResult,
  QueryInstalledChaincodeArgs,
  QueryInstalledChaincodeResult,
  QueryInstalledChaincodesResult,
} from '../../../model/messages/lifecycle.ts'
import { LIFECYCLE_NAMESPACE } from '../../../model/namespace.ts'
import { DecodeError } from '../../../model/protobuf/errors.ts'
import type { ChaincodeResponse } from '../../../ports/chaincode.ts'
import { EndorserError } from '../../endorse/errors.ts'
import { failure, type SystemChaincode, type SystemInvocation, success } from '../../endorse/system-chaincode.ts'
import { proposedDefinition } from './definition.ts'
import { DefinitionFlow } from './definition-flow.ts'
import type { InstalledPackage, PackageRegistry } from './package-registry.ts'
import { LifecycleRefusal } from './refusal.ts'

const NONE = new Uint8Array(0)

type LifecycleFunction = (args: Uint8Array, invocation: SystemInvocation) => Promise<Uint8Array> | Uint8Array

/**
 * Fabric's `_lifecycle`: organisations approve a chaincode's definition, each to itself, and together commit it to the channel. Takes
 * and gives Fabric's messages, and lays out the state as Fabric does, so that its tools work and its ledgers agree.
 */
export class LifecycleChaincode implements SystemChaincode {
  readonly name = LIFECYCLE_NAMESPACE
  readonly simulates = true
  private readonly mspId: string
  private readonly packages: PackageRegistry
  private readonly functions: ReadonlyMap<string, LifecycleFunction>

  /** @param mspId organisation of the peer, in whose name it approves */
  constructor(mspId: string, packages: PackageRegistry) {
    this.mspId = mspId
    this.packages = packages
    this.functions = new Map<string, LifecycleFunction>([
      ['InstallChaincode', (args) => this.install(args)],
      ['QueryInstalledChaincode', (args) => this.installed(args)],
      ['QueryInstalledChaincodes', () => this.allInstalled()],
      ['GetInstalledChaincodePackage', (args) => this.installedPackage(args)],
      ['ApproveChaincodeDefinitionForMyOrg', (args, invocation) => this.approve(args, invocation)],
      ['CheckCommitReadiness', (args, invocation) => this.checkReadiness(args, invocation)],
      ['CommitChaincodeDefinition', (args, invocation) => this.commit(args, invocation)],
      ['QueryApprovedChaincodeDefinition', (args, invocation) => this.approved(args, invocation)],
      ['QueryChaincodeDefinition', (args, invocation) => this.defined(args, invocation)],
      ['QueryChaincodeDefinitions', (_args, invocation) => this.allDefined(invocation)],
    ])
  }

  async invoke(invocation: SystemInvocation): Promise<ChaincodeResponse> {
    const { args } = invocation
    if (args.length !== 2) {
      return failure(500, `lifecycle scc operations require exactly two arguments but received ${args.length}`)
    }
    const name = Buffer.from(args[0]!).toString()
    const called = this.functions.get(name)
    if (called === undefined) return failure(500, `failed to invoke backing implementation of '${name}': no such function`)
    try {
      invocation.checkAccess(`${LIFECYCLE_NAMESPACE}/${name}`)
      return success(await called(args[1]!, invocation))
    } catch (error) {
      if (error instanceof EndorserError)
        return failure(500, `Failed to authorize invocation due to failed ACL check: ${error.message}`)
      if (error instanceof LifecycleRefusal && error.status === 404) return failure(404, error.message)
      if (error instanceof LifecycleRefusal || error instanceof DecodeError) {
        return failure(500, `failed to invoke backing implementation of '${name}': ${error.message}`)
      }
      throw error
    }
  }

  private async approve(bytes: Uint8Array, invocation: SystemInvocation): Promise<Uint8Array> {
    const { flow, config } = this.on(invocation)
    const args = ApproveChaincodeDefinitionForMyOrgArgs.decode(bytes)
    await flow.checkInput(args.name, args.version, args.collections)
    const definition = proposedDefinition(args, config)
    await flow.approve(args.name, definition, args.source?.localPackage?.packageId ?? '')
    return NONE
  }

  private async checkReadiness(bytes: Uint8Array, invocation: SystemInvocation): Promise<Uint8Array> {
    const { flow, config } = this.on(invocation)
    const args = CheckCommitReadinessArgs.decode(bytes)
    const found = await flow.readiness(args.name, proposedDefinition(args, config))
    const mismatches = [...found].filter(([, items]) => items.length > 0)
    return CheckCommitReadinessResult.encode({
      approvals: approvalMap(found),
      mismatches: new Map(mismatches.map(([mspId, items]) => [mspId, { items }])),
    })
  }

  private async commit(bytes: Uint8Array, invocation: SystemInvocation): Promise<Uint8Array> {
    const { flow, config } = this.on(invocation)
    const args = CommitChaincodeDefinitionArgs.decode(bytes)
    await flow.checkInput(args.name, args.version, args.collections)
    await flow.commit(args.name, proposedDefinition(args, config))
    return NONE
  }

  private async approved(bytes: Uint8Array, invocation: SystemInvocation): Promise<Uint8Array> {
    const args = QueryApprovedChaincodeDefinitionArgs.decode(bytes)
    const { packageId, ...approval } = await this.on(invocation).flow.approval(args.name, Number(args.sequence))
    const source = packageId === '' ? { unavailable: {} } : { localPackage: { packageId } }
    return QueryApprovedChaincodeDefinitionResult.encode({ ...approval, source })
  }

  private async defined(bytes: Uint8Array, invocation: SystemInvocation): Promise<Uint8Array> {
    const { flow } = this.on(invocation)
    const { name } = QueryChaincodeDefinitionArgs.decode(bytes)
    const definition = await flow.committed(name)
    const approvals = approvalMap(await flow.approvals(name, definition))
    return QueryChaincodeDefinitionResult.encode({ ...definition, approvals })
  }

  private async allDefined(invocation: SystemInvocation): Promise<Uint8Array> {
    const { flow } = this.on(invocation)
    const chaincodeDefinitions = []
    for (const name of await flow.names()) chaincodeDefinitions.push({ name, ...(await flow.committed(name)) })
    return QueryChaincodeDefinitionsResult.encode({ chaincodeDefinitions })
  }

  private install(bytes: Uint8Array): Uint8Array {
    const { packageId, label } = this.packages.install(InstallChaincodeArgs.decode(bytes).chaincodeInstallPackage)
    return InstallChaincodeResult.encode({ packageId, label })
  }

  private installed(bytes: Uint8Array): Uint8Array {
    const { packageId, label } = this.find(QueryInstalledChaincodeArgs.decode(bytes).packageId)
    return QueryInstalledChaincodeResult.encode({ packageId, label })
  }

  private allInstalled(): Uint8Array {
    const installedChaincodes = this.packages.list().map(({ packageId, label }) => ({ packageId, label }))
    return QueryInstalledChaincodesResult.encode({ installedChaincodes })
  }

  private installedPackage(bytes: Uint8Array): Uint8Array {
    const found = this.find(GetInstalledChaincodePackageArgs.decode(bytes).packageId)
    if (found.bytes === undefined)
      throw new LifecycleRefusal(`chaincode '${found.packageId}' was not installed as a package`, 404)
    return GetInstalledChaincodePackageResult.encode({ chaincodeInstallPackage: found.bytes })
  }

  private find(packageId: string): InstalledPackage {
    const found = this.packages.get(packageId)
    if (found === undefined) throw new LifecycleRefusal(`chaincode install package '${packageId}' not found`, 404)
    return found
  }

  private on({ channel, simulator }: SystemInvocation) {
    if (channel === undefined || simulator === undefined) throw new LifecycleRefusal('the function needs a channel')
    return { flow: new DefinitionFlow(simulator, channel.config, this.mspId), config: channel.config }
  }
}

function approvalMap(differences: ReadonlyMap<string, readonly string[]>): Map<string, boolean> {
  return new Map([...differences].map(([mspId, items]) => [mspId, items.length === 0]))
}
