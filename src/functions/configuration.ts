import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { FUNCTION_NAME_RULE, isFunctionName, RESERVED_SEGMENT } from './name.ts'
import { ConfigurationError, Problems } from './problems.ts'
import { join, members, readFields, type Member, type ReadContext } from './read.ts'
import { formatRoute } from './route.ts'
import { FUNCTION_FIELDS, HOST_FIELDS, type FunctionSettings, type HostSettings } from './settings.ts'

export interface Configuration {
  readonly host: HostSettings
  readonly functions: readonly FunctionSettings[]
  /** The settings that the text gives of each function; all others are defaults. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>
}

export interface ReadOptions {
  /** Name of the file, for messages only. */
  readonly file: string
  /** Whether a path in the text names a file that can be read; the default accepts every path. */
  readonly exists?: (path: string) => boolean
}

/** The settings that stand in the file beside those of the host. */
const TOP_LEVEL_KEYS = ['$schema', 'functions'] as const

/** Reads the text of an `ampoule.jsonc`. Pure. Throws `ConfigurationError` with every mistake that it holds. */
export function readConfiguration(text: string, options: ReadOptions): Configuration {
  const problems = new Problems(text)
  const context: ReadContext = { problems, exists: options.exists ?? (() => true) }
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  for (const error of errors)
    problems.add(error.offset, `not valid JSON with comments: ${spaced(printParseErrorCode(error.error))}.`)
  let configuration: Configuration | undefined
  if (root?.type === 'object') configuration = readRoot(root, context)
  else if (errors.length === 0) problems.add(0, 'the configuration must be an object.')
  const found = problems.list()
  if (found.length > 0 || configuration === undefined) throw new ConfigurationError(options.file, found)
  return configuration
}

function readRoot(root: Node, context: ReadContext): Configuration {
  const found = members(root, '', context.problems)
  const host = readFields(found, '', HOST_FIELDS, context, TOP_LEVEL_KEYS)
  const functions = found.find(({ key }) => key === 'functions')
  if (functions === undefined)
    context.problems.add(root.offset, 'functions is missing: it must be an object of names to functions.')
  else if (functions.value.type !== 'object')
    context.problems.add(functions.value.offset, 'functions must be an object of names to functions.')
  else {
    const list = members(functions.value, 'functions', context.problems).flatMap((member) => readFunction(member, context))
    reportSharedRoutes(list, context.problems)
    const given = new Map(list.map(({ settings, member }) => [settings.name, keysOf(member)] as const))
    return { host, functions: list.map(({ settings }) => settings), given }
  }
  return { host, functions: [], given: new Map() }
}

interface Read {
  readonly settings: FunctionSettings
  readonly member: Member
}

function readFunction(member: Member, context: ReadContext): readonly Read[] {
  const { problems } = context
  const { key: name, keyNode, value } = member
  const path = join('functions', name)
  const isName = isFunctionName(name)
  if (!isName) {
    const reserved = name === RESERVED_SEGMENT
    problems.add(
      keyNode.offset,
      `${path}: ${reserved ? 'this name belongs to the host' : `a function's name must be ${FUNCTION_NAME_RULE}`}.`,
    )
  }
  if (value.type !== 'object') {
    problems.add(value.offset, `${path} must be an object with at least source or component.`)
    return []
  }
  const found = members(value, path, problems)
  const values = readFields(found, path, FUNCTION_FIELDS, context)
  const at = (key: keyof typeof FUNCTION_FIELDS) => found.find((one) => one.key === key)?.keyNode.offset ?? keyNode.offset
  const has = (key: keyof typeof FUNCTION_FIELDS) => found.some((one) => one.key === key)
  if (has('source') && has('component')) problems.add(at('component'), `${path} has both source and component: give one of them.`)
  if (!has('source') && !has('component'))
    problems.add(keyNode.offset, `${path} has neither source nor component: give one of them.`)
  if (has('component') && has('engine'))
    problems.add(at('engine'), `${path}.engine is for source: a component brings its own engine.`)
  if (values.minInstances > values.concurrency) {
    problems.add(
      at('minInstances'),
      `${path}.minInstances is ${values.minInstances}: it must not be above concurrency (${values.concurrency}).`,
    )
  }
  return isName ? [{ settings: { ...values, name }, member }] : []
}

const keysOf = ({ value }: Member): ReadonlySet<string> =>
  new Set(value.children?.map(({ children }) => String(children?.[0]?.value)))

function reportSharedRoutes(functions: readonly Read[], problems: Problems): void {
  const owners = new Map<string, string>()
  for (const { settings, member } of functions) {
    for (const route of settings.routes) {
      const text = formatRoute(route)
      const owner = owners.get(text)
      if (owner === undefined) owners.set(text, settings.name)
      else
        problems.add(
          member.keyNode.offset,
          `functions.${settings.name}.routes: ${JSON.stringify(text)} already goes to "${owner}".`,
        )
    }
  }
}

const spaced = (code: string): string => code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
