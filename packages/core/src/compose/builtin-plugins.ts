import type { Plugin, PluginKind } from '../ports/plugin.ts'

type Load = () => Promise<Plugin<PluginKind, never>>

/** Plugins that come with core, by the name under which a configuration picks them. Loaded only where used. */
export const BUILTIN_PLUGINS: Readonly<Record<string, Load>> = {
  memory: async () => (await import('../adapters/state-memory/plugin.ts')).memoryStateDb as Plugin<PluginKind, never>,
  level: async () => (await import('../adapters/state-level/plugin.ts')).levelStateDb as Plugin<PluginKind, never>,
  files: async () => (await import('../adapters/block-files/plugin.ts')).fileBlockStore as Plugin<PluginKind, never>,
  x509: async () => (await import('../adapters/msp/x509-identity-provider.ts')).x509Identity as Plugin<PluginKind, never>,
  inline: async () => (await import('../adapters/chaincode-inline/inline-runtime.ts')).inlineRuntime as Plugin<PluginKind, never>,
  worker: async () => (await import('../adapters/chaincode-worker/worker-runtime.ts')).workerRuntime as Plugin<PluginKind, never>,
  deliver: async () =>
    (await import('../adapters/dissemination-deliver/plugin.ts')).deliverDissemination as Plugin<PluginKind, never>,
}
