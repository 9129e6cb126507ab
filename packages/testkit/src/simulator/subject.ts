import type { Plugin } from '@heddle/core/plugin'
import type { ChannelConfig } from '@heddle/core/testing'
import type { Draw } from './draw.ts'
import type { PlanLimits } from './plan.ts'
import type { SimNode } from './sim-node.ts'
import type { World } from './world.ts'

/** A safety check that is taken out of the shipped code, to see that the simulator notices. */
export interface Mutant {
  readonly name: string
  /** The subject's source file, from the root of the repository. */
  readonly file: string
  /** Text that stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Subject in whose simulation it must show. Default: the one that lists it. */
  readonly subject?: string
  /** Seeds within which it must show. Default: 200. */
  readonly seeds?: number
}

/** What a subject adds to one seed's world. */
export interface Prepared {
  /** Instead of the subject's plugin: one that stands on something simulated that the nodes share. */
  // biome-ignore lint/suspicious/noExplicitAny: a simulator takes plugins of all option types
  readonly plugin?: Plugin<'ordering', any>
  /** Options of one node's plugin. Default: the plan's. */
  optionsOf?(node: SimNode): unknown
  /** Names of the channel's orderers under a configuration. Default: all nodes. */
  members?(config: ChannelConfig): readonly string[]
  /** Name of the node that leads now, if there is such a thing: faults that aim at the leader strike it. */
  leader?(): string | undefined
  /** After every event in which a node took part: for checkers. Report with `world.violate`, count with `world.count`. */
  observe?(node: SimNode): void
  /** A node begins a new life, or has ended one. */
  started?(node: SimNode): void
  ended?(node: SimNode): void
  /** A fault of kind `subject`. */
  act?(action: string, number: number): void
  /** Puts a node back whose disk was lost or is damaged, as the plugin's documentation says. Default: an empty disk and a start. */
  restore?(node: SimNode): void
  /** Whether a node may lose its disk now, with what was acknowledged surviving. Default: while a minority has. */
  mayLoseDisk?(node: SimNode): boolean
  /** The faults are over. */
  heal?(): void
  /** Whether everything of the subject has settled after healing. */
  settled?(): boolean
  /** At the end. */
  finish?(): void
}

/** An ordering plugin under simulation. A module exports one as its default. */
export interface OrderingSubject {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: a simulator takes plugins of all option types
  readonly plugin: Plugin<'ordering', any>
  /** Draws number of nodes and plugin options of one seed, as plain data. */
  plan(draw: Draw): PlanLimits
  /** Called once for each seed, before its nodes start. */
  prepare?(world: World): Prepared
  /** What so many seeds must have covered at least; its keys are those of the report. See `World.count` for the names. */
  minimum(seeds: number): Readonly<Record<string, number>>
  readonly mutants?: readonly Mutant[]
}

/** A subject with a simulation of another kind. Gets the arguments behind `--plugin NAME`; gives the exit status. */
export interface OwnSimulation {
  readonly name: string
  simulate(args: readonly string[]): Promise<number>
}

export type Subject = OrderingSubject | OwnSimulation

export function isOwnSimulation(subject: Subject): subject is OwnSimulation {
  return 'simulate' in subject
}
