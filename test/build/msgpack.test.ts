/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import * as fc from 'fast-check'
import { pack, Packr, unpack, Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { CodecError, decode, encode, MAX_DEPTH } from '../../guest-sdk/runtime/msgpack.ts'

const nested = (depth: number): Uint8Array => new Uint8Array([...Array.from({ length: depth }, () => 0x91), 0xc0])

const outcome = (run: () => unknown): unknown => {
  try {
    run()
    return 'accepted'
  } catch (error) {
    return error instanceof CodecError ? 'refused' : error
  }
}

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 300 }),
  fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 63n - 1n }),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('any'), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 20 }),
  ),
})).any

/** What decoding gives back: objects with a prototype, numbers where a number is exact. */
const normal = (input: unknown): unknown => {
  if (input instanceof Uint8Array) return [...input]
  if (Array.isArray(input)) return input.map(normal)
  if (typeof input === 'object' && input !== null)
    return Object.entries(input)
      .map(([key, item]) => [key, normal(item)])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
  return Object.is(input, -0) ? 0 : input
}

/** Every key in the value, at any depth. */
const keysOf = (input: unknown): string[] => {
  if (typeof input !== 'object' || input === null || input instanceof Uint8Array) return []
  return [...(Array.isArray(input) ? [] : Object.keys(input)), ...Object.values(input).flatMap(keysOf)]
}

describe('encode and decode', () => {
  test('give back every value of plain types', () => {
    fc.assert(
      fc.property(value, (sample) => {
        expect(normal(decode(encode(sample)))).toEqual(normal(sample))
      }),
      { numRuns: 300 },
    )
  })

  test('give back numbers, strings, binary, arrays and maps of the sizes where the form changes', () => {
    const edges = [7, 8, 15, 16, 31, 32].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
    const numbers = [
      ...edges,
      ...edges.map((edge) => -edge),
      -0x20,
      -0x21,
      0.1,
      -0,
      Infinity,
      Number.MAX_SAFE_INTEGER,
      2 ** 53,
      2n ** 64n - 1n,
    ]
    expect(decode(encode(numbers))).toEqual(numbers)
    for (const size of [0, 15, 16, 31, 32, 63, 64, 65, 255, 256, 4095, 4096, 65_535, 65_536]) {
      const samples = [
        'a'.repeat(size),
        'ü'.repeat(size),
        `${'a'.repeat(size)}\u{1f600}`,
        new Uint8Array(size).fill(3),
        Array.from({ length: size }, () => 1),
      ]
      for (const sample of samples) expect(decode(encode(sample))).toEqual(sample)
      expect(
        decode(
          encode(
            Object.fromEntries(
              samples
                .slice(4)
                .flat()
                .map((_, index) => [`k${index}`, index]),
            ),
          ),
        ),
      ).toMatchObject({})
    }
  })

  test('read and write the same as msgpackr', () => {
    const packr = new Packr({ useRecords: false })
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })
    fc.assert(
      fc.property(
        value.filter((sample) => !keysOf(sample).includes('__proto__')),
        (sample) => {
          expect(normal(decode(packr.pack(sample)))).toEqual(normal(sample))
          expect(normal(unpackr.unpack(encode(sample)))).toEqual(normal(sample))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('write what any MessagePack decoder reads', () => {
    const sample = { a: [1, -1, 1.5, 'ü', null, true], b: { c: new Uint8Array([1, 2]) } }
    expect(unpack(encode(sample))).toEqual(sample)
  })

  test('write no extension types for dates, sets, errors, undefined and typed arrays', () => {
    const sample = {
      date: new Date(0),
      set: new Set([1]),
      none: undefined,
      words: new Uint16Array([1]),
      list: [undefined, () => 1],
    }
    expect(decode(encode(sample))).toEqual({
      date: '1970-01-01T00:00:00.000Z',
      set: {},
      words: new Uint8Array([1, 0]),
      list: [null, null],
    })
  })

  test('refuse to encode cycles and integers of more than 64 bits', () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    expect(() => encode(cycle)).toThrow(CodecError)
    expect(() => encode(2n ** 64n)).toThrow('has more than 64 bits')
  })

  test('keep a key __proto__ as a key', () => {
    const decoded = decode(new Uint8Array([0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x81, 0xa1, 0x61, 1]))
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.entries(decoded as object)).toEqual([['__proto__', { a: 1 }]])
  })
})

describe('decode', () => {
  test('accepts any bytes or refuses them with a CodecError, and encodes what it has accepted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let decoded: unknown = null
        const result = outcome(() => (decoded = decode(bytes)))
        expect(['accepted', 'refused']).toContain(result)
        expect(normal(decode(encode(decoded)))).toEqual(normal(decoded))
      }),
      { numRuns: 3000 },
    )
  })

  test('refuses every prefix of a value', () => {
    fc.assert(
      fc.property(value, (sample) => {
        const bytes = encode(sample)
        for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 50)) {
          expect(() => decode(bytes.subarray(0, length))).toThrow(CodecError)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('refuses bytes after the value', () => {
    expect(() => decode(new Uint8Array([1, 2]))).toThrow('1 bytes follow the value')
  })

  test.each([
    ['records', new Packr({ useRecords: true }).pack({ a: 1 })],
    ['dates', pack(new Date())],
    ['sets', new Packr({ moreTypes: true }).pack(new Set([1]))],
    ['the reserved byte', new Uint8Array([0xc1])],
    ['extensions inside containers', new Uint8Array([0x91, 0xd4, 0x72, 0x40])],
    ['ext 32 with a huge length', new Uint8Array([0xc9, 0xff, 0xff, 0xff, 0xff, 1])],
  ])('refuses %s', (_, bytes) => {
    expect(() => decode(bytes)).toThrow('is an extension type or reserved')
  })

  test('refuses nesting beyond the limit and accepts nesting at the limit', () => {
    expect(() => decode(nested(MAX_DEPTH))).not.toThrow()
    expect(() => decode(nested(MAX_DEPTH + 1))).toThrow('nested too deeply')
    expect(() => decode(nested(200_000))).toThrow(CodecError)
  })

  test.each([
    ['a map of 4,294,967,295 entries', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['an array of 65,535 items', [0xdc, 0xff, 0xff, 1]],
    ['a string of 4 GiB', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['a binary beyond the end', [0xc4, 3, 1, 2]],
  ])('refuses %s in a few bytes', (_, bytes) => {
    expect(() => decode(new Uint8Array(bytes))).toThrow(CodecError)
  })

  test('refuses map keys that are not strings', () => {
    expect(() => decode(new Uint8Array([0x81, 0x01, 0x02]))).toThrow('a map key at byte 1 is not a string')
  })

  test('refuses more bytes than the limit without looking at them', () => {
    expect(() => decode(new Uint8Array(11), { maxBytes: 10 })).toThrow('11 bytes are more than the limit of 10')
  })
})
