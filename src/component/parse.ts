import { AmpouleError } from '../errors.ts'
import { Reader } from './reader.ts'
import { alias, anySort, coreSort, externDesc, externName, typeDef } from './parse-types.ts'
import type { CanonOptions, ComponentNode, Definition, NamedIndex, ParsedComponent, SortIndex } from './ast.ts'

/** wit-component nests two deep, a composition of compositions a few more; hostile nesting must not use up the stack. */
const MAX_DEPTH = 16

/** Definitions, fields, names … of the whole component; StarlingMonkey's has some ten thousand. */
const MAX_ELEMENTS = 1_000_000

const MAGIC = 0x6d736100
const CORE_VERSION = 1
const COMPONENT_VERSION = 0x0001000d

/** Canonical built-ins beyond lift, lower and resource.drop (component-model Binary.md, `canon`), to name what is refused. */
const BUILT_INS: Readonly<Record<number, string>> = {
  0x02: 'resource.new',
  0x04: 'resource.rep',
  0x05: 'task.cancel',
  0x06: 'subtask.cancel',
  0x07: 'resource.drop async',
  0x08: 'backpressure.set',
  0x09: 'task.return',
  0x0a: 'context.get',
  0x0b: 'context.set',
  0x0c: 'thread.yield',
  0x0d: 'subtask.drop',
  0x0e: 'stream.new',
  0x15: 'future.new',
  0x1c: 'error-context.new',
  0x1f: 'waitable-set.new',
  0x24: 'backpressure.inc',
  0x25: 'backpressure.dec',
  0x40: 'thread.spawn-ref',
  0x41: 'thread.spawn-indirect',
  0x42: 'thread.available-parallelism',
}

export type BinaryKind = 'component' | 'core module' | 'unknown'

/** What the first eight bytes say; looks at nothing else. */
export function binaryKind(bytes: Uint8Array): BinaryKind {
  if (bytes.length < 8) return 'unknown'
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  if (view.getUint32(0, true) !== MAGIC) return 'unknown'
  const version = view.getUint32(4, true)
  return version === COMPONENT_VERSION ? 'component' : version === CORE_VERSION ? 'core module' : 'unknown'
}

/**
 * Reads a component (component-model Binary.md). Throws `InvalidComponent` with the byte offset for anything that is malformed or
 * that Ampoule does not run; the bytes of core modules and custom sections are views of `bytes`.
 */
export function parseComponent(bytes: Uint8Array<ArrayBuffer>): ParsedComponent {
  const modules: { at: number; bytes: Uint8Array<ArrayBuffer> }[] = []
  const custom: { name: string; bytes: Uint8Array<ArrayBuffer> }[] = []
  const reader = new Reader(bytes, 'InvalidComponent', { left: MAX_ELEMENTS })
  return { root: component(reader, { modules, custom }, 0), modules, custom }
}

interface Found {
  readonly modules: { at: number; bytes: Uint8Array<ArrayBuffer> }[]
  readonly custom: { name: string; bytes: Uint8Array<ArrayBuffer> }[]
}

function component(reader: Reader, found: Found, depth: number): ComponentNode {
  if (depth > MAX_DEPTH) reader.fail(`components are nested more than ${MAX_DEPTH} deep`)
  const at = reader.at
  if (binaryKind(reader.bytes.subarray(at, reader.end)) !== 'component') {
    reader.fail('not a WebAssembly component of the version that is supported (0x0d, layer 1)', at)
  }
  reader.at += 8
  const definitions: Definition[] = []
  while (reader.left > 0) {
    const sectionAt = reader.at
    reader.spend(1)
    const id = reader.byte()
    const section = reader.part(reader.u32())
    switch (id) {
      case 0: {
        const name = section.name()
        if (depth === 0) found.custom.push({ name, bytes: section.bytes.subarray(section.at, section.end) })
        continue
      }
      case 1:
        definitions.push({ at: sectionAt, kind: 'core module', module: found.modules.length })
        found.modules.push({ at: section.at, bytes: section.bytes.subarray(section.at, section.end) })
        continue
      case 4:
        definitions.push({ at: sectionAt, kind: 'component', component: component(section, found, depth + 1) })
        continue
      case 2:
        items(section, definitions, coreInstance)
        break
      case 3:
        section.fail('core types of a component (core modules as imports, threads) are not supported', sectionAt)
        break
      case 5:
        items(section, definitions, instance)
        break
      case 6:
        items(section, definitions, (part, at) => ({ at, kind: 'alias', ...alias(part) }))
        break
      case 7:
        items(section, definitions, (part, at) => ({ at, kind: 'type', type: typeDef(part) }))
        break
      case 8:
        items(section, definitions, canon)
        break
      case 9:
        section.fail('start functions of components are not supported', sectionAt)
        break
      case 10:
        items(section, definitions, (part, at) => ({ at, kind: 'import', name: externName(part), desc: externDesc(part) }))
        break
      case 11:
        items(section, definitions, exported)
        break
      case 12:
        section.fail('values of components are not supported', sectionAt)
        break
      default:
        section.fail(`unknown section ${id}`, sectionAt)
    }
    section.done(`section ${id}`)
  }
  return { at, definitions }
}

function items(section: Reader, definitions: Definition[], read: (section: Reader, at: number) => Definition): void {
  const count = section.count()
  for (let i = 0; i < count; i++) definitions.push(read(section, section.at))
}

function sortIndex(reader: Reader): SortIndex {
  return { sort: anySort(reader), index: reader.u32() }
}

function coreInstance(reader: Reader, at: number): Definition {
  const form = reader.byte()
  if (form === 0x00) {
    const module = reader.u32()
    const args = reader.vector(() => {
      const name = reader.name()
      reader.expect(0x12, 'core instance')
      return { name, instance: reader.u32() }
    }, 3)
    return { at, kind: 'core instance', module, args }
  }
  if (form !== 0x01) reader.fail(`unknown core instance expression 0x${form.toString(16)}`, at)
  const items = reader.vector(
    (): NamedIndex => ({ name: reader.name(), item: { sort: `core ${coreSort(reader)}`, index: reader.u32() } }),
    3,
  )
  return { at, kind: 'core exports', items }
}

function instance(reader: Reader, at: number): Definition {
  const form = reader.byte()
  if (form === 0x00) {
    const index = reader.u32()
    return {
      at,
      kind: 'instance',
      component: index,
      args: reader.vector(() => ({ name: reader.name(), item: sortIndex(reader) }), 3),
    }
  }
  if (form !== 0x01) reader.fail(`unknown instance expression 0x${form.toString(16)}`, at)
  return { at, kind: 'instance exports', items: reader.vector(() => ({ name: externName(reader), item: sortIndex(reader) }), 4) }
}

function exported(reader: Reader, at: number): Definition {
  const name = externName(reader)
  const item = sortIndex(reader)
  const flag = reader.byte()
  if (flag > 1) reader.fail(`expected 0 or 1 (optional), found ${flag}`)
  if (flag === 1) externDesc(reader)
  return { at, kind: 'export', name, item }
}

function canon(reader: Reader, at: number): Definition {
  const form = reader.byte()
  switch (form) {
    case 0x00: {
      reader.expect(0x00, 'canon lift')
      const func = reader.u32()
      const options = canonOptions(reader)
      return { at, kind: 'lift', func, options, type: reader.u32() }
    }
    case 0x01:
      reader.expect(0x00, 'canon lower')
      return { at, kind: 'lower', func: reader.u32(), options: canonOptions(reader) }
    case 0x03:
      return { at, kind: 'resource.drop', type: reader.u32() }
    default:
      throw new AmpouleError(
        'InvalidComponent',
        `the canonical built-in ${BUILT_INS[form] ?? `0x${form.toString(16)}`} is not supported (own resources, async and threads are not) at byte ${at}`,
      )
  }
}

function canonOptions(reader: Reader): CanonOptions {
  let encoding: CanonOptions['encoding'] = 'utf8'
  let memory: number | undefined
  let realloc: number | undefined
  let postReturn: number | undefined
  const unsupported: string[] = []
  const count = reader.count()
  for (let i = 0; i < count; i++) {
    const at = reader.at
    const form = reader.byte()
    if (form === 0x00) encoding = 'utf8'
    else if (form === 0x01) encoding = 'utf16'
    else if (form === 0x02) encoding = 'latin1+utf16'
    else if (form === 0x03) memory = reader.u32()
    else if (form === 0x04) realloc = reader.u32()
    else if (form === 0x05) postReturn = reader.u32()
    else if (form === 0x06) unsupported.push('async')
    else if (form === 0x07) {
      reader.u32()
      unsupported.push('callback')
    } else reader.fail(`unsupported canonical option 0x${form.toString(16)}`, at)
  }
  return { encoding, memory, realloc, postReturn, unsupported }
}
