import * as fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage, MalformedMessage, MAX_DEPTH, MAX_VALUES, MessageReader } from '../../src/invoke/message.ts'

const bytes = (...values: number[]) => new Uint8Array(values)
const json = fc.jsonValue({ maxDepth: 6 })
const nested = (depth: number) => bytes(...Array.from({ length: depth }, () => 0x91), 0xc0)

function isMessageOrMalformed(input: Uint8Array): boolean {
  try {
    decodeMessage(input)
    return true
  } catch (error) {
    return error instanceof MalformedMessage
  }
}

describe('messages', () => {
  test('what is encoded is decoded to the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        // -0 has no integer form in MessagePack, and "__proto__" is renamed so that no prototype can be set.
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        expect(decodeMessage(encodeMessage(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('binaries of any length arrive as the same bytes, from a Uint8Array and from a Buffer', () => {
    for (const length of [0, 1, 255, 256, 65_535, 65_536]) {
      const body = new Uint8Array(length).fill(7)
      for (const value of [body, Buffer.from(body)]) {
        const { body: decoded } = decodeMessage(encodeMessage({ body: value })) as { body: Uint8Array }
        expect(Buffer.compare(decoded, body)).toBe(0)
      }
    }
  })

  test('what is encoded holds neither records nor extension types', () => {
    fc.assert(
      fc.property(json, (value) => {
        const reader = new MessageReader(encodeMessage(value))
        expect(() => {
          reader.skip()
          reader.end()
        }).not.toThrow()
      }),
    )
  })
})

describe('messages from a guest', () => {
  test('any bytes are either a message or refused as malformed, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        expect(isMessageOrMalformed(input)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  test('a message with any byte changed or its end cut off is either a message or refused', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.nat(255), fc.boolean(), (value, place, byte, cut) => {
        const message = Uint8Array.from(encodeMessage({ value }))
        const at = place % message.length
        message[at] = byte
        expect(isMessageOrMalformed(cut ? message.subarray(0, at) : message)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('200 KB of nested arrays or maps are refused before they are decoded', () => {
    expect(() => decodeMessage(new Uint8Array(200_000).fill(0x91))).toThrow(`nested deeper than ${MAX_DEPTH}`)
    const maps = Buffer.concat(Array.from({ length: 60_000 }, () => bytes(0x81, 0xa1, 0x61)))
    expect(() => decodeMessage(maps)).toThrow(`nested deeper than ${MAX_DEPTH}`)
  })

  test('nesting up to the limit is accepted', () => {
    expect(() => decodeMessage(nested(MAX_DEPTH))).not.toThrow()
    expect(() => decodeMessage(nested(MAX_DEPTH + 1))).toThrow(MalformedMessage)
  })

  test.each([
    ['array 32 that claims four thousand million entries', bytes(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['map 32 that claims four thousand million entries', bytes(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ['string 32 longer than the message', bytes(0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61)],
    ['binary 32 longer than the message', bytes(0xc6, 0x7f, 0xff, 0xff, 0xff)],
    ['map with an odd number of values', bytes(0x81, 0xa1, 0x61)],
    ['number that ends too early', bytes(0xcf, 0, 0)],
    ['empty message', bytes()],
    ['second value behind the first', bytes(0xc0, 0xc0)],
  ])('%s is refused', (_, message) => {
    expect(() => decodeMessage(message)).toThrow(MalformedMessage)
  })

  test.each([0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8])(
    'extension or unused code %i is refused wherever it stands',
    (code) => {
      const tail = [0x01, 0x72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      for (const head of [[], [0x91], [0x81, 0xa1, 0x61]])
        expect(() => decodeMessage(bytes(...head, code, ...tail))).toThrow(MalformedMessage)
    },
  )

  test("msgpackr's records, structures and timestamps are refused", () => {
    const records = new Packr({ useRecords: true, structures: [] })
    for (const value of [{ a: 1, b: 2 }, [{ a: 1 }, { a: 2 }]]) {
      expect(() => decodeMessage(new Packr({ useRecords: true }).pack(value))).toThrow(MalformedMessage)
    }
    // With shared structures a record is a small number: without them it is just that, with bytes left over.
    expect(() => decodeMessage(records.pack({ a: 1, b: 2 }))).toThrow(MalformedMessage)
    expect(() => decodeMessage(new Packr({ useRecords: false }).pack(new Date()))).toThrow(MalformedMessage)
  })

  test('keys must be strings', () => {
    expect(() => decodeMessage(bytes(0x81, 0x01, 0x02))).toThrow('a string as key')
    expect(() => decodeMessage(bytes(0x81, 0x90, 0x02))).toThrow('a string as key')
  })

  test('more values than an honest message needs are refused', () => {
    const many = Buffer.alloc(MAX_VALUES + 5, 0x80)
    many[0] = 0xdd
    many.writeUInt32BE(MAX_VALUES, 1)
    expect(() => decodeMessage(many)).toThrow(`more than ${MAX_VALUES} values`)
  })

  test('no key can set a prototype', () => {
    const value = decodeMessage(bytes(0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x78, 0x01)) as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('x' in value).toBe(false)
  })

  test('numbers of every format are read', () => {
    const values = [
      0,
      127,
      -1,
      -32,
      128,
      255,
      256,
      65_535,
      65_536,
      2 ** 32 - 1,
      -33,
      -128,
      -129,
      -32_768,
      -32_769,
      -(2 ** 31),
      1.5,
      2 ** 53 - 1,
    ]
    for (const value of values) expect(new MessageReader(encodeMessage(value)).number()).toBe(value)
    expect(new MessageReader(bytes(0xcf, 0, 0, 0, 1, 0, 0, 0, 0)).number()).toBe(2 ** 32)
    expect(new MessageReader(bytes(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).number()).toBe(-1)
    expect(new MessageReader(bytes(0xca, 0x3f, 0xc0, 0, 0)).number()).toBe(1.5)
  })
})
