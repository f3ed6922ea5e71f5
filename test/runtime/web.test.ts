/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WebTextDecoder } from '../../guest-sdk/runtime/web/encoding.ts'
import { WebHeaders } from '../../guest-sdk/runtime/web/headers.ts'
import { structuredClone as webStructuredClone } from '../../guest-sdk/runtime/web/structured-clone.ts'
import { normalizeUrl, WebURL } from '../../guest-sdk/runtime/web/url.ts'
import { WebURLSearchParams } from '../../guest-sdk/runtime/web/url-search-params.ts'

const PARTS = [
  'href',
  'origin',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
] as const

const partsOf = (url: URL | WebURL): string[] => PARTS.map((part) => url[part])

const attempt = <T>(run: () => T): T | 'throws' => {
  try {
    return run()
  } catch {
    return 'throws'
  }
}

/** Texts on both sides of the line between URLs that are as their parser leaves them and all others. */
const urls = fc
  .record({
    scheme: fc.constantFrom('http:', 'https:', 'HTTP:', 'ftp:', 'data:', ''),
    slashes: fc.constantFrom('//', '//', '//', '/', '\\\\'),
    host: fc.constantFrom(
      'h',
      'a.example',
      'A.example',
      '127.0.0.1',
      '127.1',
      '1.2.3.400',
      '[::1]',
      'a_b',
      'xn--bcher-kva',
      'a.0x7',
      'a b',
      '',
      'a.b.',
      'u@h',
      'u:p@h',
      '-a-',
    ),
    port: fc.constantFrom('', '', ':80', ':443', ':8080', ':0', ':99999', ':'),
    path: fc
      .array(
        fc.constantFrom(
          '/',
          'a',
          '..',
          '.',
          '%2e',
          '%2E.',
          ' ',
          'ü',
          '~',
          "'",
          '"',
          '{',
          '|',
          '%zz',
          ';',
          '[',
          '^',
          '`',
          '\\',
          '//',
        ),
      )
      .map((list) => `/${list.join('')}`),
    query: fc.constantFrom('', '', '?', '?a=b', "?a='", '?ü', '?a b', '?a[]=1', '?<', '?%', '?a?b'),
    hash: fc.constantFrom('', '', '#', '#a', '#`', '#a b', '#a#b', '#ü'),
  })
  .map((url) => Object.values(url).join(''))

describe('URL', () => {
  test('takes apart as Node.js does, whether the short way or the long', () => {
    fc.assert(
      fc.property(urls, (text) => {
        expect(attempt(() => partsOf(new WebURL(text)))).toEqual(attempt(() => partsOf(new URL(text))))
        expect(normalizeUrl(text) ?? 'throws').toBe(attempt(() => new URL(text).href))
      }),
      { numRuns: 5000 },
    )
  })

  test('resolves against a base as Node.js does', () => {
    fc.assert(
      fc.property(
        fc.oneof(urls, fc.constantFrom('/a?b', '//h/x', 'a/../b', '?q', '#f', '', '..', '/\\a')),
        urls,
        (text, base) => {
          expect(attempt(() => partsOf(new WebURL(text, base)))).toEqual(attempt(() => partsOf(new URL(text, base))))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('follows what is set, in any order, as Node.js does', () => {
    const settable = fc.constantFrom(...PARTS.filter((part) => part !== 'origin'))
    const value = fc.constantFrom('', 'x', '/y z', '?q=ü', '#f', '99', 'https', 'h2:81', 'http://other/a?b#c', 'a=b&c')
    const change = fc.oneof(
      fc.tuple(fc.constant('set' as const), settable, value),
      fc.tuple(fc.constantFrom('append' as const, 'delete' as const), fc.constantFrom('a', 'c d'), value),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('http://h/a?b=c#d', 'https://u:p@h:1/', 'data:x', 'http://h/'),
        fc.array(change, { maxLength: 6 }),
        (text, changes) => {
          const run = (url: URL | WebURL): unknown => {
            const { searchParams } = url
            for (const [kind, name, to] of changes) {
              if (kind === 'append') searchParams.append(name, to)
              else if (kind === 'delete') searchParams.delete(name)
              else if (name === 'href') attempt(() => (url.href = to))
              else Object.assign(url, { [name]: to })
            }
            return [...partsOf(url), String(searchParams), url.searchParams === searchParams]
          }
          expect(run(new WebURL(text))).toEqual(run(new URL(text)))
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('URLSearchParams', () => {
  test('reads and writes as Node.js does', () => {
    const of = (...units: string[]): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom('a', '=', '&', '+', "'", '~', ...units) })
    // Not both: Node.js takes broken escapes beside other letters for something else than the standard does.
    const text = fc.oneof(of('%', '2', '0', 'f', ' '), of('%C3%BC', 'ü', '*', '!', '😀', '\uD800'))
    fc.assert(
      fc.property(text, (query) => {
        const [own, native] = [new WebURLSearchParams(query), new URLSearchParams(query)]
        expect([[...own], String(own), own.size]).toEqual([[...native], String(native), native.size])
      }),
      { numRuns: 3000 },
    )
  })
})

describe('Headers', () => {
  test('hold, join and list as Node.js does', () => {
    const name = fc.constantFrom('a', 'A', 'b-c', 'set-cookie', 'Set-Cookie', '__proto__', 'constructor', 'a b', '')
    const value = fc.constantFrom('1', ' 2\t', '', 'x\ny', 'ü', '€')
    const step = fc.tuple(fc.constantFrom('append', 'set', 'delete', 'get', 'has'), name, value)
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const run = (headers: Headers | WebHeaders): unknown => [
          ...steps.map(([kind, key, to]) =>
            attempt(() =>
              kind === 'append' || kind === 'set' ? headers[kind](key, to) : headers[kind as 'get' | 'has' | 'delete'](key),
            ),
          ),
          [...headers],
          headers.getSetCookie(),
        ]
        expect(run(new WebHeaders())).toEqual(run(new Headers()))
      }),
      { numRuns: 2000 },
    )
  })

  test('join the cookies that a client sends one by one with semicolons', () => {
    expect(
      new WebHeaders([
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ]).get('cookie'),
    ).toBe('a=1; b=2')
  })
})

describe('TextDecoder', () => {
  test('decodes in pieces what it decodes at once, in every encoding', () => {
    const encodings = fc.constantFrom('utf-8', 'utf-16le', 'utf-16be', 'latin1')
    fc.assert(
      fc.property(encodings, fc.array(fc.uint8Array({ maxLength: 5 })), fc.boolean(), (encoding, chunks, ignoreBOM) => {
        const run = (decoder: TextDecoder | WebTextDecoder): string =>
          chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
        expect(run(new WebTextDecoder(encoding, { ignoreBOM }))).toBe(run(new TextDecoder(encoding, { ignoreBOM })))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('structuredClone', () => {
  test('copies as Node.js does, sharing what was shared', () => {
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer
    const shared = { a: 1 }
    const value = {
      list: [1, , 3],
      sparse: Object.assign([] as unknown[], { length: 2, name: 'own' }),
      both: [shared, shared],
      views: [new Uint8Array(buffer, 1, 2), new DataView(buffer, 2), new Float64Array([0.5]), new BigInt64Array([5n])],
      date: new Date(7),
      map: new Map<unknown, unknown>([[shared, new Set([shared, NaN])]]),
      regexp: /a(?<b>c)/giu,
      errors: [new RangeError('r', { cause: shared }), Object.assign(new Error('e'), { name: 'Own' })],
      boxed: [Object(1), Object('s'), Object(true), Object(1n)],
      ['__proto__']: 'own',
      none: [undefined, null, -0, NaN],
    }
    const [own, native] = [webStructuredClone(value) as typeof value, structuredClone(value)]
    expect(own).toEqual(native)
    expect(own.both[0]).toBe(own.both[1])
    expect([...own.map.keys()][0]).toBe(own.both[0])
    expect(own.views[0]?.buffer).toBe(own.views[1]?.buffer)
    expect(own.views[0]?.buffer).not.toBe(buffer)
  })

  test.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
  ])('refuses %s', (_, value) => {
    expect(() => webStructuredClone({ value })).toThrow(DOMException)
  })
})
