import { parse } from '@bytecodealliance/jco'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExchangeRequest } from '../../src/engine/contract.ts'
import type { Runner } from '../../src/engine/runner.ts'
import { decodeExchange } from '../../src/triggers/http-exchange.ts'
import { context, TestLane } from './lane.ts'

/** Where the guest's allocator begins; the host asks it for the head, the text and the bytes, in this order. */
const BASE = 1024
const PAGE = 65_536

/** Takes the bytes that it is given for its result: whatever a guest can say, the test says. */
const guest = (type: string): string => `(component
  (core module $m
    (memory (export "memory") 1 1)
    (global $next (mut i32) (i32.const ${BASE}))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3))))
    (func (export "handle") (param i32 i32) (result i32) (unreachable))
    (func (export "exchange") (param i32 i32 i32 i32 i32 i32) (result i32) (local.get 4)))
  (core instance $i (instantiate $m))
  (func (export "handle") (param "event" (list u8)) (result (result (list u8) (error (list u8))))
    (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func (export "exchange") (param "head" string) (param "text" string) (param "bytes" (list u8)) (result ${type})
    (canon lift (core func $i "exchange") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))`

const EXCHANGE = '(result (tuple (list string) (list u8)) (error (list u8)))'

let lane: TestLane
let runner: Runner

beforeAll(async () => {
  lane = new TestLane()
  runner = await lane.deploy('liar', await parse(guest(EXCHANGE)), { limits: { maxResponseBytes: 4096 } })
})
afterAll(() => lane.close())

const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)

/** `text` and the table of pointers and lengths at `table` lie in the head, which stands at BASE. */
const say = (result: Uint8Array, head: Uint8Array = new Uint8Array()): ExchangeRequest => ({
  head,
  text: new Uint8Array(),
  bytes: result,
})

const call = (request: ExchangeRequest) => runner.invokeExchange(request, context())

/** A head that holds the table of these strings and then the strings; and the result that points to it. */
function answer(strings: readonly (string | Uint8Array)[], body = ''): ExchangeRequest {
  const encoded = [...strings, body].map((text) => Buffer.from(text as string))
  let at = BASE + strings.length * 8
  const table: number[] = []
  for (const { length } of encoded) {
    table.push(at, length)
    at += length
  }
  const [bodyAt = 0, bodyLength = 0] = table.splice(-2)
  return say(words(0, BASE, strings.length, bodyAt, bodyLength), Buffer.concat([words(...table), ...encoded]))
}

describe('the answer of an exchange', () => {
  test('is what the guest says, as copies', async () => {
    const { answer: given } = await call(answer(['201', 'x-a', 'ä', 'text'], ''))
    expect(given.strings.map(String)).toEqual(['201', 'x-a', 'ä', 'text'])
    expect(decodeExchange(given)).toMatchObject({ head: { status: 201, headers: ['x-a', 'ä'] }, body: Buffer.from('text') })
  })

  test('may have bytes in the place of text, or no body', async () => {
    expect(decodeExchange((await call(answer(['200'], '\0\x01'))).answer).body).toEqual(Buffer.from([0, 1]))
    expect(decodeExchange((await call(answer(['200']))).answer).body).toBeNull()
  })

  test("is the guest's failure on the err side", async () => {
    await expect(call(say(words(1, BASE, 2), Buffer.from('no')))).rejects.toMatchObject({
      payload: new Uint8Array(Buffer.from('no')),
    })
  })

  test.each([
    ['a result that is neither ok nor err', words(2, BASE, 0, BASE, 0), 'InvalidResponse'],
    ['a list that begins outside the memory', words(0, PAGE, 1, BASE, 0), 'FunctionTrapped'],
    ['a list that ends outside the memory', words(0, PAGE - 8, 2, BASE, 0), 'FunctionTrapped'],
    ['a list of four billion strings', words(0, BASE, 0xffff_ffff, BASE, 0), 'InvalidResponse'],
    ['a list whose size wraps around', words(0, BASE, 0x2000_0001, BASE, 0), 'InvalidResponse'],
    ['a body outside the memory', words(0, BASE, 0, 0xffff_fff0, 32), 'FunctionTrapped'],
    ['a body of four billion bytes', words(0, BASE, 0, BASE, 0xffff_ffff), 'ResponseTooLarge'],
    ['a body over the limit', words(0, BASE, 0, BASE, 4097), 'ResponseTooLarge'],
    ['an error over the limit', words(1, BASE, 4097), 'ResponseTooLarge'],
    ['an error outside the memory', words(1, PAGE, 1), 'FunctionTrapped'],
  ])('is refused when it is %s', async (_, result, code) => {
    await expect(call(say(result))).rejects.toMatchObject({ code })
  })

  test('is refused when one of its strings lies outside the memory', async () => {
    await expect(call(say(words(0, BASE, 1, BASE, 0), words(PAGE - 1, 2)))).rejects.toMatchObject({ code: 'FunctionTrapped' })
  })

  test('is refused when its parts together are over the limit, though they share their bytes', async () => {
    const table = Array.from({ length: 3 }, () => [BASE, 2000]).flat()
    await expect(call(say(words(0, BASE, 3, BASE, 0), words(...table)))).rejects.toMatchObject({ code: 'ResponseTooLarge' })
  })

  test('is read within the memory when the result itself is at its end', async () => {
    const head = new Uint8Array(PAGE - BASE - 4)
    await expect(call(say(words(0), head))).rejects.toMatchObject({ code: 'FunctionTrapped' })
  })

  test.each([
    ['no string', [], 'no status'],
    ['a status that is no number', ['abc'], 'no status'],
    ['a status with a sign', ['+200'], 'no status'],
    ['text and bytes', ['200', 'text'], 'two bodies'],
  ])('is refused with %s', async (_, strings, message) => {
    const { answer: given } = await call(answer(strings, strings.length === 2 ? 'bytes' : ''))
    expect(() => decodeExchange(given)).toThrow(message)
  })

  test.each([
    ['a status that HTTP does not have', ['600']],
    ['a line end in a header', ['200', 'x-a', 'a\r\nset-cookie: b']],
    ['a header that is no UTF-8', ['200', 'x-a', new Uint8Array([0x61, 0xff])]],
    ['a name that is no UTF-8', ['200', new Uint8Array([0xc3]), 'a']],
    ['more headers than HTTP lets pass', ['200', ...Array.from({ length: 514 }, () => 'a')]],
  ])('is refused with %s, as any other answer', async (_, strings) => {
    const { answer: given } = await call(answer([...strings, ...(strings.length % 2 === 0 ? ['text'] : [])]))
    expect(() => decodeExchange(given)).toThrow(expect.objectContaining({ code: 'InvalidResponse' }))
  })
})

test('an export of the name with another type is not called', async () => {
  const other = await lane.deploy('other', await parse(guest('(result (list u8) (error (list u8)))')))
  expect(other.ways).toEqual({ event: true, exchange: false, http: false })
  expect(runner.ways.exchange).toBe(true)
})
