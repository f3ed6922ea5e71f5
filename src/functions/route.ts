import { RESERVED_SEGMENT } from './name.ts'

/** Which requests go to a function: by host, by path, or by both. */
export interface Route {
  /** Lower case, without port; `*.example.com` covers every name below it, not `example.com` itself. Undefined: any host. */
  readonly host: string | undefined
  /** Exact (`/status`), or with everything below it (`/v1/*` covers `/v1` and `/v1/…`). Compared as sent, case-sensitively. */
  readonly path: string
}

const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
/** RFC 3986 `pchar` and `/`. */
const pathPattern = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/

/** `/path`, `host`, `host/path` as a route; a `*` may only end the path as `/*`. Throws `RangeError` with the reason. */
export function parseRoute(text: string): Route {
  const slash = text.indexOf('/')
  if (slash === -1) return checkRoute({ host: text, path: '/*' })
  return checkRoute({ host: slash === 0 ? undefined : text.slice(0, slash), path: text.slice(slash) })
}

/** The route with its host in lower case. Throws `RangeError` with the reason why it cannot be one. */
export function checkRoute(route: Route): Route {
  const host = route.host?.toLowerCase()
  if (host !== undefined && !hostPattern.test(host)) {
    throw new RangeError(
      `the host ${JSON.stringify(route.host)} must be a name like "api.example.com" or "*.example.com", without scheme or port`,
    )
  }
  const { path } = route
  if (!pathPattern.test(path))
    throw new RangeError(`the path ${JSON.stringify(path)} must start with "/" and hold only URL path characters`)
  const star = path.indexOf('*')
  if (star !== -1 && (star !== path.length - 1 || !path.endsWith('/*'))) {
    throw new RangeError(`the path ${JSON.stringify(path)} may hold "*" only as its last segment, as in "/v1/*"`)
  }
  if (/\/\.{1,2}(\/|$)/.test(path)) throw new RangeError(`the path ${JSON.stringify(path)} must not hold "." or ".." segments`)
  if (path.split('/')[1] === RESERVED_SEGMENT) throw new RangeError(`"/${RESERVED_SEGMENT}" belongs to the host`)
  return { host, path }
}

export const formatRoute = (route: Route): string => `${route.host ?? ''}${route.path}`
