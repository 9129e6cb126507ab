import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PluginReference } from '../config/definition.ts'
import { suggestion } from '../config/nearest.ts'
import { HeddleError } from '../model/errors.ts'
import { PLUGIN_API, type Plugin, type PluginContext, type PluginKind, type PluginKinds, pluginBrand } from '../ports/plugin.ts'
import { BUILTIN_PLUGINS } from './builtin-plugins.ts'
import { PluginError } from './errors.ts'
import { checkOptions } from './plugin-options.ts'

/** A plugin whose metadata and options were checked. */
export interface LoadedPlugin<K extends PluginKind = PluginKind> {
  readonly name: string
  readonly kind: K
  readonly capabilities: PluginKinds[K]['capabilities']
  readonly plugin: Plugin<K, never>
  create(context: PluginContext): Promise<PluginKinds[K]['product']>
}

/**
 * Finds a plugin and checks, before any of its functions runs: that it is one, of this kind, for this version of the interface, and
 * that the options fit its schema.
 *
 * @param base URL of the file whose folder names resolve from; default: the working folder
 * @throws PluginError
 */
export async function loadPlugin<K extends PluginKind>(
  kind: K,
  reference: PluginReference<K>,
  base: string | undefined,
): Promise<LoadedPlugin<K>> {
  const { use, options } = reference
  const value: unknown = typeof use === 'string' ? await findPlugin(use, base) : use
  const label = typeof use === 'string' ? `'${use}'` : `the ${kind} plugin`
  const plugin = checkMetadata(kind, value, label)
  await checkOptions(plugin, options)
  return {
    name: plugin.name,
    kind,
    capabilities: plugin.capabilities,
    plugin,
    async create(context) {
      try {
        return await plugin.create(context, options as never)
      } catch (cause) {
        if (cause instanceof HeddleError) throw cause
        throw new PluginError(
          'PLUGIN_CREATE_FAILED',
          `plugin ${plugin.name} failed at ${context.node}: ${(cause as Error)?.message}`,
          { plugin: plugin.name },
          { cause },
        )
      }
    },
  }
}

/** What a name stands for: a built-in plugin, else the default export of a module. */
async function findPlugin(use: string, base: string | undefined): Promise<unknown> {
  const builtin = Object.hasOwn(BUILTIN_PLUGINS, use) ? BUILTIN_PLUGINS[use] : undefined
  if (builtin !== undefined) return builtin()
  const url = await resolveModule(use, base)
  let module: Record<string, unknown>
  try {
    module = (await import(url)) as Record<string, unknown>
  } catch (cause) {
    throw new PluginError(
      'PLUGIN_LOAD_FAILED',
      `plugin '${use}' failed to load: ${(cause as Error)?.message}`,
      { use, url },
      { cause },
    )
  }
  return pluginExport(module)
}

/**
 * URL of a module by package name, path or URL, with the conditions of `import`, from the folder of `base`: so an application's own
 * node_modules count, wherever this package lies.
 *
 * @throws PluginError PLUGIN_NOT_FOUND
 */
export async function resolveModule(specifier: string, base: string | undefined): Promise<string> {
  const from = base ?? pathToFileURL(`${process.cwd()}/`).href
  const { resolve } = await import('import-meta-resolve')
  const wanted = isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier
  const attempts = [from, ...(base === undefined ? [] : [pathToFileURL(`${process.cwd()}/`).href])]
  let cause: unknown
  for (const parent of attempts) {
    try {
      const url = resolve(wanted, parent)
      if (!url.startsWith('file:') || (await exists(url))) return url
    } catch (error) {
      cause ??= error
    }
  }
  const hint = /^[./]/.test(specifier) ? '' : suggestion(specifier, Object.keys(BUILTIN_PLUGINS))
  throw new PluginError(
    'PLUGIN_NOT_FOUND',
    `'${specifier}' is not found from ${from}${hint}`,
    { specifier, base: from },
    { cause },
  )
}

async function exists(url: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises')
  return stat(new URL(url)).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** The default export; of CommonJS compiled from ES code the one within; else an export named `plugin`. */
function pluginExport(module: Record<string, unknown>): unknown {
  const value = module.default as { __esModule?: boolean; default?: unknown } | undefined
  if (value?.__esModule === true && value.default !== undefined) return value.default
  return value ?? module.plugin
}

function checkMetadata<K extends PluginKind>(kind: K, value: unknown, label: string): Plugin<K, never> {
  const invalid = (why: string) => new PluginError('PLUGIN_INVALID', `${label} ${why}`, { kind })
  if (typeof value !== 'object' || value === null) throw invalid('exports no plugin by default')
  // Of another copy of this package the brand tells the version before anything else is looked at.
  const brand = pluginBrand(value)
  const { name, provides, api, capabilities, create, options } = value as Partial<Plugin<K, never>>
  if ((brand !== undefined && brand !== PLUGIN_API) || (typeof api === 'number' && api !== PLUGIN_API)) {
    const found = brand !== undefined && brand !== PLUGIN_API ? brand : api
    throw new PluginError(
      'PLUGIN_WRONG_API',
      `${label} is made for version ${found} of the plugin interface, this is version ${PLUGIN_API}: it may be using a second copy of @heddle/core`,
      { kind, found, wanted: PLUGIN_API },
    )
  }
  if (typeof name !== 'string' || name === '') throw invalid("has no 'name'")
  if (typeof provides !== 'string') throw invalid("does not say what it 'provides'")
  if (api !== PLUGIN_API) throw invalid(`has no 'api' version (a number; now ${PLUGIN_API})`)
  if (provides !== kind)
    throw new PluginError('PLUGIN_WRONG_KIND', `${label} provides '${provides}', where '${kind}' is wanted`, { kind, provides })
  if (typeof capabilities !== 'object' || capabilities === null) throw invalid("declares no 'capabilities'")
  if (typeof create !== 'function') throw invalid("has no function 'create'")
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw invalid("has 'options' that are no JSON Schema")
  return value as Plugin<K, never>
}
