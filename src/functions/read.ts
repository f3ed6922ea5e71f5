import type { Node } from 'jsonc-parser'
import { describeField, type Field, type Fields, type Values, type Variables } from './fields.ts'
import type { Problems } from './problems.ts'
import { checkRoute, parseRoute, type Route } from './route.ts'
import { didYouMean } from './suggest.ts'

const MAX_SHOWN = 60

/** What reading needs beside the text. */
export interface ReadContext {
  readonly problems: Problems
  /** Whether a path of the configuration names a file that can be read. */
  readonly exists: (path: string) => boolean
}

export interface Member {
  readonly key: string
  readonly keyNode: Node
  readonly value: Node
}

/** The members of an object in order; duplicates and members that the parser could not complete are reported or left out. */
export function members(object: Node, path: string, problems: Problems): readonly Member[] {
  const seen = new Map<string, Member>()
  for (const property of object.children ?? []) {
    const [keyNode, value] = property.children ?? []
    if (keyNode === undefined || value === undefined) continue
    const key = String(keyNode.value)
    if (seen.has(key)) problems.add(keyNode.offset, `${join(path, key)} is given twice.`)
    else seen.set(key, { key, keyNode, value })
  }
  return [...seen.values()]
}

/** `a.b`, or `a["b c"]` where b is not a plain word. */
export function join(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** Reads the fields among `found`; reports unknown keys (unless in `alsoAllowed`) and values that the field does not take. */
export function readFields<T extends Fields>(
  found: readonly Member[],
  path: string,
  fields: T,
  context: ReadContext,
  alsoAllowed: readonly string[] = [],
): Values<T> {
  const values: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(fields)) values[key] = 'default' in field ? field.default : undefined
  const known = [...Object.keys(fields), ...alsoAllowed]
  for (const { key, keyNode, value } of found) {
    if (alsoAllowed.includes(key)) continue
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field === undefined) {
      context.problems.add(
        keyNode.offset,
        `${join(path, key)} is not a known setting.${didYouMean(key, known)} Known: ${known.join(', ')}.`,
      )
      continue
    }
    const result = readField(value, join(path, key), field, context)
    if (result !== undefined) values[key] = result
  }
  // Each value was read by the field of its key, which is what `Values` says key by key.
  return values as Values<T>
}

function readField(node: Node, path: string, field: Field, context: ReadContext): unknown {
  const refuse = () => context.problems.add(node.offset, `${path} is ${show(node)}: it must be ${describeField(field)}.`)
  const { value } = node as { value: unknown }
  switch (field.type) {
    case 'integer':
      if (typeof value === 'number' && Number.isInteger(value) && value >= field.min && value <= field.max) return value
      return refuse()
    case 'choice':
      if (typeof value === 'string' && field.values.includes(value)) return value
      context.problems.add(
        node.offset,
        `${path} is ${show(node)}: it must be ${describeField(field)}.${typeof value === 'string' ? didYouMean(value, field.values) : ''}`,
      )
      return undefined
    case 'text':
      return typeof value === 'string' && value !== '' ? value : refuse()
    case 'file':
      if (typeof value !== 'string' || value === '') return refuse()
      if (!context.exists(value))
        context.problems.add(node.offset, `${path} is ${show(node)}: there is no such file (relative to the configuration file).`)
      return value
    case 'variables':
      return node.type === 'object' ? readVariables(node, path, field.maxBytes, context.problems) : refuse()
    case 'routes':
      return node.type === 'array'
        ? (node.children ?? []).flatMap((item, index) => readRoute(item, `${path}[${index}]`, context.problems))
        : refuse()
    case 'numbers':
      return node.type === 'object' ? readNumbers(node, path, field, context.problems) : refuse()
    default:
      return field satisfies never
  }
}

function readNumbers(
  node: Node,
  path: string,
  field: Extract<Field, { readonly type: 'numbers' }>,
  problems: Problems,
): Readonly<Record<string, number>> {
  const numbers = { ...field.default }
  const known = Object.keys(field.default)
  for (const { key, keyNode, value } of members(node, path, problems)) {
    const number: unknown = value.value
    if (!known.includes(key))
      problems.add(
        keyNode.offset,
        `${join(path, key)} is not a known setting.${didYouMean(key, known)} Known: ${known.join(', ')}.`,
      )
    else if (typeof number !== 'number' || number < 0 || number > field.max)
      problems.add(value.offset, `${join(path, key)} is ${show(value)}: it must be a number from 0 to ${field.max}.`)
    else numbers[key] = number
  }
  return numbers
}

function readVariables(node: Node, path: string, maxBytes: number, problems: Problems): Variables {
  const variables: (readonly [string, string])[] = []
  let bytes = 0
  for (const { key, keyNode, value } of members(node, path, problems)) {
    const text: unknown = value.value
    // AWS Lambda: names start with a letter and hold letters, digits and "_".
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(key)) {
      problems.add(
        keyNode.offset,
        `${join(path, key)}: a variable's name must start with a letter and hold only letters, digits and "_".`,
      )
    } else if (typeof text !== 'string') {
      problems.add(
        value.offset,
        `${join(path, key)} is ${value.type === 'object' || value.type === 'array' ? `an ${value.type}` : `a ${value.type}`}: it must be a string.`,
      )
    } else if (text.includes('\0')) {
      problems.add(value.offset, `${join(path, key)} holds a NUL character, which no environment variable can.`)
    } else {
      variables.push([key, text])
      bytes += Buffer.byteLength(key) + Buffer.byteLength(text)
    }
  }
  if (bytes > maxBytes)
    problems.add(node.offset, `${path} takes ${bytes} bytes: names and values together must take at most ${maxBytes} bytes.`)
  return variables
}

function readRoute(node: Node, path: string, problems: Problems): readonly Route[] {
  try {
    if (typeof node.value === 'string') return [parseRoute(node.value)]
    if (node.type === 'object') {
      const parts: { host?: string; path?: string } = {}
      for (const { key, keyNode, value } of members(node, path, problems)) {
        if ((key === 'host' || key === 'path') && typeof value.value === 'string') parts[key] = value.value
        else if (key === 'host' || key === 'path')
          problems.add(value.offset, `${join(path, key)} is ${show(value)}: it must be a string.`)
        else
          problems.add(
            keyNode.offset,
            `${join(path, key)} is not a known setting.${didYouMean(key, ['host', 'path'])} Known: host, path.`,
          )
      }
      if (parts.host !== undefined || parts.path !== undefined)
        return [checkRoute({ host: parts.host, path: parts.path ?? '/*' })]
    }
    problems.add(node.offset, `${path} is ${show(node)}: it must be like "/path/*", "host/path/*" or {"host": …, "path": …}.`)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    problems.add(node.offset, `${path}: ${error.message}.`)
  }
  return []
}

function show(node: Node): string {
  if (node.type === 'object') return 'an object'
  if (node.type === 'array') return 'a list'
  const text = JSON.stringify(node.value) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
