import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Policy } from '../../channel/policy/policy.ts'
import { readDefinition } from '../../flow/lifecycle/definitions.ts'
import { fieldKey, NAMESPACES } from '../../flow/lifecycle/state-layout.ts'
import { type ChaincodePolicies, EndorsementPolicies, isLifecycle } from '../../flow/validate/chaincode-policies.ts'
import { keyPolicy } from '../../flow/validate/endorsement.ts'
import { LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import type { TxRwSet } from '../../model/rwset-view.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { Height, StateReader } from '../../ports/state-db.ts'

interface Known {
  readonly version: Height
  readonly policies: ChaincodePolicies
}

/** Endorsement policies as a gateway needs them to choose endorsers: those of the definitions committed now. */
export class GatewayPolicies {
  private readonly config: ChannelConfig
  private readonly compiled: EndorsementPolicies
  private readonly known = new Map<string, Known>()

  /** Of one configuration; a new one needs a new object. */
  constructor(config: ChannelConfig) {
    this.config = config
    this.compiled = new EndorsementPolicies(config)
  }

  isOf(config: ChannelConfig): boolean {
    return this.config === config
  }

  /** The policy of a chaincode; undefined when none is committed under the name. */
  ofChaincode(state: StateReader, chaincode: string): Awaitable<Policy | undefined> {
    const found = this.policiesOf(state, chaincode)
    return found instanceof Promise ? found.then((policies) => policies?.chaincode) : found?.chaincode
  }

  /**
   * All policies that a simulated transaction falls under: of each chaincode that it writes to, of collections, and of keys that have
   * one of their own, which then replaces the chaincode's.
   */
  ofResults(state: StateReader, rwset: TxRwSet, chaincode: string): Awaitable<readonly Policy[]> {
    return this.simple(state, rwset, chaincode) ?? this.collect(state, rwset, chaincode)
  }

  /** Of the usual transaction, which writes public keys without policies of their own, of one chaincode; undefined for any other. */
  private simple(state: StateReader, rwset: TxRwSet, chaincode: string): readonly Policy[] | undefined {
    for (const { namespace, kv, collections } of rwset.namespaces) {
      if (collections.length > 0 || kv.metadataWrites.length > 0) return undefined
      if (namespace !== chaincode && kv.writes.length > 0) return undefined
      for (const { key } of kv.writes) {
        const entry = state.get(namespace, key)
        if (entry instanceof Promise || entry?.metadata !== undefined) return undefined
      }
    }
    const policies = this.policiesOf(state, chaincode)
    return policies === undefined || policies instanceof Promise ? undefined : [policies.chaincode]
  }

  private async collect(state: StateReader, rwset: TxRwSet, chaincode: string): Promise<readonly Policy[]> {
    const found = new Set<Policy>()
    for (const { namespace, kv, collections } of rwset.namespaces) {
      const writes = kv.writes.length + kv.metadataWrites.length
      const written = collections.filter(({ hashed }) => hashed.hashedWrites.length + hashed.metadataWrites.length > 0)
      if (writes === 0 && written.length === 0 && namespace !== chaincode) continue
      const policies = await this.policiesOf(state, namespace)
      if (policies === undefined) continue
      let general = writes === 0 && written.length === 0
      for (const { key } of [...kv.writes, ...kv.metadataWrites]) {
        const entry = state.get(namespace, key)
        const metadata = (entry instanceof Promise ? await entry : entry)?.metadata
        const bytes = metadata === undefined ? undefined : keyPolicy(metadata)
        if (bytes === undefined) general = true
        else found.add(this.compiled.ofKey(bytes))
      }
      for (const { name } of written) {
        const policy = policies.collection(name)
        if (policy !== undefined) found.add(policy)
      }
      if (general) found.add(policies.chaincode)
    }
    return [...found]
  }

  private policiesOf(state: StateReader, chaincode: string): Awaitable<ChaincodePolicies | undefined> {
    if (isLifecycle(chaincode)) return this.compiled.ofLifecycle()
    const entry = state.get(LIFECYCLE_NAMESPACE, fieldKey(NAMESPACES, chaincode, 'Sequence'))
    if (entry instanceof Promise) return entry.then((sequence) => this.policiesAt(state, chaincode, sequence?.version))
    return this.policiesAt(state, chaincode, entry?.version)
  }

  /** @param version of the definition's sequence number; undefined when there is no definition */
  private policiesAt(
    state: StateReader,
    chaincode: string,
    version: Height | undefined,
  ): Awaitable<ChaincodePolicies | undefined> {
    if (version === undefined) return undefined
    const known = this.known.get(chaincode)
    if (known !== undefined && known.version.blockNumber === version.blockNumber && known.version.txNumber === version.txNumber)
      return known.policies
    return this.load(state, chaincode, version)
  }

  private async load(state: StateReader, chaincode: string, version: Height): Promise<ChaincodePolicies | undefined> {
    const definition = await readDefinition(state, chaincode)
    if (definition === undefined) return undefined
    const policies = this.compiled.ofChaincode(definition)
    this.known.set(chaincode, { version, policies })
    return policies
  }
}
