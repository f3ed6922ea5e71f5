import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { decodeMessage, encodeMessage, MalformedMessage } from '../../src/invoke/message.ts'
import { decodeHttpAnswer, encodeHttpEvent } from '../../src/triggers/http-event.ts'

const bodyOf = (answer: object) => decodeHttpAnswer(encodeMessage({ status: 200, ...answer })).body

function isAnswerOrRefused(input: Uint8Array): boolean {
  try {
    decodeHttpAnswer(input)
    return true
  } catch (error) {
    return error instanceof MalformedMessage || (error instanceof AmpouleError && error.code === 'InvalidResponse')
  }
}

describe('an HTTP request as an event', () => {
  test('has the keys and types of docs/events.md', () => {
    const event = encodeHttpEvent({
      id: 'i',
      functionName: 'f',
      deadlineMs: 1_795_417_706_135,
      method: 'POST',
      url: 'http://h/p?q',
      headers: [
        ['a', '1'],
        ['a', '\u00E9'],
      ],
      body: new Uint8Array([0, 255]),
    })
    expect(decodeMessage(event)).toEqual({
      type: 'http',
      id: 'i',
      fn: 'f',
      deadline: 1_795_417_706_135,
      method: 'POST',
      url: 'http://h/p?q',
      headers: [
        ['a', '1'],
        ['a', '\u00E9'],
      ],
      body: Buffer.from([0, 255]),
    })
  })

  test('has nil for a body that is not there', () => {
    const event = encodeHttpEvent({
      id: 'i',
      functionName: 'f',
      deadlineMs: 1,
      method: 'GET',
      url: 'http://h/',
      headers: [],
      body: null,
    })
    expect(decodeMessage(event)).toMatchObject({ body: null, headers: [] })
  })
})

describe("a function's answer", () => {
  test('may have a binary, a string or nil as its body, or none', () => {
    expect(bodyOf({ body: new Uint8Array([1, 2]) })).toEqual(Buffer.from([1, 2]))
    expect(bodyOf({ body: 'hé' })).toEqual(Buffer.from('hé'))
    expect(bodyOf({ body: null })).toBeNull()
    expect(bodyOf({})).toBeNull()
  })

  test('may hold keys that are not known, of any kind, in any order', () => {
    const { head, body } = decodeHttpAnswer(
      encodeMessage({ x: { y: [1, { z: null }] }, body: 'b', status: 201, more: 'm', headers: [['a', '1']] }),
    )
    expect(head).toMatchObject({ status: 201, headers: ['a', '1'] })
    expect(body?.toString()).toBe('b')
  })

  test.each([
    ['a list', [200]],
    ['a number', 200],
    ['nothing', null],
    ['no status', { body: '' }],
    ['a status as text', { status: '200' }],
    ['headers as a map', { status: 200, headers: { a: '1' } }],
    ['a header of one part', { status: 200, headers: [['a']] }],
    ['a header of three parts', { status: 200, headers: [['a', 'b', 'c']] }],
    ['a header value that is a number', { status: 200, headers: [['a', 1]] }],
    ['a body that is a map', { status: 200, body: {} }],
    ['a body that is a number', { status: 200, body: 1 }],
  ])('that is or has %s is malformed', (_, answer) => {
    expect(() => decodeHttpAnswer(encodeMessage(answer))).toThrow(MalformedMessage)
  })

  test('with bytes behind its end is malformed', () => {
    expect(() => decodeHttpAnswer(Buffer.concat([encodeMessage({ status: 200 }), Buffer.from([0xc0])]))).toThrow(MalformedMessage)
  })

  test('with an unknown key that is nested too deep is malformed', () => {
    const nested = Buffer.concat([Buffer.from([0x81, 0xa1, 0x78]), Buffer.alloc(200_000, 0x91)])
    expect(() => decodeHttpAnswer(nested)).toThrow(MalformedMessage)
  })

  test('of any bytes is an answer or refused, never anything else', () => {
    const head = encodeMessage({ status: 200, headers: [['a', 'b']], body: 'c' })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(head.length), (noise, at) => {
        for (const input of [
          noise,
          Buffer.concat([head.subarray(0, at), noise]),
          Buffer.concat([head.subarray(0, at), noise, head.subarray(at)]),
        ]) {
          expect(isAnswerOrRefused(input)).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
