import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { MAX_RESPONSE_HEADERS, requestHead, responseHead, type Header } from '../../src/triggers/http-headers.ts'

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run()
  } catch (error) {
    return error instanceof AmpouleError ? error.code : 'other'
  }
  return undefined
}

const requestHeaders = (raw: readonly string[], prefix: string) => requestHead(raw, prefix).headers

const many = (count: number): Header[] => Array.from({ length: count }, (_, index) => [`x-${index}`, 'v'])

describe('request headers', () => {
  test('keep their order and duplicates, with names in lower case', () => {
    expect(requestHeaders(['X-A', '1', 'Accept', '*/*', 'x-a', '2'], '')).toEqual([
      ['x-a', '1'],
      ['accept', '*/*'],
      ['x-a', '2'],
    ])
  })

  test('lose what belongs to the connection, and what the connection header names', () => {
    const raw = [
      'Connection',
      'keep-alive, X-Hop',
      'Keep-Alive',
      '5',
      'TE',
      'trailers',
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'X-Hop',
      '1',
      'X-Kept',
      '2',
      'Expect',
      '100-continue',
    ]
    expect(requestHeaders(raw, '')).toEqual([['x-kept', '2']])
  })

  test('keep the host even when the connection header names it', () => {
    expect(requestHeaders(['Host', 'a', 'Connection', 'host, x-forwarded-prefix'], '/f')).toEqual([
      ['host', 'a'],
      ['x-forwarded-prefix', '/f'],
    ])
  })

  test('say what was taken off the path, whatever the client claims', () => {
    expect(requestHeaders(['X-Forwarded-Prefix', '/admin', 'X-Ampoule-Request-Id', 'forged'], '/f')).toEqual([
      ['x-forwarded-prefix', '/f'],
    ])
    expect(requestHeaders(['X-Forwarded-Prefix', '/admin'], '')).toEqual([])
  })
})

describe("a request's head", () => {
  test.each([
    [['Content-Length', '5'], { hasBody: true, bodyLength: 5 }],
    [['content-length', '0'], { hasBody: false, bodyLength: 0 }],
    [['Transfer-Encoding', 'chunked'], { hasBody: true, bodyLength: undefined }],
    [[], { hasBody: false, bodyLength: 0 }],
    [['HOST', 'a', 'Expect', '100-Continue'], { host: 'a', expectsContinue: true }],
    [['expect', 'other'], { host: undefined, expectsContinue: false }],
  ])('of %j says %j', (raw, expected) => {
    expect(requestHead(raw, '')).toMatchObject(expected)
  })
})

describe("a guest's status", () => {
  test.each([200, 204, 304, 404, 599])('%d is accepted', (status) => expect(responseHead(status, []).status).toBe(status))
  test.each([0, 100, 101, 103, 199, 600, -200, 200.5, Number.NaN, Infinity])('%d is refused', (status) => {
    expect(codeOf(() => responseHead(status, []))).toBe('InvalidResponse')
  })
})

describe("a guest's headers", () => {
  test('keep duplicates, so that several cookies can be set', () => {
    expect(
      responseHead(200, [
        ['set-cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]).headers,
    ).toEqual(['set-cookie', 'a=1', 'Set-Cookie', 'b=2'])
  })

  test.each([
    ['value with CR LF', ['x', 'a\r\nx-injected: 1']],
    ['value with LF', ['x', 'a\nb']],
    ['value with NUL', ['x', 'a\0b']],
    ['value with a control character', ['x', 'a\u0007']],
    ['value beyond latin-1', ['x', '\u010A']],
    ['name with CR LF', ['x\r\ny', 'a']],
    ['name with a colon', ['x:', 'a']],
    ['name with a space', ['x y', 'a']],
    ['empty name', ['', 'a']],
  ] as const)('with a %s are refused', (_, header) => {
    expect(codeOf(() => responseHead(200, [header]))).toBe('InvalidResponse')
  })

  test('can, whatever they are, only be refused or hold nothing that ends a line', () => {
    const headers = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), { maxLength: 5 })
    fc.assert(
      fc.property(headers, (list) => {
        let sent: readonly string[] = []
        const code = codeOf(() => (sent = responseHead(200, list).headers))
        expect(code === undefined || code === 'InvalidResponse').toBe(true)
        expect(sent.join('')).not.toMatch(/[\r\n\0]/)
      }),
      { numRuns: 2000 },
    )
  })

  test('lose what belongs to the connection and to the host', () => {
    const list: Header[] = [
      ['connection', 'close, x-hop'],
      ['transfer-encoding', 'chunked'],
      ['keep-alive', 'timeout=1'],
      ['trailer', 'x'],
      ['upgrade', 'websocket'],
      ['X-Ampoule-Request-Id', 'forged'],
      ['X-Hop', '1'],
      ['x-kept', '2'],
    ]
    expect(responseHead(200, list).headers).toEqual(['x-kept', '2'])
  })

  test('give one content-length, never two different ones', () => {
    expect(responseHead(200, [['Content-Length', '12']])).toMatchObject({ contentLength: 12, headers: [] })
    expect(
      responseHead(200, [
        ['content-length', '12'],
        ['content-length', '12'],
      ]).contentLength,
    ).toBe(12)
    for (const value of ['-1', '1.5', '0x10', '1, 1', '', '9'.repeat(20)])
      expect(codeOf(() => responseHead(200, [['content-length', value]]))).toBe('InvalidResponse')
    expect(
      codeOf(() =>
        responseHead(200, [
          ['content-length', '1'],
          ['content-length', '2'],
        ]),
      ),
    ).toBe('InvalidResponse')
  })

  test('are refused when they are too many or too long', () => {
    expect(codeOf(() => responseHead(200, many(MAX_RESPONSE_HEADERS)))).toBeUndefined()
    expect(codeOf(() => responseHead(200, many(MAX_RESPONSE_HEADERS + 1)))).toBe('InvalidResponse')
    expect(codeOf(() => responseHead(200, [['x', 'v'.repeat(70_000)]]))).toBe('InvalidResponse')
  })
})
