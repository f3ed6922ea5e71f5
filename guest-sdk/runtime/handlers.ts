import { describe } from './errors.ts'
import type { FunctionEvent, FunctionModule, Handlers, With } from './function.ts'

/** How each handler is written, for messages. */
const SHAPES = {
  fetch: 'fetch(request, env, ctx)',
  queue: 'queue(batch, env, ctx)',
  stream: 'stream(batch, env, ctx)',
  scheduled: 'scheduled(event, env, ctx)',
} as const

type Name = keyof typeof SHAPES

/** Lambda's `handler(event, context)`; a third parameter would be its callback of old. */
const LAMBDA_PARAMETERS = 2

/** Throws a `TypeError` that says what the module exports in the place of handlers. */
export function handlersOf(module: FunctionModule): Handlers {
  const { default: main, handler } = module
  const handlers: Handlers = {
    fetch: handlerOf(main, 'fetch'),
    queue: handlerOf(main, 'queue'),
    stream: handlerOf(main, 'stream'),
    scheduled: handlerOf(main, 'scheduled'),
    lambda: lambdaOf(handler),
  }
  if (Object.values(handlers).every((found) => found === undefined)) {
    const wanted = `an object with ${Object.values(SHAPES).join(', ')}, one of them or more`
    throw new TypeError(
      main === undefined
        ? `the module exports neither \`default\` (${wanted}) nor \`handler(event, context)\``
        : `the default export is ${describe(main)}: it must be ${wanted}, unless the module exports \`handler(event, context)\``,
    )
  }
  return handlers
}

function handlerOf<K extends Name>(main: unknown, name: K): With<K> | undefined {
  if ((typeof main !== 'object' && typeof main !== 'function') || main === null) return undefined
  const found: unknown = Reflect.get(main, name)
  if (found === undefined || found === null) return undefined
  if (typeof found !== 'function')
    throw new TypeError(`\`${name}\` of the default export must be a function ${SHAPES[name]}, but is ${describe(found)}`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it takes and gives is seen when it is called
  return main as With<K>
}

function lambdaOf(handler: unknown): Handlers['lambda'] {
  if (handler === undefined) return undefined
  if (typeof handler !== 'function')
    throw new TypeError(`the export \`handler\` must be a function handler(event, context), but is ${describe(handler)}`)
  if (handler.length > LAMBDA_PARAMETERS)
    throw new TypeError(
      `handler(event, context) has ${handler.length} parameters: there is no callback here, as in Lambda's current Node.js runtimes; return a value or a promise`,
    )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it takes and gives is seen when it is called
  return handler as Handlers['lambda']
}

/** For an event that no handler is there for. */
export function missingHandler(type: Exclude<FunctionEvent['type'], 'warm'>): TypeError {
  const lambda = 'export const handler = async (event, context) => …'
  const name = type === 'http' ? 'fetch' : type
  const ways = name === 'invoke' ? lambda : `export default { ${SHAPES[name]} }, or ${lambda}`
  return new TypeError(`the function has no handler for ${type} events: ${ways}`)
}
