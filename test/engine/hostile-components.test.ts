import * as fc from 'fast-check'
import koffi from 'koffi'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { SECRET } from './attacks.ts'
import { context, strategies, TestLane } from './lane.ts'
import { Latencies, ROUNDS } from './rounds.ts'
import { componentFromWat } from '../guests/index.ts'
import { HEAP, registers, RESULT, Script, scriptedGuest } from '../guests/scripted.ts'
import { componentizeCore } from '../../src/build/core.ts'
import { createArtifact } from '../../src/component/artifact.ts'
import { dirtyPagesStrategy } from '../../src/engine/restore/dirty-pages.ts'
import { openLinux } from '../../src/engine/restore/linux.ts'
import type { Runner } from '../../src/engine/runner.ts'
import { AmpouleError } from '../../src/errors.ts'
import { isSupported } from '../../src/wasi/index.ts'

const MIB = 1024 * 1024

const derive = (component: Uint8Array): unknown => createArtifact(component, { isSupported })

/** What refuses the component, as one line. */
function refusal(component: Uint8Array): string {
  try {
    derive(component)
  } catch (error) {
    if (error instanceof AmpouleError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

const eventGuest = (items: string): Promise<Uint8Array<ArrayBuffer>> =>
  componentFromWat(`(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "handle") (param i32 i32) (result i32) (i32.const 0))
    ${items})`)

/** Unsigned LEB128. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]
}

const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content]
const named = (text: string): number[] => [text.length, ...Buffer.from(text)]

/** A core module of the event world with one function whose body has `size` bytes of nops. */
function hugeFunction(size: number): Uint8Array {
  const bodies = [
    [0, 0x41, 0, 0x0b],
    [0, 0x41, 0, 0x0b],
  ].flatMap((body) => [...leb(body.length), ...body])
  const head = Buffer.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [3, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0]),
    ...section(3, [3, 0, 1, 2]),
    ...section(5, [1, 0, 1]),
    ...section(7, [3, ...named('memory'), 2, 0, ...named('cabi_realloc'), 0, 0, ...named('handle'), 0, 1]),
  ])
  const body = Buffer.alloc(size, 0x01)
  body[0] = 0
  body[size - 1] = 0x0b
  const content = Buffer.concat([Buffer.from([3, ...bodies, ...leb(size)]), body])
  return Buffer.concat([head, Buffer.from([10, ...leb(content.length)]), content])
}

/** `component` with a custom section of so many bytes behind it. */
function padded(component: Uint8Array, bytes: number): Uint8Array {
  const head = Buffer.from([0, ...leb(bytes + 2), 1, 0x78])
  return Buffer.concat([component, head, Buffer.alloc(bytes)])
}

describe('a component whose state could not be put back, or that could stop a lane, is refused with the reason', () => {
  it.each([
    ['a shared memory', '(memory $shared 1 1 shared)'],
    [
      'an atomic wait on a shared memory',
      '(memory $s 1 1 shared) (func (export "w") (drop (memory.atomic.wait32 $s (i32.const 0) (i32.const 0) (i64.const -1))))',
    ],
    ['an externref in a global', '(global (mut externref) (ref.null extern))'],
    ['a GC struct in a global', '(type $s (struct (field (mut i64)))) (global (mut (ref null $s)) (ref.null $s))'],
    ['GC structs in a table', '(type $s (struct (field (mut i64)))) (table 4 (ref null $s))'],
    ['an i31 or anything in a global', '(global (mut anyref) (ref.null any))'],
    ['an exception in a global', '(global (mut exnref) (ref.null exn))'],
    [
      'a chain of GC structs, which would fill the heap of the process',
      `(type $n (struct (field (ref null $n)))) (func (export "fill") (local $l (ref null $n))
        (loop $again (local.set $l (struct.new $n (local.get $l))) (br $again)))`,
    ],
    ['huge GC arrays', '(type $a (array (mut i64))) (func (export "fill") (drop (array.new_default $a (i32.const 100000000))))'],
    ['a chain of exceptions', '(tag (param exnref))'],
  ])('%s', async (_, items) => {
    const component = await eventGuest(items)
    expect(refusal(component)).toMatch(
      /^InvalidModule: .*(shared|extern|reference|struct|any|global|table|takes memory of the host)/i,
    )
  })

  it('a function body of 7 MB', async () => {
    const component = await componentizeCore(hugeFunction(7_000_000))
    expect(refusal(component)).toMatch(/^InvalidModule: .*maxFunctionBytes/)
  })

  it('but not the same component with what is harmless', async () => {
    expect(refusal(await eventGuest('(global (mut i64) (i64.const 0)) (table 4 funcref)'))).toBe('accepted')
    expect(refusal(await componentizeCore(hugeFunction(100_000)))).toBe('accepted')
  })

  it('a component of more than 100 MB', async () => {
    const guest = await scriptedGuest()
    expect(refusal(padded(guest, 100 * MIB))).toMatch(/^InvalidComponent: .*104857600/)
    expect(refusal(padded(guest, 99 * MIB))).toBe('accepted')
  })
})

describe('a malformed component', () => {
  it('is refused, or contained when it is not noticed', { timeout: 60_000 }, async () => {
    const good = await scriptedGuest()
    const lane = new TestLane('copy')
    const neighbour = await lane.deploy('neighbour', good)
    const accepted: Uint8Array[] = []
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = good.slice()
        for (const [at, value] of changes) bytes[at] = value
        const outcome = refusal(bytes)
        if (outcome === 'accepted') accepted.push(bytes)
        else expect(outcome).toMatch(/^Invalid(Component|Module): /)
      }),
      { numRuns: Math.min(5_000, ROUNDS) },
    )
    const script = new Script()
    script.call('wasi:filesystem/preopens#get-directories', RESULT)
    const allowed =
      /^(FunctionTrapped|FunctionError|FuelExhausted|DeadlineExceeded|MemoryExceeded|ResponseTooLarge|InvalidRequest|InvalidComponent|InvalidModule)$/
    for (const [number, component] of accepted.entries()) {
      try {
        const runner = await lane.deploy(`mutant-${number}`, component, { limits: { timeoutMs: 500 } })
        await runner.invokeEvent(script.event(), context())
        await runner.invokeEvent(script.event(), context())
      } catch (error) {
        expect(error).toBeInstanceOf(AmpouleError)
        expect((error as AmpouleError).code).toMatch(allowed)
      }
      expect((await neighbour.invokeEvent(new Script().event(), context())).report.fresh).toBe(false)
    }
    expect(accepted.length).toBeGreaterThan(0)
    await lane.close()
  })
})

describe.each(strategies)('initialisation with host calls, restored by "%s"', (restore) => {
  const start = (body: string, more = ''): Promise<Uint8Array<ArrayBuffer>> =>
    scriptedGuest({ extra: `${more} (func $begin ${body}) (start $begin)` })

  /** The length of its answer: 2,048 when all is well. */
  const answer = async (runner: Runner): Promise<number> =>
    (await runner.invokeEvent(new Script().event(), context())).payload.length

  it('fails with the reason when it waits, and takes nobody with it', async () => {
    const lane = new TestLane(restore)
    const neighbour = await lane.deploy('neighbour', await scriptedGuest())
    const waits = await start('(call $pollable.block (call $subscribe-duration (i64.const 0x7fffffffffffffff)))')
    await expect(lane.deploy('waits', waits)).rejects.toMatchObject({
      code: 'FunctionTrapped',
      message: expect.stringContaining('cannot be suspended') as string,
    })
    const traps = await start('(unreachable)')
    await expect(lane.deploy('traps', traps)).rejects.toMatchObject({ code: 'FunctionTrapped' })
    const exits = await start('(call $exit (i32.const 1))')
    await expect(lane.deploy('exits', exits)).rejects.toMatchObject({ code: 'FunctionError' })
    expect(await answer(neighbour)).toBe(2048)
    await lane.close()
  })

  it('may take handles, read the clock and swallow a refused wait', async () => {
    const lane = new TestLane(restore)
    const runner = await lane.deploy('busy', await start('(drop (call $get-stdout)) (drop (call $now)) (call $blockCaught)'))
    for (let round = 0; round < 5; round++) expect(await answer(runner)).toBe(2048)
    await lane.close()
  })

  it('cannot use what is linked only after it', async () => {
    const lane = new TestLane(restore)
    const early = await start('(call $get-random-bytes (i64.const 8) (i32.const 0x1908))')
    await expect(lane.deploy('early', early)).rejects.toMatchObject({ code: 'FunctionTrapped' })
    await lane.close()
  })

  it('that drew random numbers gives others in every invocation', async () => {
    const lane = new TestLane(restore)
    const runner = await lane.deploy('draws', await start('(i64.store (i32.const 0x1900) (call $get-random-u64))'))
    const script = new Script()
    const drawn = script.do('load64', 0x1900)
    const seen = new Set<bigint>()
    for (let round = 0; round < 20; round++) {
      const { payload } = await runner.invokeEvent(script.event(), context())
      seen.add(registers(payload)(drawn))
    }
    expect(seen.size).toBe(20)
    await lane.close()
  })

  it('that keeps handles open finds them again after every kind of end', async () => {
    const lane = new TestLane(restore)
    const body = `(i32.store (i32.const 0x1900) (call $get-stdout))
      (i32.store (i32.const 0x1904) (call $subscribe-duration (i64.const 1)))`
    const runner = await lane.deploy('keeps', await start(body), { limits: { timeoutMs: 40, fuel: 1_000_000_000_000n } })
    const use = (ending?: 'trap' | 'forever' | 'grow' | 'drop'): Script => {
      const script = new Script()
      const stdout = script.do('load32', 0x1900)
      script.call('wasi:io/poll#[method]pollable.block', script.do('load32', 0x1904))
      script.call('wasi:filesystem/preopens#get-directories', RESULT)
      const directory = script.do('load32', script.do('load32', RESULT))
      const [at, length] = script.place('line\n')
      script.call('wasi:io/streams#[method]output-stream.write', stdout, at, length, RESULT)
      const [name, nameLength] = script.place('file')
      script.call('wasi:filesystem/types#[method]descriptor.open-at', directory, 0, name, nameLength, 1, 3, RESULT)
      if (ending === 'grow' || ending === 'drop') {
        script.call('wasi:io/streams#[resource-drop]output-stream', stdout)
        if (ending === 'grow') script.repeat(100, () => script.do('grow', 16))
      } else if (ending !== undefined) script.do(ending)
      return script
    }
    for (const ending of [undefined, 'trap', 'forever', 'drop', 'grow', undefined] as const) {
      const recorded = context()
      const outcome = await runner.invokeEvent(use(ending).event(), recorded).then(
        ({ report }) => report.fresh,
        (error: AmpouleError) => error.code,
      )
      expect(recorded.lines).toEqual(['line'])
      expect(outcome).toBe(ending === 'trap' ? 'FunctionTrapped' : ending === 'forever' ? 'DeadlineExceeded' : false)
      if (ending === 'grow' && restore === 'copy') await runner.invokeEvent(new Script().event(), context())
    }
    expect(lane.stuck).toBe(0)
    await lane.close()
  })
})

describe.each(strategies)('every second page of 256 MB, restored by "%s"', (restore) => {
  const PAGES = 4096
  let component: Uint8Array<ArrayBuffer>
  beforeAll(async () => {
    component = await scriptedGuest({ pages: PAGES })
  })

  it('is put back, and neither the next invocation nor another function finds anything', { timeout: 60_000 }, async () => {
    const lane = new TestLane(restore)
    const runner = await lane.deploy('big', component, { limits: { memoryMb: 512, timeoutMs: 30_000, fuel: 100_000_000_000n } })
    const neighbour = await lane.deploy('neighbour', await scriptedGuest())
    const hide = new Script()
    hide.do('pages', HEAP + 0x2000, PAGES * 65_536, hide.do('add', SECRET - 1n, 1))
    const seek = new Script()
    const found = seek.do('count', HEAP, PAGES * 65_536, seek.do('add', SECRET - 1n, 1))
    const both = new Script()
    both.do('pages', HEAP + 0x2000, PAGES * 65_536, both.do('add', SECRET - 1n, 1))
    const itself = both.do('count', HEAP, PAGES * 65_536, both.do('add', SECRET - 1n, 1))
    const { payload } = await runner.invokeEvent(both.event(), context())
    expect(registers(payload)(itself)).toBe(BigInt((PAGES * 65_536 - HEAP - 0x2000) / 8192))
    const latencies = new Latencies()
    for (let round = 0; round < 2; round++) {
      const hidden = runner.invokeEvent(hide.event(), context())
      await latencies.time(() => neighbour.invokeEvent(new Script().event(), context()))
      await hidden
      const next = await runner.invokeEvent(seek.event(), context())
      expect(registers(next.payload)(found)).toBe(0n)
      expect(next.report.fresh).toBe(false)
    }
    latencies.tell(`${restore}: neighbour of every second page of 256 MB`)
    await lane.close()
  })
})

const hasSwap = ((): boolean => {
  try {
    return readFileSync('/proc/swaps', 'utf8').trim().split('\n').length > 1
  } catch {
    return false
  }
})()

describe('pages that are swapped out', () => {
  it.skipIf(!hasSwap || !(strategies as readonly string[]).includes('dirty-pages'))(
    'are put back (needs a machine with swap)',
    () => {
      const MADV_PAGEOUT = 21
      const linux = openLinux()
      const strategy = dirtyPagesStrategy(linux)
      // So few that pages are copied back rather than dropped.
      const memory = new WebAssembly.Memory({ initial: 32, maximum: 600 })
      const image = strategy.capture(memory, memory.buffer.byteLength)
      const slot = strategy.attach(memory, image)
      const bytes = new Uint8Array(memory.buffer)
      for (let at = 0; at < bytes.length; at += 8192) bytes[at] = 1
      expect(slot.restore()).toBe(true)
      for (let at = 0; at < bytes.length; at += 8192) bytes[at] = 1
      const madvise = koffi.load('libc.so.6').func('int madvise(uintptr_t, size_t, int)') as (
        address: number,
        length: number,
        advice: number,
      ) => number
      expect(madvise(linux.addressOf(memory.buffer), bytes.length, MADV_PAGEOUT)).toBe(0)
      expect(slot.restore()).toBe(true)
      expect(bytes.every((byte) => byte === 0)).toBe(true)
      strategy.release(image)
    },
  )
})
