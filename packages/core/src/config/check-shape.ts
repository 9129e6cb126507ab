import { suggestion } from './nearest.ts'
import type { Schema } from './schema.ts'

/** Something wrong in a configuration. */
export interface Problem {
  /** Keys and indices from the root. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `channels.main.batch`, `organizations[1].name`. */
export function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`
  return text
}

/** Every deviation of a value from a schema, in order. */
export function checkShape(schema: Schema, value: unknown): Problem[] {
  const problems: Problem[] = []
  visit(schema, value, [], problems)
  return problems
}

function visit(schema: Schema, value: unknown, path: (string | number)[], problems: Problem[]): void {
  const report = (message: string, at = path) => problems.push({ path: [...at], message })
  if (schema.code === true) {
    if (value === null || !['object', 'function'].includes(typeof value))
      report(`must be an object or a function, not ${nameOf(value)}`)
    return
  }
  if (schema.anyOf !== undefined) {
    const match = schema.anyOf.find((option) => fits(option, value))
    if (match !== undefined) visit(match, value, path, problems)
    else
      report(
        `must be ${schema.anyOf
          .filter(({ code }) => code !== true)
          .map(describe)
          .join(' or ')}, not ${nameOf(value)}`,
      )
    return
  }
  if (schema.type !== undefined && !hasType(schema.type, value)) {
    report(`must be ${describe(schema)}, not ${nameOf(value)}`)
    return
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    report(`is '${String(value)}'${suggestion(String(value), schema.enum.map(String))}`)
    return
  }
  if (typeof value === 'string') checkString(schema, value, report)
  else if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) report(`must be at least ${schema.minimum}, not ${value}`)
    if (schema.maximum !== undefined && value > schema.maximum) report(`must be at most ${schema.maximum}, not ${value}`)
  } else if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems)
      report(`needs at least ${schema.minItems} element${schema.minItems === 1 ? '' : 's'}`)
    if (schema.uniqueItems === true && new Set(value).size < value.length) report('names the same element twice')
    if (schema.items !== undefined)
      for (const [index, item] of value.entries()) visit(schema.items, item, [...path, index], problems)
  } else if (typeof value === 'object' && value !== null) checkObject(schema, value as Record<string, unknown>, path, problems)
}

function checkString(schema: Schema, value: string, report: (message: string) => void): void {
  if (schema.minLength !== undefined && value.length < schema.minLength) report('must not be empty')
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    report(`must have at most ${schema.maxLength} characters`)
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    report(`is '${value}', which does not match ${schema.pattern}`)
}

function checkObject(schema: Schema, value: Record<string, unknown>, path: (string | number)[], problems: Problem[]): void {
  const properties = schema.properties ?? {}
  for (const name of schema.required ?? [])
    if (value[name] === undefined) problems.push({ path: [...path], message: `lacks '${name}'` })
  for (const [name, item] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (known === undefined && schema.additionalProperties === false) {
      problems.push({ path: [...path, name], message: `is unknown${suggestion(name, Object.keys(properties))}` })
      continue
    }
    if (schema.propertyNames !== undefined) visit(schema.propertyNames, name, [...path, name], problems)
    const inner = known ?? (schema.additionalProperties === false ? undefined : schema.additionalProperties)
    // An absent option and one that is undefined are the same; null, which an empty YAML entry gives, is an empty object where one may stand.
    if (inner !== undefined && item !== undefined)
      visit(inner, item === null && takesObject(inner) ? {} : item, [...path, name], problems)
  }
}

function takesObject(schema: Schema): boolean {
  return schema.type === 'object' || (schema.anyOf?.some(takesObject) ?? false)
}

/** Whether a value is meant as this alternative: a plugin object is told from `{ use, options }` by its `create`. */
function fits(schema: Schema, value: unknown): boolean {
  if (schema.code === true)
    return typeof value === 'function' || (typeof value === 'object' && value !== null && 'create' in value)
  if (schema.anyOf !== undefined) return schema.anyOf.some((option) => fits(option, value))
  return (
    schema.type !== undefined &&
    hasType(schema.type, value) &&
    !(typeof value === 'object' && value !== null && 'create' in value)
  )
}

function hasType(type: NonNullable<Schema['type']>, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value)
  return typeof value === type
}

function describe(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((each) => `'${String(each)}'`).join(' or ')
  if (schema.type === 'object')
    return schema.properties === undefined ? 'a map' : `an object with ${Object.keys(schema.properties).join(', ')}`
  if (schema.type === 'array') return 'a list'
  if (schema.type === 'integer') return 'a whole number'
  if (schema.type === 'boolean') return 'true or false'
  return schema.type === undefined ? 'something else' : `a ${schema.type}`
}

function nameOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return `${value}`
  return typeof value === 'object'
    ? 'an object'
    : typeof value === 'string'
      ? `the text '${value.slice(0, 40)}'`
      : `a ${typeof value}`
}
