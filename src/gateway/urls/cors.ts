import type { UrlCors } from '../../functions/url.ts'

/** What of a request cross-origin rules look at. */
export interface CrossOrigin {
  readonly method: string
  readonly origin: string | undefined
  /** `Access-Control-Request-Method`. */
  readonly requestedMethod: string | undefined
}

/** The Fetch Standard's "CORS-preflight request": what a browser asks before it sends the request itself. */
export const isPreflight = ({ method, origin, requestedMethod }: CrossOrigin): boolean =>
  method === 'OPTIONS' && origin !== undefined && requestedMethod !== undefined

/** Headers of every answer, name, value, …: they take the place of those that the function sets. Empty where the origin is not allowed. */
export function corsHeaders(cors: UrlCors, { origin }: CrossOrigin): string[] {
  const allowed = allowedOrigin(cors, origin)
  if (allowed === undefined) return []
  return [
    'access-control-allow-origin',
    allowed,
    ...(allowed === '*' ? [] : ['vary', 'Origin']),
    ...(cors.AllowCredentials === true ? ['access-control-allow-credentials', 'true'] : []),
    ...listed('access-control-expose-headers', cors.ExposeHeaders),
  ]
}

/** Headers of the answer to a preflight. */
export function preflightHeaders(cors: UrlCors, request: CrossOrigin): string[] {
  const own = corsHeaders(cors, request)
  if (own.length === 0) return []
  return [
    ...own,
    ...listed('access-control-allow-methods', cors.AllowMethods),
    ...listed('access-control-allow-headers', cors.AllowHeaders),
    ...(cors.MaxAge === undefined ? [] : ['access-control-max-age', String(cors.MaxAge)]),
  ]
}

/** The origin itself where credentials are sent, since browsers then do not take `*`. */
function allowedOrigin({ AllowOrigins = [], AllowCredentials = false }: UrlCors, origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined
  if (AllowOrigins.includes('*')) return AllowCredentials ? origin : '*'
  return AllowOrigins.includes(origin) ? origin : undefined
}

const listed = (name: string, values: readonly string[] = []): string[] => (values.length === 0 ? [] : [name, values.join(',')])
