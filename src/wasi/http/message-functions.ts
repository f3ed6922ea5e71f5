import { AmpouleError } from '../../errors.ts'
import type { Host } from '../host.ts'
import { plain, type HostFunction } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { IncomingBody, putOwned } from './bodies.ts'
import { putErrorResult, readErrorCode } from './error-code.ts'
import { hasNoBody, type Exchange } from './exchange.ts'
import { FIELDS, Fields } from './fields.ts'
import {
  contentLength,
  INCOMING_REQUEST,
  OUTGOING_REQUEST,
  OUTGOING_RESPONSE,
  OutgoingRequest,
  OutgoingResponse,
  REQUEST_OPTIONS,
  RequestOptions,
  RESPONSE_OUTPARAM,
  type Timeouts,
} from './messages.ts'

function getTimeout(name: keyof Timeouts): HostFunction {
  return plain((host, memory) => (self: number, result: number) => {
    const value = host.table.get(self, REQUEST_OPTIONS).timeouts[name]
    const area = memory.area(result, 16, 8)
    area.u8(0, value === undefined ? 0 : 1)
    if (value !== undefined) area.u64(8, value)
  })
}

function setTimeoutOption(name: keyof Timeouts): HostFunction {
  return plain((host) => (self: number, discriminant: number, duration: bigint) => {
    const options = host.table.get(self, REQUEST_OPTIONS)
    if (discriminant >>> 0 > 1) trap(`option discriminant ${discriminant >>> 0}`)
    options.changes++
    options.timeouts[name] = discriminant === 1 ? BigInt.asUintN(64, duration) : undefined
    return 0
  })
}

/** Statuses that can end an exchange: informational ones cannot, and others do not exist in HTTP. */
function isFinalStatus(status: number): boolean {
  return status >= 200 && status <= 599
}

function answer(exchange: Exchange, response: OutgoingResponse): void {
  const { headers, pipe, status } = response
  const expected = contentLength(headers)
  if (headers.size > exchange.maxHeaderBytes) {
    exchange.fail(new AmpouleError('ResponseTooLarge', `the response headers exceed ${exchange.maxHeaderBytes} bytes`))
    return
  }
  if (Number.isNaN(expected)) {
    exchange.fail(new AmpouleError('InvalidResponse', 'the response has an invalid content-length'))
    return
  }
  const bodyless = exchange.method === 'HEAD' || hasNoBody(status)
  if (expected !== undefined && expected > exchange.maxBodyBytes && !bodyless) {
    exchange.fail(
      new AmpouleError('ResponseTooLarge', `the response body exceeds ${exchange.maxBodyBytes} bytes (maxResponseBytes)`),
    )
    return
  }
  if (pipe === undefined && expected !== undefined && expected > 0 && !bodyless) {
    exchange.fail(new AmpouleError('InvalidResponse', `the response has a content-length of ${expected} and no body`))
    return
  }
  if (pipe !== undefined) {
    pipe.mayBeEmpty = bodyless
    if (hasNoBody(status)) pipe.expectedBytes = 0
  }
  exchange.set({ status, headers: [...headers.entries] }, pipe)
}

function takeResponse(host: Host, handle: number): OutgoingResponse {
  const response = host.table.take(handle, OUTGOING_RESPONSE)
  response.headers.release(host)
  return response
}

function readFailure(memory: GuestMemory, variant: number, payload: Parameters<typeof readErrorCode>[2]): AmpouleError {
  return new AmpouleError('InvalidResponse', `the function answered with ${readErrorCode(memory, variant, payload)}`)
}

/** Requests, responses, request-options and the response-outparam of wasi:http/types. */
export const messageFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]incoming-request.headers': plain((host) => (self: number) => {
    const request = host.table.get(self, INCOMING_REQUEST)
    return host.table.add(new Fields(request.headers, true, host), request)
  }),
  '[method]incoming-request.consume': plain((host, memory) => (self: number, result: number) => {
    const request = host.table.get(self, INCOMING_REQUEST)
    const { source } = request
    request.source = undefined
    putOwned(memory, result, source === undefined ? undefined : host.table.add(new IncomingBody(source)))
  }),
  '[constructor]outgoing-request': plain((host) => (headers: number) => {
    return host.table.add(new OutgoingRequest(host.table.take(headers, FIELDS).list, host))
  }),
  '[method]outgoing-request.headers': plain((host) => (self: number) => {
    const request = host.table.get(self, OUTGOING_REQUEST)
    return host.table.add(new Fields(request.headers, true, host), request)
  }),
  '[method]outgoing-request.body': plain((host, memory) => (self: number, result: number) => {
    putOwned(memory, result, host.table.get(self, OUTGOING_REQUEST).takeBody())
  }),
  '[constructor]outgoing-response': plain((host) => (headers: number) => {
    return host.table.add(new OutgoingResponse(host.table.take(headers, FIELDS).list, host))
  }),
  '[method]outgoing-response.status-code': plain((host) => (self: number) => host.table.get(self, OUTGOING_RESPONSE).status),
  '[method]outgoing-response.set-status-code': plain((host) => (self: number, status: number) => {
    const response = host.table.get(self, OUTGOING_RESPONSE)
    if (!isFinalStatus(status & 0xffff)) return 1
    response.changes++
    response.status = status & 0xffff
    return 0
  }),
  '[method]outgoing-response.headers': plain((host) => (self: number) => {
    const response = host.table.get(self, OUTGOING_RESPONSE)
    return host.table.add(new Fields(response.headers, true, host), response)
  }),
  '[method]outgoing-response.body': plain((host, memory) => (self: number, result: number) => {
    putOwned(memory, result, host.table.get(self, OUTGOING_RESPONSE).takeBody())
  }),
  '[method]response-outparam.send-informational': plain(
    (host, memory) => (self: number, _status: number, headers: number, result: number) => {
      host.table.get(self, RESPONSE_OUTPARAM)
      host.table.drop(headers, FIELDS)
      putErrorResult(memory, result, { case: 'internal-error', text: 'informational responses are not supported' })
    },
  ),
  '[static]response-outparam.set': plain(
    (host, memory) =>
      (
        ...[self, tag, value, p0, p1, p2, p3, p4, p5]: [
          ...[self: number, tag: number, value: number, p0: number, p1: bigint, p2: number, p3: number, p4: number, p5: number],
        ]
      ) => {
        if (tag >>> 0 > 1) trap(`result discriminant ${tag >>> 0}`)
        const { exchange } = host.table.take(self, RESPONSE_OUTPARAM)
        if (tag === 1) exchange.fail(readFailure(memory, value, [p0, p1, p2, p3, p4, p5]))
        else answer(exchange, takeResponse(host, value))
      },
  ),
  '[constructor]request-options': plain((host) => () => host.table.add(new RequestOptions())),
  '[method]request-options.connect-timeout': getTimeout('connect'),
  '[method]request-options.first-byte-timeout': getTimeout('firstByte'),
  '[method]request-options.between-bytes-timeout': getTimeout('betweenBytes'),
  '[method]request-options.set-connect-timeout': setTimeoutOption('connect'),
  '[method]request-options.set-first-byte-timeout': setTimeoutOption('firstByte'),
  '[method]request-options.set-between-bytes-timeout': setTimeoutOption('betweenBytes'),
}
