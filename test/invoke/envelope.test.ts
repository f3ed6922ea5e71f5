import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { decodeEnvelope, own } from '../../src/invoke/envelope.ts'
import { decodePayload, encodeInvokeEvent } from '../../src/invoke/invoke.ts'
import { encodeMessage, MalformedMessage, MAX_DEPTH, MAX_VALUES } from '../../src/invoke/message.ts'

const withHead = (json: string) => encodeMessage([json, null])
const nested = (depth: number) => withHead(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`)

describe('envelopes', () => {
  test('carry every value of JSON and every body', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.option(fc.uint8Array()), (value, body) => {
        const answer = decodeEnvelope(encodeEnvelope({ value }, body))
        expect(own(answer.head, 'value')).toEqual(JSON.parse(JSON.stringify(value)))
        expect(answer.body).toEqual(body === null ? null : Buffer.from(body))
      }),
    )
  })

  test('have lengths of four bytes, whatever the size', () => {
    for (const size of [0, 1, 255, 256, 65_536]) {
      const bytes = encodeEnvelope({}, new Uint8Array(size))
      expect([...bytes.subarray(0, 9)]).toEqual([0x92, 0xdb, 0, 0, 0, 2, 0x7b, 0x7d, 0xc6])
      expect(Buffer.from(bytes).readUInt32BE(9)).toBe(size)
    }
  })
})

describe('an envelope from a guest', () => {
  test('of any bytes is an answer or malformed, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string(), (noise, text) => {
        for (const input of [noise, withHead(text), Buffer.concat([encodeEnvelope({ a: text }, noise).subarray(0, -1), noise])]) {
          try {
            expect(typeof decodeEnvelope(input).head).toBe('object')
          } catch (error) {
            if (!(error instanceof MalformedMessage)) throw error
          }
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('may be nested up to the limit', () => {
    expect(() => decodeEnvelope(nested(MAX_DEPTH))).not.toThrow()
    expect(() => decodeEnvelope(nested(MAX_DEPTH + 1))).toThrow(`nested deeper than ${MAX_DEPTH}`)
  })

  test('may not have more values than an honest one needs', () => {
    expect(() => decodeEnvelope(withHead(`{"a":[${'0,'.repeat(MAX_VALUES)}0]}`))).toThrow(`more than ${MAX_VALUES} values`)
    expect(() => decodeEnvelope(withHead(`{"a":[${'[]'.repeat(MAX_VALUES)}]}`))).toThrow(`more than ${MAX_VALUES} values`)
  })

  test('may have any text in its strings: brackets, commas, quotes and backslashes count for nothing there', () => {
    const text = `${'['.repeat(100)}\\"${',{"'.repeat(100)}\\`
    expect(own(decodeEnvelope(encodeEnvelope({ text }, null)).head, 'text')).toBe(text)
  })
})

describe('a direct invocation', () => {
  const event = { id: 'i', functionName: 'f', deadlineMs: 1, payload: { a: ['\u00fc', 1.5, null] } }

  test('is an event of both forms', () => {
    const expected = { type: 'invoke', id: 'i', fn: 'f', deadline: 1, payload: event.payload }
    expect(decodeEnvelope(encodeInvokeEvent(event, 'json'))).toEqual({ head: expected, body: null })
    expect(encodeInvokeEvent(event, 'msgpack')).toEqual(encodeMessage(expected))
    expect(decodeEnvelope(encodeInvokeEvent({ ...event, payload: undefined }, 'json')).head).toMatchObject({ payload: null })
  })

  test.each(['json', 'msgpack'] as const)('with a payload that is nested too deeply is the caller’s mistake: %s', (form) => {
    const payload: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect(() => encodeInvokeEvent({ ...event, payload }, form)).toThrow(
      expect.objectContaining({ code: 'InvalidRequest', message: expect.stringContaining('nested') as string }) as Error,
    )
  })

  test('is answered with a payload of its own', () => {
    expect(decodePayload(withHead('{"payload":[1]}'), 'json')).toEqual([1])
    expect(decodePayload(encodeMessage({ payload: [1] }), 'msgpack')).toEqual([1])
    for (const json of ['{}', '{"__proto__":{"payload":1}}', '[]', 'null'])
      expect(() => decodePayload(withHead(json), 'json')).toThrow(MalformedMessage)
  })
})
