import type { IncomingMessage } from 'node:http'
import { LambdaError } from '../functions/lambda-error.ts'
import { AUTHORITY } from './canonical.ts'

/** What a request says about its signature; nothing of it has been verified. Signature Version 4, in the header or in the query (presigned). */
export interface Claim {
  readonly accessKeyId: string
  /** `YYYYMMDD`. */
  readonly day: string
  readonly region: string
  readonly service: string
  /** Lower case, in order. */
  readonly signedHeaders: readonly string[]
  /** Hexadecimal. */
  readonly signature: string
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string
  /** Seconds that a presigned request is good for; undefined for one that is signed in its header. */
  readonly expiresSeconds: number | undefined
  readonly sessionToken: string | undefined
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'
/** Seven days. */
const MAX_EXPIRES_SECONDS = 604_800
const MAX_SHOWN = 100

const incomplete = (message: string): LambdaError => new LambdaError('IncompleteSignatureException', message)

/** Reads the claim. Throws `MissingAuthenticationTokenException` when there is none, and `IncompleteSignatureException` when parts are missing. */
export function readClaim({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): Claim {
  const query = new URLSearchParams(url.split('?').slice(1).join('?'))
  const { authorization } = headers
  if (query.has('X-Amz-Signature') || query.has('X-Amz-Algorithm')) {
    if (authorization !== undefined)
      throw incomplete('A request must be signed in its Authorization header or in its query, not in both.')
    return readPresigned(query)
  }
  if (authorization === undefined) throw new LambdaError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  return readHeader(authorization, headers)
}

function readHeader(authorization: string, headers: IncomingMessage['headers']): Claim {
  const [algorithm = '', ...rest] = authorization.trim().split(/\s+/)
  if (algorithm !== ALGORITHM)
    throw incomplete(
      `The Authorization header must begin with ${ALGORITHM}, not ${JSON.stringify(algorithm.slice(0, MAX_SHOWN))}.`,
    )
  const fields = new Map<string, string>()
  for (const field of rest.join(' ').split(',')) {
    const [name = '', ...value] = field.trim().split('=')
    fields.set(name, value.join('='))
  }
  const part = (name: string): string => {
    const value = fields.get(name)
    if (value === undefined || value === '') throw incomplete(`Authorization header requires '${name}' parameter.`)
    return value
  }
  return {
    ...readScope(part('Credential')),
    signedHeaders: readNames(part('SignedHeaders')),
    signature: part('Signature'),
    timestamp: readTimestamp(headers),
    expiresSeconds: undefined,
    sessionToken: headers['x-amz-security-token']?.toString(),
  }
}

function readPresigned(query: URLSearchParams): Claim {
  const part = (name: string): string => {
    const value = query.get(name)
    if (value === null || value === '') throw incomplete(`The query requires the parameter '${name}'.`)
    return value
  }
  if (part('X-Amz-Algorithm') !== ALGORITHM) throw incomplete(`X-Amz-Algorithm must be ${ALGORITHM}.`)
  const expires = part('X-Amz-Expires')
  if (!/^\d{1,9}$/.test(expires) || Number(expires) < 1 || Number(expires) > MAX_EXPIRES_SECONDS)
    throw incomplete(
      `X-Amz-Expires is ${JSON.stringify(expires.slice(0, MAX_SHOWN))}: it must be a number of seconds from 1 to ${MAX_EXPIRES_SECONDS} (seven days).`,
    )
  return {
    ...readScope(part('X-Amz-Credential')),
    signedHeaders: readNames(part('X-Amz-SignedHeaders')),
    signature: part('X-Amz-Signature'),
    timestamp: checkTimestamp(part('X-Amz-Date')),
    expiresSeconds: Number(expires),
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
  }
}

function readScope(credential: string): Pick<Claim, 'accessKeyId' | 'day' | 'region' | 'service'> {
  const parts = credential.split('/')
  const [accessKeyId = '', day = '', region = '', service = '', end] = parts
  if (
    parts.length !== 5 ||
    end !== 'aws4_request' ||
    !/^\d{8}$/.test(day) ||
    accessKeyId === '' ||
    region === '' ||
    service === ''
  )
    throw incomplete(
      `The Credential ${JSON.stringify(credential.slice(0, MAX_SHOWN))} must have the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request.`,
    )
  return { accessKeyId, day, region, service }
}

function readNames(text: string): readonly string[] {
  const names = text.split(';')
  if (names.some((name) => name !== AUTHORITY && !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)))
    throw incomplete('The signed headers must be names in lower case with semicolons between them.')
  return names
}

function readTimestamp(headers: IncomingMessage['headers']): string {
  const own = headers['x-amz-date']?.toString()
  if (own !== undefined) return checkTimestamp(own)
  const milliseconds = Date.parse(headers.date ?? '')
  if (Number.isNaN(milliseconds))
    throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
  return formatTimestamp(milliseconds)
}

function checkTimestamp(text: string): string {
  if (/^\d{8}T\d{6}Z$/.test(text) && !Number.isNaN(timestampMs(text))) return text
  throw incomplete(`X-Amz-Date is ${JSON.stringify(text.slice(0, MAX_SHOWN))}: it must have the form YYYYMMDDTHHMMSSZ.`)
}

/** Milliseconds since the epoch. */
export const timestampMs = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\dT)(\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3$4:$5:$6'))

export const formatTimestamp = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replaceAll(/[-:]|\.\d+/g, '')
