import type { Host } from '../host.ts'
import { plain, type HostFunction } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import {
  FIELDS,
  FieldList,
  Fields,
  HEADER_ERRORS,
  isForbidden,
  MAX_FIELDS,
  MAX_FIELDS_BYTES,
  parseName,
  parseValue,
  type HeaderError,
} from './fields.ts'

/** The longest name that is looked at; http libraries stop at the same order of magnitude. */
const MAX_NAME = 32 * 1024

/** What walking past a field, and copying it, is worth in work. */
const WALK_WORK = 4
const COPY_WORK = 128

/** The fields behind a handle, for a function that walks them all. */
function walked(host: Host, handle: number, work = WALK_WORK): Fields {
  const fields = host.table.get(handle, FIELDS)
  host.work(fields.list.entries.length * work)
  return fields
}

/** A field name as `get` and `has` want it; undefined when no field can have it. */
function readName(memory: GuestMemory, pointer: number, length: number): string | undefined {
  const bytes = memory.bytes(pointer, length)
  const name = bytes.length > MAX_NAME ? undefined : parseName(bytes)
  // a string parameter must be UTF-8 even where it is refused
  if (name === undefined) memory.string(pointer, length)
  return name
}

/** A field value; undefined when it may not be one. */
function readValue(memory: GuestMemory, pointer: number, length: number): string | undefined {
  const bytes = memory.bytes(pointer, length)
  if (bytes.length > MAX_FIELDS_BYTES) trap(`a header value of ${bytes.length} bytes, the limit is ${MAX_FIELDS_BYTES}`)
  return parseValue(bytes)
}

/** A name that may be written, or why not. */
function readNewName(memory: GuestMemory, pointer: number, length: number): string | { readonly error: HeaderError } {
  const name = readName(memory, pointer, length)
  if (name === undefined) return { error: 'invalid-syntax' }
  return isForbidden(name) ? { error: 'forbidden' } : name
}

/** result<_, header-error> */
function putHeaderResult(memory: GuestMemory, result: number, error: HeaderError | undefined): void {
  const area = memory.area(result, 2, 1)
  area.u8(0, error === undefined ? 0 : 1)
  if (error !== undefined) area.u8(1, HEADER_ERRORS[error])
}

function fromList(host: Host, memory: GuestMemory, pointer: number, length: number): FieldList | HeaderError {
  const entries = memory.list(pointer, length, 16, 4)
  const list = new FieldList()
  for (let at = 0; at < entries.byteLength; at += 16) {
    const name = readNewName(memory, entries.getUint32(at, true), entries.getUint32(at + 4, true))
    const value = readValue(memory, entries.getUint32(at + 8, true), entries.getUint32(at + 12, true))
    const error = typeof name !== 'string' ? name.error : value === undefined ? 'invalid-syntax' : undefined
    if (error !== undefined || typeof name !== 'string' || value === undefined) {
      list.release(host)
      return error ?? 'invalid-syntax'
    }
    list.append(name, value, host)
  }
  return list
}

function set(
  host: Host,
  memory: GuestMemory,
  fields: Fields,
  name: string,
  pointer: number,
  length: number,
): HeaderError | undefined {
  const list = memory.list(pointer, length, 8, 4)
  if (length >>> 0 > MAX_FIELDS) trap(`more than ${MAX_FIELDS} header fields`)
  const values: string[] = []
  for (let at = 0; at < list.byteLength; at += 8) {
    const value = readValue(memory, list.getUint32(at, true), list.getUint32(at + 4, true))
    if (value === undefined) return 'invalid-syntax'
    values.push(value)
  }
  if (fields.immutable) return 'immutable'
  fields.changes++
  fields.list.delete(name, host)
  for (const value of values) fields.list.append(name, value, host)
  return undefined
}

/** wasi:http/types fields. */
export const fieldsFunctions: Readonly<Record<string, HostFunction>> = {
  '[constructor]fields': plain((host) => () => host.table.add(new Fields(new FieldList(), false, host))),
  '[static]fields.from-list': plain((host, memory) => (pointer: number, length: number, result: number) => {
    const list = fromList(host, memory, pointer, length)
    const handle = typeof list === 'string' ? 0 : host.table.add(new Fields(list, false, host))
    const area = memory.area(result, 8, 4)
    area.u8(0, typeof list === 'string' ? 1 : 0)
    if (typeof list === 'string') area.u8(4, HEADER_ERRORS[list])
    else area.u32(4, handle)
  }),
  '[method]fields.get': plain((host, memory) => (self: number, pointer: number, length: number, result: number) => {
    const fields = walked(host, self)
    const name = readName(memory, pointer, length)
    const values = name === undefined ? [] : fields.list.values(name)
    const list = memory.allocate(values.length * 8, 4)
    for (let index = 0; index < values.length; index++) memory.putLatin1(list + index * 8, values[index] ?? '')
    memory.putPair(result, list, values.length)
  }),
  '[method]fields.has': plain((host, memory) => (self: number, pointer: number, length: number) => {
    const fields = walked(host, self)
    const name = readName(memory, pointer, length)
    return name !== undefined && fields.list.values(name).length > 0 ? 1 : 0
  }),
  '[method]fields.set': plain(
    (host, memory) =>
      (self: number, namePointer: number, nameLength: number, pointer: number, length: number, result: number) => {
        const fields = walked(host, self)
        const name = readNewName(memory, namePointer, nameLength)
        const error = typeof name === 'string' ? set(host, memory, fields, name, pointer, length) : name.error
        putHeaderResult(memory, result, error)
      },
  ),
  '[method]fields.delete': plain((host, memory) => (self: number, pointer: number, length: number, result: number) => {
    const fields = walked(host, self)
    const name = readNewName(memory, pointer, length)
    const error = typeof name !== 'string' ? name.error : fields.immutable ? 'immutable' : undefined
    if (error === undefined && typeof name === 'string') {
      fields.changes++
      fields.list.delete(name, host)
    }
    putHeaderResult(memory, result, error)
  }),
  '[method]fields.append': plain(
    (host, memory) =>
      (self: number, namePointer: number, nameLength: number, pointer: number, length: number, result: number) => {
        const fields = walked(host, self)
        const name = readNewName(memory, namePointer, nameLength)
        const value = readValue(memory, pointer, length)
        if (typeof name !== 'string') return putHeaderResult(memory, result, name.error)
        if (value === undefined) return putHeaderResult(memory, result, 'invalid-syntax')
        if (fields.immutable) return putHeaderResult(memory, result, 'immutable')
        fields.changes++
        fields.list.append(name, value, host)
        putHeaderResult(memory, result, undefined)
      },
  ),
  '[method]fields.entries': plain((host, memory) => (self: number, result: number) => {
    const { entries } = walked(host, self, COPY_WORK).list
    const pointer = memory.allocate(entries.length * 16, 4)
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]
      if (entry === undefined) continue
      memory.putLatin1(pointer + index * 16, entry[0])
      memory.putLatin1(pointer + index * 16 + 8, entry[1])
    }
    memory.putPair(result, pointer, entries.length)
  }),
  '[method]fields.clone': plain((host) => (self: number) => {
    const copy = new FieldList()
    for (const [name, value] of walked(host, self, COPY_WORK).list.entries) copy.append(name, value, host)
    return host.table.add(new Fields(copy, false, host))
  }),
}
