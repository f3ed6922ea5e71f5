import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { chooseStrategy, probe } from '../../src/engine/restore/index.ts'
import { copyStrategy } from '../../src/engine/restore/copy.ts'
import { dirtyPagesStrategy } from '../../src/engine/restore/dirty-pages.ts'
import { openLinux } from '../../src/engine/restore/linux.ts'
import type { MemoryImage, RestoreStrategy } from '../../src/engine/restore/contract.ts'

const WASM_PAGE = 65_536
const PAGE = 4096

/** Whether the machine can (Linux 6.7); where it cannot, the suite says so by name. */
const dirtyPages = ((): RestoreStrategy | undefined => {
  try {
    return chooseStrategy('dirty-pages').strategy
  } catch {
    return undefined
  }
})()

describe.each([
  { name: 'copy', strategy: copyStrategy },
  ...(dirtyPages === undefined
    ? []
    : [
        { name: 'dirty-pages', strategy: dirtyPages },
        { name: 'dirty-pages, scanning two ranges at a time', strategy: dirtyPagesStrategy(openLinux(), 2) },
      ]),
])('the restore strategy "$name"', ({ strategy }) => {
  const images: MemoryImage[] = []
  afterAll(() => images.forEach((image) => strategy.release(image)))

  const capture = (pages: number, maximum = pages + 64): { memory: WebAssembly.Memory; image: MemoryImage } => {
    const memory = new WebAssembly.Memory({ initial: pages, maximum })
    const bytes = new Uint8Array(memory.buffer)
    for (let i = 0; i < bytes.length; i += 97) bytes[i] = i % 251
    const image = strategy.capture(memory, bytes.length)
    images.push(image)
    return { memory, image }
  }

  it('passes the probe that decides whether it is used', () => {
    expect(() => probe(strategy)).not.toThrow()
  })

  it('gives a fresh memory the content of the image', () => {
    const { memory, image } = capture(3)
    const other = new WebAssembly.Memory({ initial: 3, maximum: 10 })
    new Uint8Array(other.buffer).fill(255)
    const slot = strategy.attach(other, image)
    expect(Buffer.from(other.buffer).equals(Buffer.from(memory.buffer))).toBe(true)
    expect(slot.verify()).toBe(true)
  })

  it('notices a single changed byte and puts it back, wherever it is', () => {
    const { memory, image } = capture(4)
    const slot = strategy.attach(memory, image)
    const before = Buffer.from(memory.buffer.slice(0))
    const bytes = new Uint8Array(memory.buffer)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 200 }),
        (writes) => {
          for (const [at, by] of writes) bytes[at] = before[at]! ^ by
          expect(slot.verify()).toBe(false)
          expect(slot.restore()).toBe(true)
          expect(before.equals(bytes)).toBe(true)
          expect(slot.verify()).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('puts back every byte of many invocations in a row, with nothing in between that looks at them', () => {
    const { memory, image } = capture(4)
    const slot = strategy.attach(memory, image)
    const before = Buffer.from(memory.buffer.slice(0))
    const bytes = new Uint8Array(memory.buffer)
    const write = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
    const after = fc.constantFrom('nothing', 'trim', 'verify')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(write, { maxLength: 40 }), after), { maxLength: 12 }), (invocations) => {
        for (const [writes, then] of invocations) {
          for (const [at, by] of writes) bytes[at] = before[at]! ^ by
          expect(slot.restore()).toBe(true)
          expect(before.equals(bytes)).toBe(true)
          if (then === 'trim') slot.trim()
          else if (then === 'verify') expect(slot.verify()).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('puts back what the system wrote into the memory, as the reading of a file does', () => {
    const { memory, image } = capture(2)
    const slot = strategy.attach(memory, image)
    const before = Buffer.from(memory.buffer.slice(0))
    const file = openSync(fileURLToPath(import.meta.url), 'r')
    try {
      for (const page of [3, 17, 3, 30]) {
        expect(readSync(file, new Uint8Array(memory.buffer), page * PAGE - 100, 200, 0)).toBe(200)
        expect(before.equals(new Uint8Array(memory.buffer))).toBe(false)
        expect(slot.restore()).toBe(true)
        expect(before.equals(new Uint8Array(memory.buffer))).toBe(true)
      }
    } finally {
      closeSync(file)
    }
  })

  it('puts back what was written by an invocation that dirtied very many pages, and by the ones after it', () => {
    const { memory, image } = capture(64)
    const slot = strategy.attach(memory, image)
    const before = Buffer.from(memory.buffer.slice(0))
    const bytes = new Uint8Array(memory.buffer)
    for (const until of [1, 1, bytes.length, 1, 3 * PAGE, bytes.length, 5 * PAGE]) {
      bytes.fill(255, 0, until)
      expect(slot.restore()).toBe(true)
      expect(before.equals(bytes)).toBe(true)
    }
  })

  it('puts back every second page of 64 MB, more ranges than one scan returns', () => {
    const { memory, image } = capture(1024)
    const slot = strategy.attach(memory, image)
    const before = Buffer.from(memory.buffer.slice(0))
    const bytes = new Uint8Array(memory.buffer)
    for (let at = 0; at < bytes.length; at += 2 * PAGE) bytes[at + 5] = 0xa5
    expect(slot.restore()).toBe(true)
    expect(before.equals(bytes)).toBe(true)
  })

  it('puts back what was written again after a restore', () => {
    const { memory, image } = capture(2)
    const slot = strategy.attach(memory, image)
    const bytes = new Uint8Array(memory.buffer)
    const before = Buffer.from(memory.buffer.slice(0))
    for (let round = 0; round < 50; round++) {
      bytes.fill(round + 1, (round % 30) * PAGE, (round % 30) * PAGE + 10)
      expect(slot.restore()).toBe(true)
      expect(before.equals(bytes)).toBe(true)
    }
  })

  it('puts back whichever pages are written, the same ones for many invocations or others in each', () => {
    const { memory, image } = capture(8)
    const slot = strategy.attach(memory, image)
    const bytes = new Uint8Array(memory.buffer)
    const before = Buffer.from(memory.buffer.slice(0))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length / PAGE - 1), fc.integer({ min: 1, max: 4 })), { maxLength: 20 }),
        (steps) => {
          for (const [page, times] of steps) {
            for (let i = 0; i < times; i++) {
              bytes[page * PAGE + i] = before[page * PAGE + i]! ^ 255
              expect(slot.restore()).toBe(true)
              expect(before.equals(bytes)).toBe(true)
            }
          }
          if (steps.length % 3 === 0) slot.trim()
        },
      ),
      { numRuns: 40 },
    )
  })

  it('puts back the memories of several instances that run by turns', () => {
    const slots = Array.from({ length: 3 }, () => {
      const { memory, image } = capture(4)
      return {
        bytes: new Uint8Array(memory.buffer),
        before: Buffer.from(memory.buffer.slice(0)),
        slot: strategy.attach(memory, image),
      }
    })
    for (let round = 0; round < 60; round++) {
      const { bytes, before, slot } = slots[round % 3]!
      bytes.fill(0xee, ((round * 7) % 60) * PAGE, ((round * 7) % 60) * PAGE + 9)
      expect(slot.restore()).toBe(true)
      expect(before.equals(bytes)).toBe(true)
    }
  })

  it('keeps what one instance writes from the others of the same image', () => {
    const { memory, image } = capture(2)
    const first = strategy.attach(memory, image)
    const other = new WebAssembly.Memory({ initial: 2, maximum: 10 })
    const second = strategy.attach(other, image)
    new Uint8Array(memory.buffer).fill(9)
    expect(second.verify()).toBe(true)
    expect(first.restore()).toBe(true)
  })

  it('shows the image again after giving private pages back', () => {
    const { memory, image } = capture(2)
    const slot = strategy.attach(memory, image)
    slot.trim()
    expect(slot.verify()).toBe(true)
  })

  it('undoes growth, or says that it cannot', () => {
    const { memory, image } = capture(1)
    const slot = strategy.attach(memory, image)
    memory.grow(3)
    expect(slot.grant(WASM_PAGE, 4 * WASM_PAGE)).toBe(true)
    new Uint8Array(memory.buffer).fill(7, WASM_PAGE)
    expect(slot.restore()).toBe(strategy.undoesGrowth)
    if (!strategy.undoesGrowth) return
    expect(slot.verify()).toBe(true)
    // Granted again, the range is zero and writable.
    expect(slot.grant(WASM_PAGE, 2 * WASM_PAGE)).toBe(true)
    expect(new Uint8Array(memory.buffer, WASM_PAGE, WASM_PAGE).every((byte) => byte === 0)).toBe(true)
    new Uint8Array(memory.buffer)[WASM_PAGE] = 1
    expect(slot.restore()).toBe(true)
  })

  it('refuses a memory that is shorter than the image, and images of the other strategy', () => {
    const { image } = capture(4)
    expect(() => strategy.attach(new WebAssembly.Memory({ initial: 1 }), image)).toThrow(/262144/)
    const foreign: MemoryImage =
      image.kind === 'copy'
        ? { kind: 'memfd', length: 0, fd: -1, address: 0 }
        : { kind: 'copy', length: 0, bytes: new SharedArrayBuffer(0) }
    expect(() => strategy.attach(new WebAssembly.Memory({ initial: 4 }), foreign)).toThrow(/cannot attach/)
  })

  it('handles an image of no bytes', () => {
    const { memory, image } = capture(0)
    const slot = strategy.attach(memory, image)
    expect(slot.restore()).toBe(true)
    expect(slot.verify()).toBe(true)
  })
})

/** What the mapping that begins at the address holds for itself. */
function privateKib(address: number): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  const mapping = mappings.find((text) => Number.parseInt(text, 16) === address)
  return Number(/^Private_Dirty: +(\d+) kB$/m.exec(mapping ?? '')?.[1])
}

describe.skipIf(dirtyPages === undefined)('the dirty-pages strategy (Linux 6.7)', () => {
  it('lets an access beyond the virtual size trap after growth was undone', async () => {
    const strategy = dirtyPages!
    // (memory (export "m") 1 8) (func (export "peek") (param i32) (result i32) local.get 0 i32.load8_u)
    const module = await WebAssembly.compile(
      Uint8Array.from([
        0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 4, 1, 1, 1, 8, 7, 12, 2, 1, 109, 2, 0, 4, 112,
        101, 101, 107, 0, 0, 10, 9, 1, 7, 0, 32, 0, 45, 0, 0, 11,
      ]),
    )
    const { m: memory, peek } = new WebAssembly.Instance(module).exports as {
      m: WebAssembly.Memory
      peek: (at: number) => number
    }
    const image = strategy.capture(memory, WASM_PAGE)
    const slot = strategy.attach(memory, image)
    memory.grow(2)
    slot.grant(WASM_PAGE, 3 * WASM_PAGE)
    expect(peek(2 * WASM_PAGE)).toBe(0)
    expect(slot.restore()).toBe(true)
    expect(() => peek(WASM_PAGE)).toThrow(WebAssembly.RuntimeError)
    expect(() => peek(2 * WASM_PAGE + 5)).toThrow(/out of bounds/)
    slot.grant(WASM_PAGE, 2 * WASM_PAGE)
    expect(peek(WASM_PAGE)).toBe(0)
    expect(() => peek(2 * WASM_PAGE)).toThrow(/out of bounds/)
    strategy.release(image)
  })

  it('discards a memory that has grown instead of protecting it, when the guest has atomic instructions', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 })
    const image = dirtyPages!.capture(memory, WASM_PAGE)
    const slot = dirtyPages!.attach(memory, image, false)
    new Uint8Array(memory.buffer).fill(1)
    expect(slot.restore()).toBe(true)
    memory.grow(1)
    slot.grant(WASM_PAGE, 2 * WASM_PAGE)
    expect(slot.restore()).toBe(false)
    dirtyPages!.release(image)
  })

  it('does not scan again while the thread takes no page fault, and does once a page becomes its own', () => {
    const linux = openLinux()
    const memory = new WebAssembly.Memory({ initial: 4 })
    const bytes = new Uint8Array(memory.buffer)
    let scans = 0
    const counting = dirtyPagesStrategy({
      ...linux,
      scanner(capacity) {
        const scanner = linux.scanner(capacity)
        return { scan: (address, length) => (scans++, scanner.scan(address, length)) }
      },
    })
    const image = counting.capture(memory, bytes.length)
    const slot = counting.attach(memory, image)
    const touch = (page: number): void => {
      bytes[page * PAGE] = 1
      expect(slot.restore()).toBe(true)
      expect(bytes[page * PAGE]).toBe(0)
    }
    touch(3)
    // The thread's other work takes faults of its own now and then: in some of many rounds it takes none.
    const rounds = 1000
    scans = 0
    for (let i = 0; i < rounds; i++) touch(3)
    expect(scans).toBeLessThan(rounds)
    scans = 0
    for (let page = 10; page < 20; page++) touch(page)
    expect(scans).toBe(10)
    counting.release(image)
  })

  it('seals the snapshot file, so that no one can change or truncate it, and hands it to no program', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const image = dirtyPages!.capture(memory, WASM_PAGE)
    if (image.kind !== 'memfd') throw new Error('expected a memfd')
    const { ftruncateSync, writeSync } = await import('node:fs')
    expect(() => ftruncateSync(image.fd, 0)).toThrow(/EPERM/)
    expect(() => writeSync(image.fd, 'x')).toThrow(/EPERM/)
    // Closed when a program is started: O_CLOEXEC among its flags.
    const flags = /^flags:\t([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${image.fd}`, 'utf8'))?.[1]
    expect(Number.parseInt(flags ?? '', 8) & 0o2000000).not.toBe(0)
    dirtyPages!.release(image)
  })

  it('drops the pages of an invocation that dirtied very many instead of keeping them', () => {
    const memory = new WebAssembly.Memory({ initial: 128 })
    const image = dirtyPages!.capture(memory, memory.buffer.byteLength)
    const slot = dirtyPages!.attach(memory, image)
    const address = openLinux().addressOf(memory.buffer)
    new Uint8Array(memory.buffer).fill(1)
    expect(privateKib(address)).toBe(8192)
    expect(slot.restore()).toBe(true)
    expect(privateKib(address)).toBeLessThan(2048)
    expect(slot.verify()).toBe(true)
    dirtyPages!.release(image)
  })
})

describe('choosing a strategy', () => {
  it('copies when told to', () => {
    expect(chooseStrategy('copy').strategy.name).toBe('copy')
  })

  it('says why it copies where the system has no dirty-page scan', () => {
    const { strategy, reason } = chooseStrategy('auto')
    expect(strategy.name === 'dirty-pages' ? reason === undefined : typeof reason === 'string').toBe(true)
  })

  it('rejects a strategy that does not put everything back', () => {
    const lazy: RestoreStrategy = {
      ...copyStrategy,
      attach: (memory, image) => Object.assign(copyStrategy.attach(memory, image), { restore: () => true }),
    }
    expect(() => probe(lazy)).toThrow(/not put back/)
  })
})
