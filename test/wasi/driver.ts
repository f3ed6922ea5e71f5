import type { HostImport } from '../../src/component/contract.ts'
import type { CanonicalOptions, Mount, Wasi, WasiEnvironment } from '../../src/wasi/contract.ts'
import { createWasi } from '../../src/wasi/index.ts'

export type CoreValue = number | bigint

/** Where results go; the bump allocator starts behind it. */
export const RESULT = 1024
const HEAP = 4096
const PAGES = 64

/** An environment whose clocks stand still until a test moves them, and whose account can be looked at. */
export class TestEnvironment implements WasiEnvironment {
  wall = 1_700_000_000_123_456_789n
  monotonic = 5_000_000_000n
  held = 0
  limit = 64 * 1024 * 1024
  alive = true
  args: readonly string[] = ['program', 'ärgument']
  variables: readonly (readonly [string, string])[] = [['NAME', 'value']]
  mounts: readonly Mount[] = []
  worked = 0
  readonly logged: { stream: 'stdout' | 'stderr'; text: string }[] = []
  /** Rejects the waits in progress, as an abort does. */
  readonly aborts = new Set<(reason: unknown) => void>()
  #random = 0

  wallClock(): bigint {
    return this.wall
  }
  monotonicClock(): bigint {
    return this.monotonic
  }
  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => ++this.#random & 0xff)
  }
  log(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    this.logged.push({ stream, text: new TextDecoder().decode(bytes) })
  }
  charge(bytes: number): boolean {
    if (this.held + bytes > this.limit) return false
    this.held += bytes
    return true
  }
  credit(bytes: number): void {
    this.held -= bytes
    if (this.held < 0) throw new Error(`more credited than charged: ${this.held}`)
  }
  work(units: number): void {
    this.worked += units
  }
  assertAlive(): void {
    if (!this.alive) throw new Error('the instance is doomed')
  }
  suspend<T>(start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const undo = start((value) => {
        this.aborts.delete(abort)
        resolve(value)
      }, reject)
      const abort = (reason: unknown): void => {
        this.aborts.delete(abort)
        undo()
        reject(reason)
      }
      this.aborts.add(abort)
    })
  }
  /** Ends the invocation the way the engine does: doom first, then reject what waits. */
  abort(reason: unknown): void {
    this.alive = false
    for (const abort of this.aborts) abort(reason)
  }
}

/** A guest without guest code: a memory, a bump allocator, and the host's functions by name. */
export class Guest {
  readonly environment: TestEnvironment
  readonly wasi: Wasi
  readonly memory = new WebAssembly.Memory({ initial: PAGES })
  /** What the guest may touch; less than the memory's real size. */
  size = (PAGES - 1) * 65_536
  #top = HEAP
  #views = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) }
  readonly #options: CanonicalOptions
  readonly #functions = new Map<string, (...args: CoreValue[]) => unknown>()
  onRealloc: (() => void) | undefined

  constructor(environment = new TestEnvironment(), wasi = createWasi(environment)) {
    this.environment = environment
    this.wasi = wasi
    this.#options = {
      bytes: () => this.#fresh().bytes,
      view: () => this.#fresh().view,
      size: () => this.size,
      realloc: (_old, _oldSize, align, newSize) => {
        this.onRealloc?.()
        return this.allocate(newSize, align)
      },
    }
  }

  /** The views, made anew only after growth. */
  #fresh(): { readonly bytes: Uint8Array; readonly view: DataView } {
    const { buffer } = this.memory
    if (this.#views.view.buffer !== buffer) this.#views = { bytes: new Uint8Array(buffer), view: new DataView(buffer) }
    return this.#views
  }

  get view(): DataView {
    return new DataView(this.memory.buffer)
  }

  allocate(size: number, align = 8): number {
    const pointer = Math.ceil(this.#top / align) * align
    this.#top = pointer + size
    return pointer
  }

  /** Forgets all allocations. */
  reset(): void {
    this.#top = HEAP
  }

  /** Calls `interface#name`, or drops a resource with `interface#[drop]resource`. */
  call(path: string, ...args: CoreValue[]): unknown {
    let fn = this.#functions.get(path)
    if (fn === undefined) {
      const lowered = this.wasi.lower(toImport(path), this.#options)
      if (lowered === undefined) throw new Error(`${path} is not supported`)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- core code has no static types either
      fn = lowered.call as (...args: CoreValue[]) => unknown
      this.#functions.set(path, fn)
    }
    return fn(...args)
  }

  /** A call that gives a handle or number. */
  number(path: string, ...args: CoreValue[]): number {
    const value = this.call(path, ...args)
    if (typeof value !== 'number') throw new Error(`${path} gave ${typeof value}`)
    return value
  }

  /** A call whose result is stored at RESULT; gives a view of it. */
  result(path: string, ...args: CoreValue[]): DataView {
    const done = this.call(path, ...args, RESULT)
    if (done !== undefined) throw new Error(`${path} waits`)
    return this.resultView()
  }

  /** The same for a call that may wait. */
  async resultLater(path: string, ...args: CoreValue[]): Promise<DataView> {
    await this.call(path, ...args, RESULT)
    return this.resultView()
  }

  resultView(): DataView {
    return new DataView(this.memory.buffer, RESULT, 256)
  }

  /** A call that gives result<own<T>, E>: the handle. */
  owned(path: string, ...args: CoreValue[]): number {
    const view = this.result(path, ...args)
    if (view.getUint8(0) !== 0) throw new Error(`${path} gave error ${view.getUint8(4)}`)
    return view.getUint32(4, true)
  }

  /** Puts bytes or text into memory: pointer and length as arguments. */
  put(data: string | Uint8Array): [pointer: number, length: number] {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    const pointer = this.allocate(bytes.length, 1)
    new Uint8Array(this.memory.buffer).set(bytes, pointer)
    return [pointer, bytes.length]
  }

  /** list<u32> */
  putWords(words: readonly number[]): [pointer: number, length: number] {
    const pointer = this.allocate(words.length * 4, 4)
    for (const [index, word] of words.entries()) this.view.setUint32(pointer + index * 4, word, true)
    return [pointer, words.length]
  }

  /** list<list<u8>>, list<string> or, flattened, a list of pairs of them. */
  putList(items: readonly (string | Uint8Array)[]): [pointer: number, length: number] {
    const [pointer] = this.putWords(items.flatMap((item) => this.put(item)))
    return [pointer, items.length]
  }

  /** A view of memory. */
  bytesOf(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length)
  }

  bytesAt(at: number): Uint8Array {
    const pointer = this.view.getUint32(at, true)
    return new Uint8Array(this.memory.buffer).slice(pointer, pointer + this.view.getUint32(at + 4, true))
  }

  textAt(at: number): string {
    return new TextDecoder().decode(this.bytesAt(at))
  }

  /** list<list<u8>> at `at` as texts; with `width` 2 a list of pairs, flat. */
  textsAt(at: number, width = 1): string[] {
    const pointer = this.view.getUint32(at, true)
    const length = this.view.getUint32(at + 4, true) * width
    return Array.from({ length }, (_, index) => this.textAt(pointer + index * 8))
  }
}

export function toImport(path: string, version = '0.2.3'): HostImport {
  const [owner = '', name = ''] = path.split('#')
  const drop = /^\[drop\](.*)$/.exec(name)
  if (drop !== null) return { kind: 'resource.drop', interface: owner, version, resource: drop[1] ?? '' }
  return { kind: 'lower', interface: owner, version, name, memory: undefined, realloc: undefined }
}
