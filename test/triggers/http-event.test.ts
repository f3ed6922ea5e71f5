import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventForm } from '../../src/component/contract.ts'
import { AmpouleError } from '../../src/errors.ts'
import { decodeMessage, encodeMessage, MalformedMessage } from '../../src/invoke/message.ts'
import { decodeHttpAnswer, encodeHttpEvent, type HttpEvent } from '../../src/triggers/http-event.ts'

const request: HttpEvent = {
  id: 'i',
  functionName: 'f',
  deadlineMs: 1,
  method: 'GET',
  url: 'http://h:81/p/q?a=1&a=2&b=%C3%BC',
  headers: [['x', '1']],
  body: null,
}

/** The two values of the form `json`. */
function openJson(event: HttpEvent): { readonly json: string; readonly head: object; readonly body: unknown } {
  const values = decodeMessage(encodeHttpEvent(event, 'json'))
  if (!Array.isArray(values) || values.length !== 2) throw new Error('no pair')
  const [json, body] = values as [string, unknown]
  return { json, head: JSON.parse(json) as object, body }
}

const answerJson = (head: unknown, body: unknown = null) => encodeMessage([JSON.stringify(head), body])

const bodyOf = (answer: object) => decodeHttpAnswer(encodeMessage({ status: 200, ...answer }), 'msgpack').body

function isAnswerOrRefused(input: Uint8Array, events: EventForm): boolean {
  try {
    decodeHttpAnswer(input, events)
    return true
  } catch (error) {
    return error instanceof MalformedMessage || (error instanceof AmpouleError && error.code === 'InvalidResponse')
  }
}

describe('an HTTP request as an event', () => {
  test('has the keys and types of docs/events.md', () => {
    const event = encodeHttpEvent(
      {
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
      },
      'msgpack',
    )
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
    const event = encodeHttpEvent(
      {
        id: 'i',
        functionName: 'f',
        deadlineMs: 1,
        method: 'GET',
        url: 'http://h/',
        headers: [],
        body: null,
      },
      'msgpack',
    )
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
      'msgpack',
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
    expect(() => decodeHttpAnswer(encodeMessage(answer), 'msgpack')).toThrow(MalformedMessage)
  })

  test('with bytes behind its end is malformed', () => {
    expect(() => decodeHttpAnswer(Buffer.concat([encodeMessage({ status: 200 }), Buffer.from([0xc0])]), 'msgpack')).toThrow(
      MalformedMessage,
    )
  })

  test('with an unknown key that is nested too deep is malformed', () => {
    const nested = Buffer.concat([Buffer.from([0x81, 0xa1, 0x78]), Buffer.alloc(200_000, 0x91)])
    expect(() => decodeHttpAnswer(nested, 'msgpack')).toThrow(MalformedMessage)
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
          expect(isAnswerOrRefused(input, 'msgpack')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('an HTTP request as an event of the form json', () => {
  test('has a head with the URL and the headers taken apart, and a body of its own', () => {
    const { head, body } = openJson({ ...request, method: 'POST', body: new Uint8Array([0, 255]) })
    expect(head).toEqual({
      type: 'http',
      id: 'i',
      fn: 'f',
      deadline: 1,
      method: 'POST',
      url: 'http://h:81/p/q?a=1&a=2&b=%C3%BC',
      host: 'h:81',
      path: '/p/q',
      query: 'a=1&a=2&b=%C3%BC',
      parameters: { a: '1,2', b: '\u00fc' },
      headers: { x: '1' },
    })
    expect(body).toEqual(Buffer.from([0, 255]))
    expect(openJson(request).body).toBeNull()
  })

  test('has all headers in order where a name comes twice or where there are cookies', () => {
    const twice: HttpEvent['headers'] = [
      ['a', '1'],
      ['a', '2'],
    ]
    expect(openJson({ ...request, headers: twice }).head).toMatchObject({ headers: { a: '1,2' }, list: twice })
    const cookies: HttpEvent['headers'] = [
      ['cookie', 'a=1; b=2;'],
      ['cookie', 'c=3'],
    ]
    expect(openJson({ ...request, headers: cookies }).head).toMatchObject({
      headers: {},
      cookies: ['a=1', 'b=2', 'c=3'],
      list: cookies,
    })
  })

  test('says of a body that it is ASCII', () => {
    expect(openJson({ ...request, body: Buffer.from('a\x7f') }).head).toMatchObject({ ascii: true })
    for (const body of [null, Buffer.from('\u00fc')]) expect(openJson({ ...request, body }).head).not.toHaveProperty('ascii')
  })

  test('has a head of printable ASCII, whatever is in it, and gives it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.webQueryParameters(), (value, query) => {
        const headers: HttpEvent['headers'] = [
          ['x', value],
          ['__proto__', value],
        ]
        const { json, head } = openJson({ ...request, url: `http://h/?${query}`, functionName: value, headers })
        expect(json).toMatch(/^[\x20-\x7e]*$/)
        expect(head).toMatchObject({ fn: value, query })
        expect(Object.entries((head as { headers: object }).headers)).toEqual(headers)
      }),
    )
  })
})

describe("a function's answer of the form json", () => {
  test('may have a binary, a string or nil as its body, and unknown keys', () => {
    const decode = (body: unknown) =>
      decodeHttpAnswer(answerJson({ x: [{}], status: 201, headers: [['A', '\u00e9']] }, body), 'json')
    expect(decode(new Uint8Array([1, 2]))).toMatchObject({
      head: { status: 201, headers: ['A', '\u00e9'] },
      body: Buffer.from([1, 2]),
    })
    expect(decode('h\u00e9').body).toEqual(Buffer.from('h\u00e9'))
    expect(decode(null).body).toBeNull()
  })

  test.each([
    ['a map', encodeMessage({ status: 200 })],
    ['a list of one', encodeMessage(['{"status":200}'])],
    ['a list of three', encodeMessage(['{"status":200}', null, null])],
    ['a list with bytes behind it', Buffer.concat([answerJson({ status: 200 }), Buffer.from([0xc0])])],
    ['a head that is binary', encodeMessage([Buffer.from('{"status":200}'), null])],
    ['a head that is no JSON', encodeMessage(['{"status":200', null])],
    ['a head with a string that does not end', encodeMessage(['{"status\\"', null])],
    ['a head that is a list', answerJson([200])],
    ['a head that is null', answerJson(null)],
    ['no status', answerJson({})],
    ['a status of a prototype', encodeMessage(['{"__proto__":{"status":200}}', null])],
    ['a status as text', answerJson({ status: '200' })],
    ['headers as an object', answerJson({ status: 200, headers: { a: '1' } })],
    ['a header of one part', answerJson({ status: 200, headers: [['a']] })],
    ['a header of three parts', answerJson({ status: 200, headers: [['a', 'b', 'c']] })],
    ['a header value that is a number', answerJson({ status: 200, headers: [['a', 1]] })],
    ['a body that is a number', answerJson({ status: 200 }, 1)],
    ['a body that is a map', answerJson({ status: 200 }, {})],
    ['200 KB of nesting', encodeMessage([`{"x":${'['.repeat(200_000)}`, null])],
  ])('that is or has %s is malformed', (_, answer) => {
    expect(() => decodeHttpAnswer(answer, 'json')).toThrow(MalformedMessage)
  })

  test.each([
    ['status', { status: 99 }],
    ['header name', { status: 200, headers: [['a b', '1']] }],
    ['header value', { status: 200, headers: [['a', 'b\r\nc: d']] }],
  ])('with a %s that HTTP does not allow is refused', (_, head) => {
    expect(() => decodeHttpAnswer(answerJson(head), 'json')).toThrow(
      expect.objectContaining({ code: 'InvalidResponse' }) as Error,
    )
  })

  test('of any bytes is an answer or refused, never anything else', () => {
    const answer = answerJson({ status: 200, headers: [['a', 'b']] }, 'c')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(answer.length), (noise, at) => {
        for (const input of [
          noise,
          Buffer.concat([answer.subarray(0, at), noise]),
          Buffer.concat([answer.subarray(0, at), noise, answer.subarray(at + noise.length)]),
        ]) {
          expect(isAnswerOrRefused(input, 'json')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
