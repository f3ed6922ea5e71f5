import { beforeAll, describe, expect, it } from 'vitest'
import { createArtifact } from '../../src/component/artifact.ts'
import { prepareLink } from '../../src/component/link.ts'
import { initialise } from '../../src/wasm/index.ts'
import type { Artifact, CoreRef, HostImport, LinkHooks, Linked } from '../../src/component/contract.ts'
import { EVENT_WORLD, componentText, echoComponent, embedded, quickJsEcho } from './samples.ts'

const PLENTY = 1n << 60n

/** What the engine gives every instance; grants everything. */
function ampoule(): Record<string, WebAssembly.ImportValue> {
  return {
    refuel: () => PLENTY,
    yield: () => PLENTY,
    'grow-memory': () => 1,
    'grow-table': () => 1,
  }
}

type HostFunction = (item: HostImport, resolve: (ref: CoreRef) => WebAssembly.ExportValue) => WebAssembly.ImportValue

function hooks(host: HostFunction, artifact?: Artifact): LinkHooks {
  const imports = ampoule()
  const begin: LinkHooks['initialise'] = (_, module, exports, values) => {
    const core = artifact?.modules[module]
    if (core !== undefined) initialise(core, core.report, exports, values)
  }
  return { hostFunction: host, ampoule: () => imports, initialise: begin }
}

const noHost: HostFunction = (item) => () => {
  throw new Error(`${item.interface} was called`)
}

function compiled(artifact: Artifact): WebAssembly.Module[] {
  return artifact.modules.map(({ bytes }) => new WebAssembly.Module(bytes))
}

function func(linked: Linked, ref: CoreRef | undefined): (...args: number[]) => number {
  const value = ref === undefined ? undefined : linked.resolve(ref)
  if (typeof value !== 'function') throw new Error('not a function')
  return (...args) => Number(Reflect.apply(value, undefined, args))
}

function isExport(value: unknown): value is (at: number, length: number) => number {
  return typeof value === 'function'
}

function memory(linked: Linked, ref: CoreRef | undefined): WebAssembly.Memory {
  const value = ref === undefined ? undefined : linked.resolve(ref)
  if (!(value instanceof WebAssembly.Memory)) throw new Error('not a memory')
  return value
}

function written(artifact: Artifact, linked: Linked, bytes: readonly number[]): number {
  const { event } = artifact.plan.exports
  const at = func(linked, event?.realloc)(0, 0, 1, bytes.length)
  new Uint8Array(memory(linked, event?.memory).buffer).set(bytes, at)
  return at
}

/** Reads `result<list<u8>, list<u8>>` at `at`. */
function result(artifact: Artifact, linked: Linked, at: number): { ok: boolean; bytes: number[] } {
  const view = new DataView(memory(linked, artifact.plan.exports.event?.memory).buffer)
  const start = view.getUint32(at + 4, true)
  return { ok: view.getUint8(at) === 0, bytes: [...new Uint8Array(view.buffer, start, view.getUint32(at + 8, true))] }
}

function echoed(artifact: Artifact, linked: Linked, bytes: readonly number[]): { ok: boolean; bytes: number[] } {
  const at = func(linked, artifact.plan.exports.event?.func)(written(artifact, linked, bytes), bytes.length)
  return result(artifact, linked, at)
}

/** Calls the host with a list, which wit-component links through its shim table because it needs memory. */
const WAITING = `(module
  (import "$root" "wait" (func $wait (param i32 i32 i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (local.get $at))
  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (call $wait (local.get $at) (local.get $length) (i32.const 20))
    (i32.store (i32.const 16) (i32.const 0))
    (i32.const 16))
  (func (export "cabi_post_handle") (param i32)))`
const WAITING_WORLD = EVENT_WORLD.replace('export', 'import wait: func(a: list<u8>) -> list<u8>;\n  export')

/** Answers with a copy of the list that it got, as the canonical ABI wants it. */
const copyList: HostFunction = (item, resolve) => (at: number, length: number, result: number) => {
  if (item.kind !== 'lower' || item.memory === undefined || item.realloc === undefined) throw new Error('options are missing')
  const target = resolve(item.memory)
  const realloc = resolve(item.realloc)
  if (!(target instanceof WebAssembly.Memory) || typeof realloc !== 'function') throw new Error('not what was expected')
  const answer: number = Reflect.apply(realloc, undefined, [0, 0, 1, length])
  new Uint8Array(target.buffer).copyWithin(answer, at, at + length)
  const view = new DataView(target.buffer)
  view.setUint32(result, answer, true)
  view.setUint32(result + 4, length, true)
}

let echo: Artifact
let quickJs: Artifact
let waiting: Artifact

const isSupported = (): boolean => true

beforeAll(async () => {
  echo = createArtifact(await echoComponent(), { isSupported })
  quickJs = createArtifact(await quickJsEcho(), { isSupported })
  waiting = createArtifact(await embedded(WAITING, WAITING_WORLD, 'event'), { isSupported })
})

describe('linking by a plan', () => {
  it('gives an instance that answers', () => {
    const linked = prepareLink(echo.plan, compiled(echo))(hooks(noHost, echo))
    expect(echoed(echo, linked, [1, 2, 3])).toEqual({ ok: true, bytes: [1, 2, 3] })
  })

  it('links ten instrumented modules over shared memories, tables and globals', () => {
    const linked = prepareLink(quickJs.plan, compiled(quickJs))(hooks(noHost, quickJs))
    expect(echoed(quickJs, linked, [1, 2, 3])).toEqual({ ok: true, bytes: [1, 2, 3] })
  })

  it('gives instances of their own from the same modules', () => {
    const link = prepareLink(echo.plan, compiled(echo))
    const [first, second] = [link(hooks(noHost, echo)), link(hooks(noHost, echo))]
    const at = written(echo, first, [42])
    expect(new Uint8Array(memory(first, echo.plan.exports.event?.memory).buffer)[at]).toBe(42)
    expect(new Uint8Array(memory(second, echo.plan.exports.event?.memory).buffer)[at]).toBe(0)
  })

  it('leaves memories empty where instances are not told to initialise themselves', () => {
    const linked = prepareLink(quickJs.plan, compiled(quickJs))(hooks(noHost))
    const bytes = new Uint8Array(memory(linked, quickJs.plan.exports.event?.memory).buffer)
    expect(bytes.every((byte) => byte === 0)).toBe(true)
  })

  it('asks for each distinct host import once for each instance', () => {
    const asked: string[] = []
    const host: HostFunction = (item) => {
      asked.push(JSON.stringify(item))
      return () => undefined
    }
    const link = prepareLink(quickJs.plan, compiled(quickJs))
    link(hooks(host, quickJs))
    expect(asked.length).toBeGreaterThan(10)
    expect(new Set(asked).size).toBe(asked.length)
    const once = asked.length
    link(hooks(host, quickJs))
    expect(asked.length).toBe(2 * once)
  })

  it('lets a host function find memory and realloc that were made after it', () => {
    const linked = prepareLink(waiting.plan, compiled(waiting))(hooks(copyList, waiting))
    expect(echoed(waiting, linked, [7, 8])).toEqual({ ok: true, bytes: [7, 8] })
  })

  it('leaves no JavaScript between core instances, so that a host function behind the shim table can suspend the guest', async () => {
    const gate = Promise.withResolvers<void>()
    const host: HostFunction = () => new WebAssembly.Suspending(() => gate.promise)
    const linked = prepareLink(waiting.plan, compiled(waiting))(hooks(host, waiting))
    const { event } = waiting.plan.exports
    const raw = event === undefined ? undefined : linked.resolve(event.func)
    if (!isExport(raw)) throw new Error('not a function')
    let ended = false
    const call = WebAssembly.promising(raw)(0, 0)
    const done = call.then((at) => {
      ended = true
      return at
    })
    await Promise.resolve()
    expect(ended).toBe(false)
    gate.resolve()
    expect(await done).toBe(16)
  })

  it('gives the raw exports of each core instance, state functions included', () => {
    const linked = prepareLink(quickJs.plan, compiled(quickJs))(hooks(noHost, quickJs))
    const kinds = linked.instances.map((exports) => (exports === undefined ? 'exports' : 'module'))
    expect(kinds).toEqual(quickJs.plan.instances.map(({ kind }) => kind))
    const saving = linked.instances.filter((exports) => exports?.['ampoule:save'] !== undefined)
    expect(saving.length).toBeGreaterThan(0)
    for (const exports of saving) {
      expect(typeof exports?.['ampoule:restore']).toBe('function')
      expect(typeof exports?.['ampoule:changed']).toBe('function')
    }
  })

  it('says which core module does not link when limits do not fit', async () => {
    const component = await componentText(`(component
      (core module $a (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "handle") (param i32 i32) (result i32) (i32.const 16)))
      (core instance $i (instantiate $a))
      (core module $b (import "a" "memory" (memory 5)))
      (core instance (instantiate $b (with "a" (instance $i))))
      (type $t (func (param "event" (list u8)) (result (result (list u8) (error (list u8))))))
      (func $handle (type $t) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
      (export "handle" (func $handle)))`)
    const artifact = createArtifact(component, { isSupported })
    const link = prepareLink(artifact.plan, compiled(artifact))
    expect(() => link(hooks(noHost, artifact))).toThrow(
      expect.objectContaining({ code: 'InvalidComponent', message: expect.stringContaining('core module 1 does not link') }),
    )
  })

  it('passes on as it is what code throws while it is instantiated', async () => {
    const component = await componentText(`(component
      (core module $a (memory (export "memory") 1)
        (func $trap unreachable) (start $trap)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "handle") (param i32 i32) (result i32) (i32.const 16)))
      (core instance $i (instantiate $a))
      (type $t (func (param "event" (list u8)) (result (result (list u8) (error (list u8))))))
      (func $handle (type $t) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
      (export "handle" (func $handle)))`)
    const artifact = createArtifact(component, { isSupported })
    const link = prepareLink(artifact.plan, compiled(artifact))
    expect(() => link(hooks(noHost, artifact))).toThrow(WebAssembly.RuntimeError)
  })

  it('refuses modules that do not fit the plan and names the import', () => {
    expect(() => prepareLink(waiting.plan, [])).toThrow('core module 0, which is not there')
    const plan = {
      ...waiting.plan,
      instances: waiting.plan.instances.map((instance) => (instance.kind === 'module' ? { ...instance, args: {} } : instance)),
    }
    expect(() => prepareLink(plan, compiled(waiting))).toThrow(/nothing satisfies the import "[^"]*" "[^"]*" of core module \d/)
  })

  it('refuses to resolve what is not there', () => {
    const linked = prepareLink(echo.plan, compiled(echo))(hooks(noHost, echo))
    expect(() => linked.resolve({ instance: 0, name: 'gone' })).toThrow('core instance 0 has no export "gone"')
    expect(() => linked.resolve({ instance: 0, name: 'constructor' })).toThrow('has no export "constructor"')
  })
})
