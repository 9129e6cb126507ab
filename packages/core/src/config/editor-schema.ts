import type { OptionsSchema } from '../ports/plugin.ts'
import { NETWORK_SCHEMA, type Schema } from './schema.ts'

/** A plugin that a config names, for the editor's help. */
export interface SchemaPlugin {
  /** Key in the configuration: `ordering`, `stateDb`, ... */
  readonly slot: string
  /** As the configuration names it. */
  readonly use: string
  readonly options: OptionsSchema | undefined
}

/** JSON Schema (draft 2020-12) of network.yaml for editors, with the options of the plugins that it names. */
export function editorSchema(plugins: readonly SchemaPlugin[] = []): Record<string, unknown> {
  const schema = plain(NETWORK_SCHEMA) as { properties: Record<string, unknown> }
  for (const { slot, use, options } of plugins) {
    const place = schema.properties[slot]
    if (place === undefined || options === undefined) continue
    schema.properties[slot] = {
      ...(place as object),
      if: { type: 'object', properties: { use: { const: use } }, required: ['use'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { properties: { options } },
    }
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Heddle network', ...schema }
}

/** Without what only code can give. */
function plain(schema: Schema): unknown {
  if (schema.code === true) return undefined
  const { properties, anyOf, items, additionalProperties, propertyNames, ...rest } = schema
  const result: Record<string, unknown> = { ...rest }
  if (properties !== undefined)
    result.properties = Object.fromEntries(
      Object.entries(properties).flatMap(([name, each]) => (each.code === true ? [] : [[name, plain(each)]])),
    )
  if (anyOf !== undefined) {
    const options = anyOf.filter(({ code }) => code !== true)
    if (options.length === 1) return { ...(plain(options[0]!) as object), ...result }
    result.anyOf = options.map(plain)
  }
  if (items !== undefined) result.items = plain(items)
  if (additionalProperties !== undefined)
    result.additionalProperties = additionalProperties === false ? false : plain(additionalProperties)
  if (propertyNames !== undefined) result.propertyNames = plain(propertyNames)
  return result
}
