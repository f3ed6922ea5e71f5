import { describe } from './errors.ts'
import type { Context, Environment, HttpAnswer, HttpEvent, Web, With } from './function.ts'

/**
 * Calls a `fetch` function with a web-standard Request (Fetch Standard) and takes its Response apart. `web` is the runtime's own form of
 * both, where the engine has none; with it nothing waits that need not.
 */
export function callFetch(
  author: With<'fetch'>,
  event: HttpEvent,
  env: Environment,
  context: Context,
  web: Web = NATIVE,
): HttpAnswer | Promise<HttpAnswer> {
  const response: unknown = author.fetch(web.requestOf(event), env, context)
  const taken = web.takeResponse(response)
  if (taken !== undefined) return taken
  return Promise.resolve(response).then((value) => web.takeResponse(value) ?? refuse(value))
}

function refuse(value: unknown): never {
  throw new TypeError(`fetch(request, env, ctx) must return a Response, but returned ${describe(value)}`)
}

const NATIVE: Web = {
  requestOf: toRequest,
  takeResponse: (value) => (value instanceof Response ? takeResponse(value) : undefined),
}

async function takeResponse(response: Response): Promise<HttpAnswer> {
  // The engine makes a list of them natively, each cookie a pair of its own.
  const headers = [...response.headers].flat()
  const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer())
  return { status: response.status, headers, body }
}

function toRequest({ url, method, headers: single, list, body }: HttpEvent): Request {
  const headers = list === undefined ? single : asInit(list)
  // The Fetch Standard forbids a body here, HTTP does not.
  if (body === null || method === 'GET' || method === 'HEAD') return new Request(url, { method, headers })
  return new Request(url, { method, headers, body: body as Uint8Array<ArrayBuffer> })
}

const asInit = (list: NonNullable<HttpEvent['list']>): [string, string][] => list.map(([name, value]) => [name, value])
