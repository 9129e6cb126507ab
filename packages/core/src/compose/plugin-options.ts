import type { ErrorObject } from 'ajv'
import { suggestion } from '../config/nearest.ts'
import type { Plugin, PluginKind } from '../ports/plugin.ts'
import { PluginError } from './errors.ts'

type Options = Readonly<Record<string, unknown>>

/**
 * Checks options against the plugin's JSON Schema (draft 2020-12). The validator is loaded only when there is something to check.
 *
 * @throws PluginError PLUGIN_BAD_OPTIONS, PLUGIN_INVALID when the schema itself is broken
 */
export async function checkOptions(plugin: Plugin<PluginKind, never>, options: Options): Promise<void> {
  const schema = plugin.options
  if (schema === undefined) {
    if (Object.keys(options).length === 0) return
    throw new PluginError('PLUGIN_BAD_OPTIONS', `plugin ${plugin.name} takes no options`, { plugin: plugin.name })
  }
  if (Object.keys(options).length === 0 && (schema as { required?: unknown[] }).required === undefined) return
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true, logger: false })
  let errors: readonly ErrorObject[]
  try {
    const valid = ajv.validate(schema, options)
    errors = valid ? [] : (ajv.errors ?? [])
  } catch (cause) {
    throw new PluginError(
      'PLUGIN_INVALID',
      `plugin ${plugin.name} has a schema of options that is none: ${(cause as Error).message}`,
      { plugin: plugin.name },
      { cause },
    )
  }
  if (errors.length === 0) return
  const problems = errors.map(describe)
  throw new PluginError('PLUGIN_BAD_OPTIONS', `options of plugin ${plugin.name}: ${problems.join('; ')}`, {
    plugin: plugin.name,
    problems,
  })
}

function describe(error: ErrorObject): string {
  const at = `options${error.instancePath.replaceAll('/', '.')}`
  if (error.keyword !== 'additionalProperties') return `${at} ${error.message ?? 'is wrong'}`
  const name = String((error.params as { additionalProperty?: unknown }).additionalProperty)
  const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
  return `${at}.${name} is unknown${suggestion(name, known)}`
}
