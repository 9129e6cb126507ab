import type { Network } from '@heddle/core'
import { compile } from './compile.ts'
import type { ChaincodeProject } from './project.ts'

export interface DeploymentOptions {
  readonly channel: string
  /** Name on the channel. */
  readonly name: string
  /** Signature policy; undefined: the channel's own, a majority. */
  readonly endorsement: string | undefined
}

/** Brings a chaincode project to a channel, again and again: each time under the next version and sequence. */
export class Deployment {
  private readonly network: Network
  private readonly project: ChaincodeProject
  private readonly options: DeploymentOptions
  private builds = 0
  private under: Promise<unknown> = Promise.resolve()

  constructor(network: Network, project: ChaincodeProject, options: DeploymentOptions) {
    this.network = network
    this.project = project
    this.options = options
  }

  /**
   * Compiles, where there is something to compile, and deploys. One at a time, in the order of the calls.
   *
   * @returns version and milliseconds that it took
   * @throws CommandError COMMAND_COMPILE_FAILED, NetworkError NETWORK_CHAINCODE_NOT_DEPLOYED
   */
  next(): Promise<{ readonly version: string; readonly milliseconds: number }> {
    const done = this.under.then(() => this.deploy())
    this.under = done.catch(() => {})
    return done
  }

  private async deploy(): Promise<{ version: string; milliseconds: number }> {
    const started = performance.now()
    const { project, options, network } = this
    const build = ++this.builds
    const { typescript } = project
    const module = typescript === undefined ? project.entry : await compile({ ...project, typescript }, build)
    // A version of its own for each: peers know code by name and version, also over restarts.
    const version = `dev-${Date.now().toString(36)}-${build}`
    await network.channel(options.channel).deploy(options.name, {
      module,
      version,
      ...(options.endorsement === undefined ? {} : { endorsement: options.endorsement }),
    })
    return { version, milliseconds: performance.now() - started }
  }
}
