import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { artifactId, compileModules, createArtifact, MAX_COMPONENT_BYTES } from '../../src/component/artifact.ts'
import { addRuntimeSection } from '../../src/component/runtime-section.ts'
import type { Artifact } from '../../src/component/contract.ts'
import { componentText, coreModule, ECHO, echoComponent, quickJs, quickJsEcho, starlingMonkeyEcho } from './samples.ts'

const options = { isSupported: (): boolean => true }

let echo: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  echo = await echoComponent()
  await Promise.all([quickJsEcho(), starlingMonkeyEcho()])
})

/** The echo component with a custom section that makes it as big as asked. */
function padded(bytes: number): Uint8Array<ArrayBuffer> {
  const content = bytes - echo.length - 6
  const size = [0, 7, 14, 21, 28].map((shift) => (Math.floor(content / 2 ** shift) & 0x7f) | (shift < 28 ? 0x80 : 0))
  const result = new Uint8Array(bytes)
  result.set(echo)
  result.set([0, ...size, 0], echo.length)
  return result
}

/** A component around one core module with an extra definition. */
async function around(definition: string): Promise<Uint8Array<ArrayBuffer>> {
  return componentText(`(component
    (core module $m ${definition}
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
      (func (export "handle") (param i32 i32) (result i32) (i32.const 16)))
    (core instance $i (instantiate $m))
    (type $t (func (param "event" (list u8)) (result (result (list u8) (error (list u8))))))
    (func $handle (type $t) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (export "handle" (func $handle)))`)
}

describe('an artifact', () => {
  it('has valid instrumented modules with their reports', async () => {
    for (const component of [echo, await quickJsEcho(), await starlingMonkeyEcho()]) {
      const artifact: Artifact = createArtifact(component, options)
      expect(artifact.meta.componentBytes).toBe(component.length)
      for (const { bytes, report } of artifact.modules) {
        expect(WebAssembly.validate(bytes)).toBe(true)
        expect(report.unrestorable).toEqual([])
      }
    }
  })

  it('of another function on the same language runtime has the same modules, so that V8 compiles them once', async () => {
    const [one, other] = await Promise.all([quickJsEcho(), quickJs('export function handle() { return new Uint8Array(3) }')])
    const modules = (component: Uint8Array): Uint8Array[] => createArtifact(component, options).modules.map(({ bytes }) => bytes)
    expect(Buffer.compare(one, other)).not.toBe(0)
    expect(modules(one).map((bytes) => createHash('sha256').update(bytes).digest('hex'))).toEqual(
      modules(other).map((bytes) => createHash('sha256').update(bytes).digest('hex')),
    )
  })

  it('is the same for the same bytes, and its id another for other bytes', () => {
    expect(createArtifact(echo, options)).toEqual(createArtifact(echo.slice(), options))
    expect(artifactId(echo)).toMatch(/^[0-9a-f]{64}$/)
    expect(artifactId(padded(echo.length + 100))).not.toBe(artifactId(echo))
  })

  it('can be made of a component in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(echo.length))
    shared.set(echo)
    expect(createArtifact(shared, options)).toEqual(createArtifact(echo, options))
  })

  it('can be made of a component of 100 MiB but not of one byte more', () => {
    const artifact = createArtifact(padded(MAX_COMPONENT_BYTES), options)
    expect(artifact.meta.componentBytes).toBe(MAX_COMPONENT_BYTES)
    expect(() => createArtifact(new Uint8Array(MAX_COMPONENT_BYTES + 1), options)).toThrow(
      'the component has 104857601 bytes, the limit is 104857600 (maxComponentBytes)',
    )
    expect(() => createArtifact(echo, { ...options, maxComponentBytes: 100 })).toThrow('the limit is 100 (maxComponentBytes)')
  })

  it('is refused for a core module, with the way to make it a component', () => {
    expect(() => createArtifact(coreModule(ECHO), options)).toThrow(/core module, not a component.*jco new/)
  })

  it('is refused for anything else', () => {
    expect(() => createArtifact(new TextEncoder().encode('export default 1'), options)).toThrow('not a WebAssembly component')
    expect(() => createArtifact(new Uint8Array(), options)).toThrow('not a WebAssembly component')
  })

  it('is refused when the host lacks an import', async () => {
    const component = await quickJsEcho()
    expect(() => createArtifact(component, { isSupported: (item) => item.interface !== 'wasi:cli/exit' })).toThrow(
      /what this host does not have: wasi:cli\/exit@0\.2\.\d+#exit$/,
    )
  })

  it('is refused for a function body that is not valid, even where modules are validated lazily', () => {
    // () -> i32 with an empty body.
    const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
    const sections = [1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, 5, 1, 3, 0, 0x01, 0x0b]
    const invalid = Uint8Array.from([...preamble, ...sections])
    expect(process.execArgv).toContain('--wasm-lazy-validation')
    expect(() => new WebAssembly.Module(invalid)).not.toThrow()
    expect(() => compileModules([invalid])).toThrow(/core module 0 \(26 bytes\): the engine finds the module invalid/)
  })

  it('is refused for state that cannot be put back, with the reason', async () => {
    for (const [text, reason] of [
      ['(type $s (struct (field (mut i32)))) (global (mut (ref null $s)) (ref.null $s))', /cannot be put back.*global/],
      ['(memory 1 1 shared)', /cannot be put back.*shared/],
      ['(table 1 eqref)', /cannot be put back.*table/],
    ] as const) {
      const component = await around(text)
      expect(() => createArtifact(component, options)).toThrow(
        expect.objectContaining({ code: 'InvalidModule', message: expect.stringMatching(reason) }),
      )
    }
  })

  it('is refused for modules that use the names of the host', async () => {
    const exported = await around('(func (export "ampoule:save"))')
    expect(() => createArtifact(exported, options)).toThrow('names that begin with "ampoule" belong to the host')
    const imported = await componentText(`(component
      (core module $a (func (export "refuel") (param i64) (result i64) (i64.const 1)))
      (core instance $a (instantiate $a))
      (core module $m (import "ampoule" "refuel" (func (param i64) (result i64))))
      (core instance (instantiate $m (with "ampoule" (instance $a)))))`)
    expect(() => createArtifact(imported, options)).toThrow('names that begin with "ampoule" belong to the host')
  })
})

describe('the runtime section', () => {
  const runtime = { name: 'starlingmonkey', version: '1.2.3', warm: true, events: 'json' } as const

  it('says which runtime a component was built with', () => {
    const component = addRuntimeSection(echo, runtime)
    expect(createArtifact(component, options).meta.runtime).toEqual(runtime)
    expect(createArtifact(echo, options).meta.runtime).toBeUndefined()
  })

  it('says the form of the events, and leaves it out where it is the default', () => {
    const usual = { ...runtime, events: 'msgpack' } as const
    const component = addRuntimeSection(echo, usual)
    expect(createArtifact(component, options).meta.runtime).toEqual(usual)
    expect(new TextDecoder('latin1').decode(component.subarray(-100))).not.toContain('events')
    const unknown = new TextDecoder('latin1').decode(addRuntimeSection(echo, runtime)).replace('"json"', '"yaml"')
    const bytes = Uint8Array.from(unknown, (char) => char.charCodeAt(0))
    expect(() => createArtifact(bytes, options)).toThrow('"events"?: "json" | "msgpack"')
  })

  it('is refused when there are two, or when it is not what we write', () => {
    const twice = addRuntimeSection(addRuntimeSection(echo, runtime), runtime)
    expect(() => createArtifact(twice, options)).toThrow('there is more than one')
    const broken = addRuntimeSection(echo, runtime)
    broken[broken.length - 1] = 0x20
    expect(() => createArtifact(broken, options)).toThrow('it is not JSON')
    const text = new TextDecoder('latin1').decode(addRuntimeSection(echo, runtime)).replace('"warm":true', '"warm":1234')
    expect(() =>
      createArtifact(
        Uint8Array.from(text, (char) => char.charCodeAt(0)),
        options,
      ),
    ).toThrow('it must be {"name"')
  })
})
