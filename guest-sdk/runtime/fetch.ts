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
  return fromResponse(response)
}

function toRequest(event: HttpEvent): Request {
  const headers = new Headers()
  for (const [name, value] of event.headers) headers.append(name, value)
  // The Fetch Standard forbids a body here, HTTP does not.
  const bodyless = event.method === 'GET' || event.method === 'HEAD'
  const body = bodyless || event.body === null ? null : new Uint8Array(event.body)
  return new Request(event.url, body === null ? { method: event.method, headers } : { method: event.method, headers, body })
}

async function fromResponse(response: Response): Promise<HttpAnswer> {
  const headers: [string, string][] = []
  const cookies = response.headers.getSetCookie?.() ?? []
  response.headers.forEach((value, name) => {
    if (name !== 'set-cookie' || cookies.length === 0) headers.push([name, value])
  })
  for (const cookie of cookies) headers.push(['set-cookie', cookie])
  const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer())
  return { status: response.status, headers, body }
}
