import { STATUS_CODES } from 'node:http'
import { describe, expect, test } from 'vitest'
import { AmpouleError, ERROR_KINDS, fromMessage, toMessage, type ErrorCode } from '../src/errors.ts'
import { errorAnswer } from '../src/gateway/errors.ts'

const codes = Object.keys(ERROR_KINDS) as ErrorCode[]
/** Not in RFC 9110, but what proxies log for a client that left before its answer. */
const CLIENT_CLOSED_REQUEST = 499

describe('the table of errors', () => {
  test.each(codes)('%s has an HTTP error status and an exit code that a shell sees as failure', (code) => {
    const { status, exitCode } = ERROR_KINDS[code]
    expect(status === CLIENT_CLOSED_REQUEST || STATUS_CODES[status] !== undefined).toBe(true)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(exitCode).toBeGreaterThan(0)
    expect(exitCode).toBeLessThan(126)
  })

  // The port is the caller's choice, but it is never the answer to a request.
  test.each(codes.filter((code) => code !== 'AddressInUse'))(
    '%s blames the caller with 4xx and the guest or the host with 5xx',
    (code) => {
      const { status, fault } = ERROR_KINDS[code]
      expect(status < 500).toBe(fault === 'caller')
    },
  )

  test.each(codes)('%s is answered with its status, its code, the request id and a message that fits on one line', (code) => {
    const { status, body } = errorAnswer(new AmpouleError(code, 'what happened', { cause: new Error('inside') }), {
      requestId: 'id-1',
      dev: false,
    })
    expect(status).toBe(ERROR_KINDS[code].status)
    expect(body).toEqual({ code, message: expect.stringMatching(/^.+$/) as string, requestId: 'id-1' })
    expect(body.message).not.toContain('inside')
  })

  test.each(codes.filter((code) => ERROR_KINDS[code].fault !== 'caller'))(
    '%s tells clients nothing of its own message outside development',
    (code) => {
      const { body } = errorAnswer(new AmpouleError(code, 'a secret of the guest'), { requestId: 'id-1', dev: false })
      expect(body.message).not.toContain('secret')
    },
  )

  test('retryable overload is answered with retry-after', () => {
    for (const code of ['TooManyRequests', 'HostCapacity', 'ShuttingDown'] as const) {
      expect(errorAnswer(new AmpouleError(code, ''), { requestId: 'id', dev: false }).headers).toContain('retry-after')
    }
  })

  test('an error keeps its cause and knows its kind', () => {
    const cause = new Error('inside')
    const error = new AmpouleError('HostCapacity', 'full', { cause })
    expect(error.cause).toBe(cause)
    expect(error.kind).toBe(ERROR_KINDS.HostCapacity)
    expect(error).toBeInstanceOf(Error)
  })
})

describe('an error that goes to another thread', () => {
  test('is the same there when it was raised on purpose', () => {
    const there = fromMessage(structuredClone(toMessage(new AmpouleError('HostCapacity', 'full', { cause: 'inside' }))))
    expect(there).toBeInstanceOf(AmpouleError)
    expect(there).toMatchObject({ code: 'HostCapacity', message: 'full' })
  })

  test('is the host’s fault when it was not', () => {
    expect(toMessage(new TypeError('x is not a function'))).toEqual({ code: 'Internal', message: 'x is not a function' })
    expect(toMessage('thrown')).toEqual({ code: 'Internal', message: 'thrown' })
  })
})
