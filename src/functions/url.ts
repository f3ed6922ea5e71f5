import type { Account } from './arn.ts'
import type { Statement, UrlAuthType } from './policy.ts'

/** Cross-origin settings of a function URL, as the API takes and gives them. */
export interface UrlCors {
  readonly AllowCredentials?: boolean | undefined
  readonly AllowHeaders?: readonly string[] | undefined
  readonly AllowMethods?: readonly string[] | undefined
  readonly AllowOrigins?: readonly string[] | undefined
  readonly ExposeHeaders?: readonly string[] | undefined
  /** Seconds. */
  readonly MaxAge?: number | undefined
}

/** All that a request to a function URL depends on, but for the code. Plain data: lanes keep it until they hear that the function has changed. */
export interface UrlRoute {
  readonly name: string
  /** An alias. Undefined: the function itself. */
  readonly qualifier: string | undefined
  /** Of the function or alias: what policies are about. */
  readonly arn: string
  readonly authType: UrlAuthType
  readonly cors: UrlCors | undefined
  readonly statements: readonly Statement[]
}

/** Below this path a URL works as well, for clients that cannot find a name below `localhost`. */
const FALLBACK = '/_ampoule/url/'

/** As long as AWS's, and a label of a host name. */
const ID = '[a-z0-9]{32}'

const suffixOf = ({ region }: Account): string => `.lambda-url.${region}.localhost`

export const formatUrl = (urlId: string, account: Account, port: number): string => `http://${urlId}${suffixOf(account)}:${port}/`

/** Where a request to a function URL goes. */
export interface UrlTarget {
  readonly urlId: string
  /** What the function does not see of the path; '' when the host name says which URL it is. */
  readonly prefix: string
  /** As the function sees them; starts with `/`. */
  readonly pathWithQuery: string
}

/** Reads `Host` and the request target. Gives undefined when it is no request to a function URL. */
export function createUrlReader(account: Account): (host: string | undefined, target: string) => UrlTarget | undefined {
  const hostPattern = new RegExp(`^(${ID})${RegExp.escape(suffixOf(account))}(?::\\d+)?$`, 'i')
  const pathPattern = new RegExp(`^(${RegExp.escape(FALLBACK)}(${ID}))(?=[/?]|$)`)
  return (host, target) => {
    const inHost = host?.includes('.lambda-url.') === true ? hostPattern.exec(host)?.[1] : undefined
    if (inHost !== undefined)
      return target.startsWith('/') ? { urlId: inHost.toLowerCase(), prefix: '', pathWithQuery: target } : undefined
    const [, prefix, urlId] = target.startsWith(FALLBACK) ? (pathPattern.exec(target) ?? []) : []
    if (prefix === undefined || urlId === undefined) return undefined
    const rest = target.slice(prefix.length)
    return { urlId, prefix, pathWithQuery: rest.startsWith('/') ? rest : `/${rest}` }
  }
}
