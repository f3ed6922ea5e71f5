import type { Context, Environment, FetchFunction, HttpAnswer, HttpEvent } from './function.ts'

/** Calls a `fetch` function with a web-standard Request (Fetch Standard) and takes its Response apart. */
export async function callFetch(
  author: FetchFunction,
  event: HttpEvent,
  env: Environment,
  context: Context,
): Promise<HttpAnswer> {
  const response: unknown = await author.fetch(toRequest(event), env, context)
  if (!(response instanceof Response)) throw new TypeError('fetch(request, env, context) must return a Response')
  // The engine makes a list of them natively, each cookie a pair of its own.
  const headers: [string, string][] = [...response.headers]
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
