import {
  DEFAULTS,
  editorSchema,
  type LoadedPlugin,
  loadConfigFile,
  loadPlugin,
  type NetworkConfig,
  PluginError,
  type PluginKind,
  type SchemaPlugin,
} from '@heddle/core'
import { stringify } from 'yaml'

const SLOTS = [
  'ordering',
  'stateDb',
  'identity',
  'chaincodeRuntime',
  'dissemination',
  'blockStore',
] as const satisfies readonly PluginKind[]

/** The table of defaults, as text or JSON. */
export function configDefaults(json: boolean): string {
  if (json) return `${JSON.stringify(DEFAULTS, undefined, 2)}\n`
  const rows = Object.entries(DEFAULTS).map(([path, { value, reason }]) => ({
    path,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    reason,
  }))
  const width = (key: 'path' | 'value') => Math.max(...rows.map((row) => row[key].length))
  const [path, value] = [width('path'), width('value')]
  return rows.map((row) => `${row.path.padEnd(path)}  ${row.value.padEnd(value)}  ${row.reason}\n`).join('')
}

/** The editor's schema; with the options of the plugins that a file names. */
export async function configSchema(file: string | undefined): Promise<string> {
  const plugins: SchemaPlugin[] = []
  if (file !== undefined) {
    const config = await loadConfigFile(file)
    for (const slot of SLOTS) {
      const { use } = config[slot]
      if (typeof use === 'string') plugins.push({ slot, use, options: (await pluginOf(config, slot)).plugin.options })
    }
  }
  return `${JSON.stringify(editorSchema(plugins), undefined, 2)}\n`
}

/** Checks a file and its plugins; gives the configuration as it would run. */
export async function checkConfig(file: string, json: boolean): Promise<string> {
  const config = await loadConfigFile(file)
  const names: string[] = []
  for (const slot of SLOTS) names.push(`${slot.padEnd(16)}  ${(await pluginOf(config, slot)).name}\n`)
  if (json) return `${JSON.stringify(config, undefined, 2)}\n`
  return `${names.join('')}\n${stringify(config)}`
}

/** The plugin in a slot; an error names the slot. */
async function pluginOf(config: NetworkConfig, slot: (typeof SLOTS)[number]): Promise<LoadedPlugin> {
  try {
    return (await loadPlugin(slot, config[slot] as never, config.base)) as LoadedPlugin
  } catch (error) {
    if (error instanceof PluginError)
      throw new PluginError(error.code as 'PLUGIN_INVALID', `${slot}: ${error.message}`, error.data, { cause: error })
    throw error
  }
}
