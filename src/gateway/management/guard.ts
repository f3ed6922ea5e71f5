import type { IncomingMessage } from 'node:http'
import type { Account } from '../../functions/arn.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import { localCaller, type Caller } from '../../identity/caller.ts'

/** Whether only programs of this machine can reach the address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host) || host.endsWith('.localhost')

/** What a web page can send anywhere without being asked first (Fetch Standard, "CORS-safelisted request-header"). */
const SIMPLE_TYPES = /^(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)\b/i

/**
 * Who may use the management API as long as requests are not signed: programs of this machine, and no web page that somebody on it looks at. Throws
 * the refusal. `Host` must name this machine (a page's own name that leads here is DNS rebinding), `Origin` must too.
 */
function refuseForeign({ headers }: IncomingMessage): void {
  const { host, origin } = headers
  if (host === undefined || !isLoopback(hostName(host)))
    throw new LambdaError(
      'AccessDeniedException',
      `The host ${JSON.stringify(host ?? '')} is not a name of this machine, such as localhost`,
    )
  if (origin !== undefined && !isOwnOrigin(origin))
    throw new LambdaError('AccessDeniedException', `Web pages of ${JSON.stringify(origin)} have no access`)
  const type = headers['content-type']
  // A CloudEvent in headers may have any content: with such a header a page asks first.
  if (type !== undefined && SIMPLE_TYPES.test(type) && headers['ce-specversion'] === undefined)
    throw new LambdaError('UnsupportedMediaTypeException', `The content type ${JSON.stringify(type)} is not application/json`)
}

/** The gate of an API whose requests need not be signed. */
export function createLocalGate(account: Account): (incoming: IncomingMessage) => () => Caller {
  const caller = localCaller(account)
  return (incoming) => {
    refuseForeign(incoming)
    return () => caller
  }
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
