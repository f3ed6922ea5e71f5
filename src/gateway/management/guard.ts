import type { IncomingMessage } from 'node:http'
import { LambdaError } from '../../functions/lambda-error.ts'

/** Whether only programs of this machine can reach the address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host) || host.endsWith('.localhost')

/** What a web page can send anywhere without being asked first (Fetch Standard, "CORS-safelisted request-header"). */
const SIMPLE_TYPES = /^(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)\b/i

/**
 * Who may use the management API as long as requests are not signed: programs of this machine, and no web page that somebody on it looks at. Gives
 * the refusal. `Host` must name this machine (a page's own name that leads here is DNS rebinding), `Origin` must too.
 */
export function refuseForeign({ headers }: IncomingMessage): LambdaError | undefined {
  const { host, origin } = headers
  if (host === undefined || !isLoopback(hostName(host)))
    return new LambdaError(
      'AccessDeniedException',
      `The host ${JSON.stringify(host ?? '')} is not a name of this machine, such as localhost`,
    )
  if (origin !== undefined && !isOwnOrigin(origin))
    return new LambdaError('AccessDeniedException', `Web pages of ${JSON.stringify(origin)} have no access`)
  const type = headers['content-type']
  if (type !== undefined && SIMPLE_TYPES.test(type))
    return new LambdaError('UnsupportedMediaTypeException', `The content type ${JSON.stringify(type)} is not application/json`)
  return undefined
}

function isOwnOrigin(origin: string): boolean {
  const url = URL.parse(origin)
  return url !== null && isLoopback(hostName(url.host))
}

/** Without port and brackets. */
const hostName = (host: string): string =>
  host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
