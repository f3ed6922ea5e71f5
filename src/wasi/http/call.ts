import { AmpouleError } from '../../errors.ts'
import type { GuestRequest, HttpCall, HttpLimits } from '../contract.ts'
import type { Host } from '../host.ts'
import { Exchange } from './exchange.ts'
import { FieldList, isForbidden, MAX_FIELDS, MAX_FIELDS_BYTES } from './fields.ts'
import { IncomingRequest, ResponseOutparam } from './messages.ts'
import { BodySource } from './source.ts'

/** The handles of one incoming request. Throws PayloadTooLarge or MemoryExceeded when the request is beyond the limits. */
export function openCall(host: Host, request: GuestRequest, limits: HttpLimits): HttpCall {
  if (host.exchange !== undefined) throw new AmpouleError('Internal', 'an HTTP call is already in progress')
  const exchange = new Exchange(request.method, limits)
  const maxRequestBytes = limits.maxRequestBodyBytes ?? limits.maxBodyBytes
  const source = new BodySource(request.body, maxRequestBytes, host, (error) => exchange.fail(error))
  exchange.source = source
  host.exchange = exchange
  try {
    return openHandles(host, request, exchange, source)
  } catch (error) {
    exchange.finish(error)
    host.exchange = undefined
    throw error
  }
}

function openHandles(host: Host, request: GuestRequest, exchange: Exchange, source: BodySource): HttpCall {
  const headers = readHeaders(host, request, Math.min(exchange.maxHeaderBytes, MAX_FIELDS_BYTES))
  const line = {
    method: request.method,
    scheme: request.scheme,
    authority: request.authority,
    pathWithQuery: request.pathWithQuery,
  }
  return {
    request: host.table.add(new IncomingRequest(line, headers, source)),
    responseOut: host.table.add(new ResponseOutparam(exchange)),
    response: exchange.response,
  }
}

function readHeaders(host: Host, request: GuestRequest, maxBytes: number): FieldList {
  let size = 0
  for (const [name, value] of request.headers) size += name.length + value.length + 4
  if (size > maxBytes) throw new AmpouleError('PayloadTooLarge', `the request headers exceed ${maxBytes} bytes`)
  if (request.headers.length > MAX_FIELDS)
    throw new AmpouleError('PayloadTooLarge', `the request has more than ${MAX_FIELDS} headers`)
  const headers = new FieldList()
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase()
    if (!isForbidden(lower)) headers.append(lower, value, host)
  }
  return headers
}
