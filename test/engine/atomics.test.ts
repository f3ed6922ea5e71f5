import { afterAll, expect, it } from 'vitest'
import { componentFromWat } from '../guests/index.ts'
import { context, TestLane } from './lane.ts'

const lane = new TestLane()
afterAll(() => lane.close())

/** Grows by a page and answers 1 when the second page was there before; an atomic load beyond the memory must trap, never fault. */
const guest = (access: string): string => `(module
  (memory (export "memory") 1 8)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "cabi_post_handle") (param i32))
  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 71)) (then (drop (memory.grow (i32.const 3))) (i32.store (i32.const 200000) (i32.const 7))))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 76)) (then ${access}))
    (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1024)) (i32.store (i32.const 24) (i32.const 1))
    (i32.const 16)))`

const ask = async (name: string, access: string, letters: string): Promise<unknown[]> => {
  const runner = await lane.deploy(name, await componentFromWat(guest(access)))
  const answers: unknown[] = []
  for (const letter of letters) {
    const result = await runner.invokeEvent(Buffer.from(letter), context()).catch((error: unknown) => error)
    answers.push(result instanceof Error ? (result as Error & { code: string }).code : 'ok')
  }
  return answers
}

it.each([
  ['load', '(drop (i32.load (i32.const 131072)))'],
  ['atomic-load', '(drop (i32.atomic.load (i32.const 131072)))'],
  ['atomic-store', '(i64.atomic.store (i32.const 131072) (i64.const 1))'],
  ['atomic-add', '(drop (i32.atomic.rmw.add (i32.const 131072) (i32.const 1)))'],
  ['atomic-exchange', '(drop (i32.atomic.rmw.cmpxchg (i32.const 131072) (i32.const 1) (i32.const 1)))'],
  ['fill', '(memory.fill (i32.const 131000) (i32.const 1) (i32.const 200))'],
  ['copy', '(memory.copy (i32.const 0) (i32.const 131072) (i32.const 8))'],
  ['simd', '(drop (v128.load (i32.const 131072)))'],
])('memory that an earlier invocation had grown is out of bounds for %s', async (name, access) => {
  // L looks beyond the first page, G grows and writes there.
  expect(await ask(name, access, 'LGLGGL')).toEqual(['FunctionTrapped', 'ok', 'FunctionTrapped', 'ok', 'ok', 'FunctionTrapped'])
})
