/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { parse } from '@bytecodealliance/jco'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { decodeMessage as decode, encodeMessage as encode, MalformedMessage } from '../../src/invoke/message.ts'
import { componentFromCore, componentizeCore } from '../../src/build/core.ts'
import { deriveComponent } from '../../src/component/artifact.ts'
import { hostImports } from '../../src/component/support.ts'
import { guest } from '../guests/index.ts'
import { coreForWorld } from '../guests/scripted.ts'
import { HIDING_PLACES, hostileAnswer, hostileInput, hostileText, type HostileAction } from '../guests/hostile.ts'

interface Exports {
  readonly memory: WebAssembly.Memory
  readonly handle: (pointer: number, length: number) => number
  readonly cabi_realloc: (old: number, oldSize: number, align: number, size: number) => number
  readonly cabi_post_handle: (result: number) => void
}

/** Calls a core module of the event world by the canonical ABI. */
async function load(bytes: Uint8Array): Promise<(input: Uint8Array) => { readonly tag: number; readonly bytes: Uint8Array }> {
  const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes))
  const { memory, handle, cabi_realloc, cabi_post_handle } = instance.exports as unknown as Exports
  return (input) => {
    const pointer = cabi_realloc(0, 0, 1, input.length)
    new Uint8Array(memory.buffer).set(input, pointer)
    const result = handle(pointer, input.length)
    const view = new DataView(memory.buffer)
    const [at, length] = [view.getUint32(result + 4, true), view.getUint32(result + 8, true)]
    const answer = { tag: view.getUint32(result, true), bytes: new Uint8Array(memory.buffer).slice(at, at + length) }
    cabi_post_handle(result)
    return answer
  }
}

const echo = async () => load(await readFile(new URL('../guests/c/echo.core.wasm', import.meta.url)))
const hostile = async () => {
  const call = await load(await parse(await readFile(new URL('../guests/hostile.wat', import.meta.url), 'utf8')))
  return (action: HostileAction, n = 0) => call(hostileInput(action, n))
}

const base = { id: 'r', fn: 'f', deadline: 1.5e12, unknown: { deep: [[1, -5, 1.5, 'x'.repeat(300)]] } }

describe('the C header', () => {
  test('reads every kind of event and passes over what it does not know', async () => {
    const call = await echo()
    const http = {
      ...base,
      type: 'http',
      method: 'POST',
      url: 'http://h/a?b',
      headers: [
        ['x', 'y'],
        ['content-type', 'a/b'],
      ],
      body: new Uint8Array(70_000).fill(7),
    }
    const answer = decode(call(encode(http)).bytes)
    expect(answer).toEqual({ status: 200, headers: [['content-type', 'a/b']], body: http.body })
    expect(decode(call(encode({ ...http, body: null })).bytes)).toMatchObject({ body: new TextEncoder().encode('/a') })
    const payload = { list: [1, 'ü', null, { a: 2 ** 40 }], text: 'x'.repeat(70_000) }
    expect(decode(call(encode({ ...base, type: 'invoke', payload })).bytes)).toEqual({ payload })
    expect(call(encode({ ...base, type: 'warm' }))).toEqual({ tag: 0, bytes: new Uint8Array([0xc0]) })
  })

  test('does not take more memory call after call', async () => {
    const { instance } = await WebAssembly.instantiate(await readFile(new URL('../guests/c/echo.core.wasm', import.meta.url)))
    const { memory, handle, cabi_realloc, cabi_post_handle } = instance.exports as unknown as Exports
    const event = encode({ ...base, type: 'invoke', payload: 'x'.repeat(100_000) })
    const sizes = Array.from({ length: 50 }, () => {
      const pointer = cabi_realloc(0, 0, 1, event.length)
      new Uint8Array(memory.buffer).set(event, pointer)
      cabi_post_handle(handle(pointer, event.length))
      return memory.buffer.byteLength
    })
    expect(sizes[49]).toBe(sizes[0])
  })

  test('answers with an error for what is no event', async () => {
    const call = await echo()
    for (const bytes of [
      [],
      [0xc1],
      [0x81],
      [0x81, 0xa1],
      [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xdb, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
    ]) {
      const { tag, bytes: answer } = call(new Uint8Array(bytes))
      expect([tag, decode(answer)]).toMatchObject([1, { name: 'InvalidEvent' }])
    }
  })
})

describe('the guest hostile', () => {
  test('finds all that it has hidden, in every place', async () => {
    const call = await hostile()
    expect(hostileAnswer(call('seek').bytes)).toBe(0n)
    call('hide', 5)
    const { memorySize, tableSize, ...hidden } = HIDING_PLACES
    expect(hostileAnswer(call('seek').bytes)).toBe(BigInt(Object.values(hidden).reduce((sum: number, bit) => sum + bit, 0)))
    call('hideInGrown', 1)
    call('hideAndDrop')
    expect(Number(hostileAnswer(call('seek').bytes)) & (memorySize | tableSize)).toBe(memorySize | tableSize)
    expect(() => call('useSegments')).toThrow(WebAssembly.RuntimeError)
  })

  test('answers what http and invoke events take', async () => {
    const call = await hostile()
    const { bytes } = call('spin', 1000)
    expect(call('spin', 1000).bytes).toEqual(bytes)
    const digits = String(hostileAnswer(bytes)).padStart(20, '0')
    expect(decode(bytes)).toEqual({ status: 200, headers: [], body: digits, payload: digits })
    expect(decode(call('giant', 100_000).bytes)).toEqual({ status: 200, headers: [], body: new Uint8Array(100_000) })
    expect(decode(call('headers', 3).bytes)).toEqual({
      status: 200,
      body: '',
      headers: [
        ['x-0', 'v'],
        ['x-0', 'v'],
        ['x-0', 'v'],
      ],
    })
    expect(decode(call('injectHeader').bytes)).toMatchObject({ headers: [['x-a', 'b\r\nx-injected: yes']] })
    expect(hostileAnswer(call('recurse', 100).bytes)).toBe(100n)
  })

  test('answers garbage, errors that are garbage, and a tag that does not exist', async () => {
    const call = await hostile()
    for (const kind of [0, 1, 2, 3]) {
      const { tag, bytes } = call('garbage', kind)
      expect(tag).toBe(0)
      expect(() => decode(bytes)).toThrow(MalformedMessage)
    }
    expect(call('garbageError')).toEqual({ tag: 1, bytes: new Uint8Array([0xc1]) })
    expect(call('badTag').tag).toBe(2)
  })

  test('traps when it is told to, and when it recurses without end', async () => {
    const call = await hostile()
    expect(() => call('trap')).toThrow(WebAssembly.RuntimeError)
    expect(() => call('hideAndTrap')).toThrow(WebAssembly.RuntimeError)
    expect(() => call('recurse')).toThrow(RangeError)
  })

  test('takes its orders from a URL as well', async () => {
    const call = await load(await parse(await readFile(new URL('../guests/hostile.wat', import.meta.url), 'utf8')))
    const event = {
      ...base,
      type: 'http',
      method: 'GET',
      url: `http://h/hostile/${hostileText('recurse', 7)}`,
      headers: [],
      body: null,
    }
    expect(hostileAnswer(call(encode(event)).bytes)).toBe(7n)
  })
})

describe('componentizeCore', () => {
  test('makes components of the guests', async () => {
    for (const name of ['echo', 'hostile'] as const) {
      const component = await guest(name)
      expect([...component.subarray(0, 8)]).toEqual([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00])
    }
  })

  test('refuses a module that does not fit the event world', async () => {
    await expect(componentizeCore(await parse('(module)'))).rejects.toMatchObject({ code: 'BuildFailed' })
    await expect(componentizeCore(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'BuildFailed' })
  })
})

describe('componentFromCore', () => {
  const HANDLE = `(memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))`

  test('takes a module as it is when it exports the event world', async () => {
    const core = await readFile(new URL('../guests/c/echo.core.wasm', import.meta.url))
    const { plan } = deriveComponent(await componentFromCore(core))
    expect(Object.keys(plan.exports)).toEqual(['event'])
  })

  test('puts an adapter under a module that imports WASI preview1', async () => {
    const core = await parse(`(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      ${HANDLE}
      (func (export "handle") (param i32 i32) (result i32) (drop (call $random (i32.const 0) (i32.const 8))) (i32.const 16)))`)
    const { plan } = deriveComponent(await componentFromCore(core))
    expect(Object.keys(plan.exports)).toEqual(['event'])
    expect(hostImports(plan).some((item) => item.interface === 'wasi:random/random')).toBe(true)
  })

  test('makes what the world says that is embedded in the module', async () => {
    const core = await coreForWorld(
      `(module ${HANDLE} (func (export "wasi:http/incoming-handler@0.2.12#handle") (param i32 i32)))`,
      'export wasi:http/incoming-handler@0.2.12;',
    )
    const { plan } = deriveComponent(await componentFromCore(core))
    expect(Object.keys(plan.exports)).toEqual(['http'])
  })

  test('refuses a command, and what fits no world, with the reason', async () => {
    await expect(componentFromCore(await parse('(module (func (export "_start")))'))).rejects.toMatchObject({
      code: 'BuildFailed',
      message: expect.stringContaining('is a command') as string,
    })
    const printing = await parse(`(module (import "env" "printf" (func (param i32))) ${HANDLE})`)
    await expect(componentFromCore(printing)).rejects.toMatchObject({ code: 'BuildFailed' })
    await expect(componentFromCore(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 99, 0]))).rejects.toMatchObject({
      code: 'InvalidModule',
    })
  })
})
