import { describe, expect, test } from 'vitest'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { GuestFailure } from '../../src/engine/failure.ts'
import { AmpouleError } from '../../src/errors.ts'
import { GuestError, toInvocationError } from '../../src/invoke/failure.ts'
import { encodeMessage } from '../../src/invoke/message.ts'

describe('the error of an invocation', () => {
  test("carries the guest's name, message and stack", () => {
    const error = toInvocationError(
      new GuestFailure(encodeMessage({ name: 'TypeError', message: 'no', stack: 'at f' })),
      undefined,
      'msgpack',
    )
    expect(error).toBeInstanceOf(GuestError)
    expect(error.code).toBe('FunctionError')
    expect((error as GuestError).details).toEqual({ name: 'TypeError', message: 'no', stack: 'at f' })
  })

  test('carries it from an envelope, too', () => {
    const payload = encodeEnvelope({ name: 'TypeError', message: '\u00fc', stack: 'at f' }, null)
    const details = { name: 'TypeError', message: '\u00fc', stack: 'at f' }
    expect(toInvocationError(new GuestFailure(payload), undefined, 'json')).toMatchObject({ code: 'FunctionError', details })
  })

  test.each([
    ['no envelope', encodeMessage({ name: 'TypeError', message: '', stack: '' })],
    ['no JSON', encodeMessage(['{', null])],
    ['keys of other types', encodeEnvelope({ name: 1, message: ['x'] }, null)],
    ['keys of a prototype', encodeMessage(['{"__proto__":{"name":"X"}}', null])],
  ])('is a FunctionError even when the guest sent an envelope with %s', (_, payload) => {
    expect(toInvocationError(new GuestFailure(payload), undefined, 'json')).toMatchObject({
      code: 'FunctionError',
      details: { name: 'Error' },
    })
  })

  test.each([
    ['no message at all', new Uint8Array([0xc1])],
    ['a number', encodeMessage(3)],
    ['nothing', encodeMessage(null)],
    ['keys of other types', encodeMessage({ name: 1, message: ['x'], stack: null })],
  ])('is a FunctionError even when the guest sent %s', (_, payload) => {
    expect(toInvocationError(new GuestFailure(payload), undefined, 'msgpack')).toMatchObject({
      code: 'FunctionError',
      details: { name: 'Error' },
    })
  })

  test("cuts a guest's endless texts", () => {
    const error = toInvocationError(
      new GuestFailure(encodeMessage({ name: 'E', message: 'x'.repeat(1e6), stack: '' })),
      undefined,
      'msgpack',
    )
    expect(error.message.length).toBeLessThan(20_000)
  })

  test('is the reason of the abort when the invocation was cancelled', () => {
    const reason = new AmpouleError('ShuttingDown', 'going')
    expect(toInvocationError(new AmpouleError('Cancelled', 'gone'), reason, 'json')).toBe(reason)
    expect(toInvocationError(new Error('aborted'), reason, 'json')).toBe(reason)
  })

  test("stays the guest's own failure when it came before the abort took effect", () => {
    const trap = new AmpouleError('FunctionTrapped', 'unreachable')
    expect(toInvocationError(trap, new AmpouleError('Cancelled', 'gone'), 'json')).toBe(trap)
  })

  test('is Internal, with its cause, for anything unexpected', () => {
    const cause = new TypeError('a bug')
    expect(toInvocationError(cause, undefined, 'json')).toMatchObject({ code: 'Internal', cause })
  })
})
