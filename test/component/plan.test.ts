import { beforeAll, describe, expect, it } from 'vitest'
import { deriveComponent } from '../../src/component/artifact.ts'
import { hostImports, requireSupport } from '../../src/component/support.ts'
import { AmpouleError } from '../../src/errors.ts'
import type { LinkPlan } from '../../src/component/contract.ts'
import { componentText, echoComponent, quickJsEcho, starlingMonkeyEcho, starlingMonkeyFetch } from './samples.ts'

/** The core module that most texts below are made around. */
const CORE = `(core module $m
  (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
  (func (export "handle") (param i32 i32) (result i32) (i32.const 16)))
  (core instance $i (instantiate $m))`

const LIFT = `(type $t (func (param "event" (list u8)) (result (result (list u8) (error (list u8))))))
  (func $handle (type $t) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (export "handle" (func $handle))`

async function refused(text: string): Promise<string> {
  const bytes = await componentText(`(component ${text})`)
  try {
    deriveComponent(bytes)
  } catch (error) {
    if (error instanceof AmpouleError && error.code === 'InvalidComponent') return error.message
    throw error
  }
  throw new Error('it was accepted')
}

/** With a second core module, instantiated with `args`. */
const user = (text: string, args: string): string =>
  `${CORE} (core module $n ${text}) (core instance (instantiate $n ${args})) ${LIFT}`

function expectOrder(plan: LinkPlan): void {
  for (const [index, instance] of plan.instances.entries()) {
    const earlier =
      instance.kind === 'module'
        ? Object.values(instance.args)
        : Object.values(instance.items).flatMap((item) => (item.kind === 'core' ? [item.ref.instance] : []))
    expect(earlier.every((other) => other < index)).toBe(true)
  }
}

// Built here because the first time takes longer than a test may.
beforeAll(async () => {
  await Promise.all([quickJsEcho(), starlingMonkeyEcho(), starlingMonkeyFetch()])
})

describe('the link plan', () => {
  it('of a component with one module has that module and its way in', async () => {
    const { plan, meta } = deriveComponent(await echoComponent())
    const { event } = plan.exports
    expect(event?.func.name).toBe('handle')
    expect(event?.memory?.name).toBe('memory')
    expect(event?.realloc?.name).toBe('cabi_realloc')
    expect(event?.postReturn?.name).toBe('cabi_post_handle')
    expect(hostImports(plan)).toEqual([])
    expect(meta).toMatchObject({ imports: [], exports: ['handle'], runtime: undefined })
    expectOrder(plan)
  })

  it('of a QuickJS component joins its inner components and gives what only traps as a trap', async () => {
    const { plan, modules, meta } = deriveComponent(await quickJsEcho())
    expectOrder(plan)
    expect(plan.exports.event?.func.name).toBe('handle')
    expect(meta.exports).toEqual(['init', 'handle'])
    expect(new Set(hostImports(plan).map((item) => item.interface.split(':')[0]))).toEqual(new Set(['wasi']))
    const traps = plan.instances.flatMap((instance) =>
      instance.kind === 'exports'
        ? Object.values(instance.items).filter((item) => item.kind === 'core' && item.ref.name === 'trap')
        : [],
    )
    expect(traps).toHaveLength(2)
    expect(modules.every((bytes) => WebAssembly.validate(bytes))).toBe(true)
  })

  it('of a StarlingMonkey component names every import with interface, version, name and core signature', async () => {
    const { plan } = deriveComponent(await starlingMonkeyEcho())
    expectOrder(plan)
    expect(plan.exports.event?.func.name).toBe('handle')
    const imports = hostImports(plan)
    const write = imports.find((item) => item.kind === 'lower' && item.name === '[method]output-stream.write')
    expect(write).toMatchObject({ interface: 'wasi:io/streams', signature: 'iiii->', memory: { name: 'memory' } })
    expect(write?.version).toMatch(/^0\.2\.\d+$/)
    const now = imports.find(
      (item) => item.kind === 'lower' && item.interface === 'wasi:clocks/monotonic-clock' && item.name === 'now',
    )
    expect(now).toMatchObject({ signature: '->I', memory: undefined, realloc: undefined })
  })

  it('of a wasi:http component finds the handler behind its shim component', async () => {
    const { plan, meta } = deriveComponent(await starlingMonkeyFetch())
    expectOrder(plan)
    expect(Object.keys(plan.exports)).toEqual(['http'])
    expect(plan.exports.http?.func.name).toMatch(/^wasi:http\/incoming-handler@0\.2\.\d+#handle$/)
    expect(meta.exports).toEqual([expect.stringMatching(/^wasi:http\/incoming-handler@0\.2\.\d+$/)])
    expect(meta.imports).toContainEqual(expect.stringMatching(/^wasi:http\/types@0\.2\.\d+$/))
  })

  it('drops a resource by the interface that defines it, whichever interface it was used through', async () => {
    const { plan } = deriveComponent(await starlingMonkeyFetch())
    const drops = hostImports(plan).flatMap((item) =>
      item.kind === 'resource.drop' ? [`${item.interface}#${item.resource}`] : [],
    )
    expect(drops).toContain('wasi:io/streams#input-stream')
    expect(drops).toContain('wasi:io/poll#pollable')
    expect(drops).not.toContain('wasi:http/types#input-stream')
    expect(drops).not.toContain('wasi:http/types#pollable')
  })

  it('is plain data', async () => {
    const { plan } = deriveComponent(await starlingMonkeyEcho())
    expect(JSON.parse(JSON.stringify(plan))).toEqual(JSON.parse(JSON.stringify(structuredClone(plan))))
  })

  it('holds the same for text that is written by hand', async () => {
    const { plan } = deriveComponent(await componentText(`(component ${CORE} ${LIFT})`))
    expect(plan.instances).toEqual([{ kind: 'module', module: 0, args: {} }])
    expect(plan.exports.event?.func).toEqual({ instance: 0, name: 'handle' })
  })
})

describe('a component that is refused', () => {
  it('because it exports nothing callable says what it exports and what could be called', async () => {
    const message = await refused(`${CORE} (type $t (func (result u32)))
      (core module $n (func (export "f") (result i32) (i32.const 1)))
      (core instance $j (instantiate $n))
      (func $f (type $t) (canon lift (core func $j "f")))
      (export "compute" (func $f))`)
    expect(message).toContain('it exports "compute"')
    expect(message).toContain('handle: func(list<u8>) -> result<list<u8>, list<u8>>')
    expect(message).toContain('wasi:http/incoming-handler@0.2.x')
  })

  it('because it is a command says that no trigger calls one', async () => {
    const message = await refused(`
      (core module $m (func (export "run") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (type $t (func (result (result))))
      (func $run (type $t) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.7" (instance $r))`)
    expect(message).toContain('"wasi:cli/run@0.2.7" is a command, which no trigger calls')
  })

  it('because its handle has another type says which type is wanted', async () => {
    const message = await refused(`${CORE}
      (type $t (func (param "event" string) (result (result (list u8) (error (list u8))))))
      (func $handle (type $t) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
      (export "handle" (func $handle))`)
    expect(message).toContain('"handle" is not of type func(list<u8>) -> result<list<u8>, list<u8>>')
  })

  it('because it imports unknown functions lists all of them, resources included', async () => {
    const bytes = await componentText(`(component
      (import "acme:files/store@1.2.0" (instance $store
        (export "blob" (type (sub resource)))
        (export "open" (func (param "name" u32) (result u32)))))
      (import "shout" (func $shout (param "n" u32)))
      (alias export $store "open" (func $open)) (alias export $store "blob" (type $blob))
      (core func $open-core (canon lower (func $open)))
      (core func $shout-core (canon lower (func $shout)))
      (core func $drop (canon resource.drop $blob))
      (core module $m
        (import "h" "open" (func (param i32) (result i32)))
        (import "h" "shout" (func (param i32)))
        (import "h" "drop" (func (param i32)))
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "handle") (param i32 i32) (result i32) (i32.const 16)))
      (core instance $h (export "open" (func $open-core)) (export "shout" (func $shout-core)) (export "drop" (func $drop)))
      (core instance $i (instantiate $m (with "h" (instance $h))))
      ${LIFT})`)
    const { plan } = deriveComponent(bytes)
    expect(() => requireSupport(plan, () => false)).toThrow(
      'acme:files/store@1.2.0#[resource-drop]blob, acme:files/store@1.2.0#open, shout',
    )
    expect(() => requireSupport(plan, (item) => item.interface !== '')).toThrow(/does not have: shout$/)
    expect(() => requireSupport(plan, () => true)).not.toThrow()
  })

  it('because it calls from one inner component into another names the function', async () => {
    const message = await refused(`
      (component $callee ${CORE}
        (type $f (func (param "a" (list u8)) (result (result (list u8) (error (list u8))))))
        (func $f (type $f) (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
        (export "f" (func $f)))
      (instance $c (instantiate $callee))
      (component $caller
        (import "f" (func $f (param "a" (list u8)) (result (result (list u8) (error (list u8))))))
        ${CORE}
        (core func $l (canon lower (func $f) (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
        ${LIFT})
      (instance $d (instantiate $caller (with "f" (func $c "f"))))
      (export "handle" (func $d "handle"))`)
    expect(message).toContain('calls from one of its inner components into another ("handle")')
  })

  it('because it defines resources says so', async () => {
    expect(await refused(`${CORE} (type $r (resource (rep i32))) (core func (canon resource.new $r)) ${LIFT}`)).toContain(
      'resource.new is not supported',
    )
    expect(await refused(`${CORE} (type $r (resource (rep i32))) (core func (canon resource.drop $r)) ${LIFT}`)).toContain(
      'resources that the component defines itself are not supported',
    )
  })

  it('because of async or string encodings says which', async () => {
    const lift = (options: string): string => LIFT.replace('(memory', `${options} (memory`)
    expect(await refused(`${CORE} ${lift('string-encoding=utf16')}`)).toContain('string encoding utf16')
    expect(await refused(`${CORE} ${lift('async')}`)).toContain('lifted with async')
    expect(await refused(`${CORE} (core func (canon task.return (result u32))) ${LIFT}`)).toContain(
      'task.return is not supported',
    )
  })

  it('because it has a start function, values or core types names the section', async () => {
    expect(await refused(`(import "f" (func $f)) (start $f) ${CORE} ${LIFT}`)).toContain('start functions of components')
    expect(await refused(`(core type $t (func)) ${CORE} ${LIFT}`)).toContain('core types')
  })

  it('because core instances do not fit names the module, the import and what is wrong', async () => {
    const given = '(with "m" (instance $i))'
    expect(await refused(user('(import "m" "gone" (func))', given))).toContain(
      'core module 1 imports the func "m" "gone", which that instance does not have',
    )
    expect(await refused(user('(import "constructor" "name" (func))', given))).toContain('but gets no instance of that name')
    expect(await refused(user('(import "m" "memory" (func))', given))).toContain('but gets a memory')
    expect(await refused(user('(import "m" "handle" (func (param i64)))', given))).toContain('as I->, but gets ii->i')
  })

  it('because a lifted function has the wrong core type or lacks an option says which', async () => {
    expect(await refused(`${CORE} ${LIFT.replace('$i "handle"', '$i "realloc"')}`)).toContain('is iiii->i, its type wants ii->i')
    expect(await refused(`${CORE} ${LIFT.replace('(realloc (core func $i "realloc"))', '')}`)).toContain('no option realloc')
    expect(
      await refused(
        `${CORE} ${LIFT.replace('(memory (core memory $i "memory"))', '').replace('(realloc (core func $i "realloc"))', '')}`,
      ),
    ).toContain('no option memory')
  })

  it('because an index points nowhere names the index space', async () => {
    expect(await refused(`(export "handle" (func 7))`)).toContain('there is no func 7')
    expect(await refused(`(core instance (instantiate 3))`)).toContain('there is no core module 3')
    expect(await refused(`(alias outer 5 0 (type))`)).toContain('where there is none')
  })
})
