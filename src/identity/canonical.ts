import type { IncomingMessage } from 'node:http'

/*
 * AWS, "Create a signed AWS API request": the form of a request that its signature is of. As for every service but S3, the path is encoded
 * once more than it is on the wire.
 */

export type WireParts = Pick<IncomingMessage, 'method' | 'url' | 'headersDistinct'>

/** RFC 9113 8.3.1: what HTTP/2 has for `Host`, and what its clients sign instead. */
export const AUTHORITY = ':authority'

/** Throws `URIError` when the query is no percent-encoding. */
export function canonicalRequest(
  { method = 'GET', url = '/', headersDistinct }: WireParts,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const query = at < 0 ? '' : url.slice(at + 1)
  const valuesOf = (name: string): readonly string[] => headersDistinct[name === AUTHORITY ? 'host' : name] ?? []
  const headers = signedHeaders.map((name) => `${name}:${valuesOf(name).map(collapse).join(',')}\n`)
  return [method, canonicalPath(path), canonicalQuery(query), headers.join(''), signedHeaders.join(';'), payloadHash].join('\n')
}

function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`
}

function canonicalQuery(query: string): string {
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
      return [encode(decodeURIComponent(name)), encode(decodeURIComponent(value))] as const
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
  return pairs
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const collapse = (value: string): string => value.trim().replaceAll(/ +/g, ' ')

/** RFC 3986: everything but unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
