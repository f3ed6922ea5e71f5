/** Errors and values in words. Everything here is the author's: getters may throw, chains may be circles. */

export interface ErrorDescription {
  readonly name: string
  readonly message: string
  /** As the engine writes it, followed by the causes, each behind a line `Caused by: <name>: <message>`. */
  readonly stack: string
}

/** Longer chains are cut. */
const MAX_CAUSES = 8
const MAX_SHOWN = 60

/** The author's exceptions cross the boundary as data. */
export function describeError(error: unknown): ErrorDescription {
  const { name, message, stack } = describeOne(error)
  const seen = [error]
  let text = stack
  for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) {
    if (seen.includes(cause) || seen.length > MAX_CAUSES) break
    seen.push(cause)
    const inner = describeOne(cause)
    const title = `${inner.name}: ${inner.message}`
    // V8 begins a stack with the title, the engines of the guests do not.
    const frames = inner.stack.startsWith(title) ? inner.stack.slice(title.length) : inner.stack === '' ? '' : `\n${inner.stack}`
    text += `${text === '' ? '' : '\n'}Caused by: ${title}${frames}`
  }
  return { name, message, stack: text }
}

function describeOne(error: unknown): ErrorDescription {
  if (typeof error === 'string') return { name: 'Error', message: error, stack: '' }
  if (typeof error !== 'object' || error === null) return { name: 'Error', message: notAnError(error), stack: '' }
  const name = textOf(error, 'name')
  const message = textOf(error, 'message')
  const stack = textOf(error, 'stack') ?? ''
  return {
    name: name ?? 'Error',
    message: message ?? (name === undefined && stack === '' ? notAnError(error) : ''),
    stack: framesOfAuthor(stack).join('\n'),
  }
}

const notAnError = (value: unknown): string => `what was thrown is no Error but ${describe(value)}`

function textOf(error: object, key: string): string | undefined {
  const value = read(error, key)
  return typeof value === 'string' ? value : undefined
}

function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? read(error, 'cause') : undefined
}

function read(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key)
  } catch {
    return undefined
  }
}

let isScript = false

/** The author's code is a script of its own (load.ts), so that what the component was made of is ours alone. */
export const framesOfScript = (): void => {
  isScript = true
}

/** How the engines call what an engine component was made of (src/build/engine-component.ts). */
const RUNTIME_FRAME = /(?:@runtime|componentize-qjs:user)\.js:/

/** StarlingMonkey's bindings stand at the bottom of every stack, under a path of the machine that built the component. */
const isOfAuthor = (line: string): boolean => !line.includes('/initializer.js:') && !(isScript && RUNTIME_FRAME.test(line))

/** QuickJS knows a script by no name. */
const named = (line: string): string => (isScript ? line.replace('<input>:', 'function.js:') : line)

/** The lines of a stack as the engine writes it, without those of our runtime. */
const framesOfAuthor = (stack: string): readonly string[] => stack.split('\n').filter(isOfAuthor).map(named)

/** The same as Node.js writes it, for logs. */
export const stackForLog = (stack: string): string =>
  framesOfAuthor(stack.trimEnd())
    .filter((line) => !/^ *at .* \(native\)$/.test(line))
    .map((line) => {
      const at = line.indexOf('@')
      if (at < 0 || !/:\d+:\d+$/.test(line)) return line
      const place = line.slice(at + 1)
      return at === 0 ? `    at ${place}` : `    at ${line.slice(0, at)} (${place})`
    })
    .join('\n')

/** The value in words, for the end of a sentence such as "…, but returned". Never throws. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing (undefined)'
    case 'string':
      return `the string ${JSON.stringify(cut(value))}`
    case 'number':
    case 'boolean':
    case 'bigint':
      return `the ${typeof value} ${String(value)}`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'object':
      return value === null ? 'null' : describeObject(value)
    default:
      return typeof value
  }
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of length ${value.length}`
    const prototype: unknown = Object.getPrototypeOf(value)
    const { constructor } = value
    if (prototype !== Object.prototype && prototype !== null && typeof constructor === 'function' && constructor.name !== '')
      return `an object of the class ${cut(constructor.name)}`
    const keys = Object.keys(value)
    return keys.length === 0 ? 'an object without keys' : `an object with the keys ${cut(keys.join(', '))}`
  } catch {
    return 'an object'
  }
}

const cut = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
