import type { IncomingMessage } from 'node:http'

/** Below this path a lane in development answers `ampoule dev` and its commands. */
export const DEV_PATH = '/_ampoule/dev'

/** What a page of another site cannot send without being asked for permission first (Fetch Standard, CORS), which it does not get. */
export const DEV_HEADER = 'x-ampoule-dev'

/**
 * Whether a request may use the tools of development: from this machine, by a name of this machine (a site that lets its own name
 * point here, "DNS rebinding", comes with that name), and not sent by a page of another origin.
 */
export function mayUseTools({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  if (headers[DEV_HEADER] === undefined) return false
  if (!isLoopbackAddress(socket.remoteAddress ?? '')) return false
  if (!isLoopbackName(headers.host ?? '')) return false
  const { origin } = headers
  return origin === undefined || (URL.canParse(origin) && isLoopbackName(new URL(origin).host))
}

const isLoopbackAddress = (address: string): boolean => address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)

const isLoopbackName = (authority: string): boolean =>
  /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i.test(authority)
