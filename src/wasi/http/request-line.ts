import { plain, type HostFunction } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { parseName } from './fields.ts'
import { INCOMING_REQUEST, OUTGOING_REQUEST, type RequestLine } from './messages.ts'
import type { Host } from '../host.ts'

/** wasi:http/types method: the cases before `other`. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']
/** wasi:http/types scheme: the cases before `other`. */
const SCHEMES = ['http', 'https']

type Property = 'pathWithQuery' | 'authority'
type Find = (host: Host, handle: number) => Readonly<RequestLine>

const incoming: Find = (host, handle) => host.table.get(handle, INCOMING_REQUEST).line
const outgoing: Find = (host, handle) => host.table.get(handle, OUTGOING_REQUEST).line

/** Stores a variant of plain cases followed by other(string): discriminant at `at`, the string four bytes on. */
function putNamed(memory: GuestMemory, at: number, cases: readonly string[], text: string): void {
  const known = cases.indexOf(text)
  if (known < 0) memory.putString(at + 4, text)
  memory.area(at, 12, 4).u8(0, known < 0 ? cases.length : known)
}

function readNamed(memory: GuestMemory, cases: readonly string[], discriminant: number, pointer: number, length: number): string {
  if (discriminant >>> 0 > cases.length) trap(`variant discriminant ${discriminant >>> 0}`)
  return cases[discriminant >>> 0] ?? memory.string(pointer, length)
}

function readOption(memory: GuestMemory, discriminant: number, pointer: number, length: number): string | undefined {
  if (discriminant >>> 0 > 1) trap(`option discriminant ${discriminant >>> 0}`)
  return discriminant === 1 ? memory.string(pointer, length) : undefined
}

function method(find: Find): HostFunction {
  return plain((host, memory) => (self: number, result: number) => putNamed(memory, result, METHODS, find(host, self).method))
}

function scheme(find: Find): HostFunction {
  return plain((host, memory) => (self: number, result: number) => {
    const value = find(host, self).scheme
    if (value !== undefined) putNamed(memory, result + 4, SCHEMES, value)
    memory.area(result, 16, 4).u8(0, value === undefined ? 0 : 1)
  })
}

function option(find: Find, property: Property): HostFunction {
  return plain((host, memory) => (self: number, result: number) => {
    const value = find(host, self)[property]
    if (value !== undefined) memory.putString(result + 4, value)
    memory.area(result, 12, 4).u8(0, value === undefined ? 0 : 1)
  })
}

/** A setter that refuses (result 1) what `pattern` does not know. */
function setOption(property: Property, pattern: RegExp): HostFunction {
  return plain((host, memory) => (self: number, discriminant: number, pointer: number, length: number) => {
    const request = host.table.get(self, OUTGOING_REQUEST)
    const value = readOption(memory, discriminant, pointer, length)
    if (value !== undefined && !pattern.test(value)) return 1
    request.setLine({ [property]: value })
    return 0
  })
}

/** The parts of a request's first line, of incoming-request and outgoing-request. */
export const requestLineFunctions: Readonly<Record<string, HostFunction>> = {
  '[method]incoming-request.method': method(incoming),
  '[method]incoming-request.scheme': scheme(incoming),
  '[method]incoming-request.authority': option(incoming, 'authority'),
  '[method]incoming-request.path-with-query': option(incoming, 'pathWithQuery'),
  '[method]outgoing-request.method': method(outgoing),
  '[method]outgoing-request.scheme': scheme(outgoing),
  '[method]outgoing-request.authority': option(outgoing, 'authority'),
  '[method]outgoing-request.path-with-query': option(outgoing, 'pathWithQuery'),
  '[method]outgoing-request.set-method': plain(
    (host, memory) => (self: number, discriminant: number, pointer: number, length: number) => {
      const request = host.table.get(self, OUTGOING_REQUEST)
      const value = readNamed(memory, METHODS, discriminant, pointer, length)
      if (parseName(new TextEncoder().encode(value)) === undefined) return 1
      request.setLine({ method: value })
      return 0
    },
  ),
  '[method]outgoing-request.set-scheme': plain(
    (host, memory) => (self: number, discriminant: number, variant: number, pointer: number, length: number) => {
      const request = host.table.get(self, OUTGOING_REQUEST)
      if (discriminant >>> 0 > 1) trap(`option discriminant ${discriminant >>> 0}`)
      const value = discriminant === 1 ? readNamed(memory, SCHEMES, variant, pointer, length) : undefined
      if (value !== undefined && !/^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(value)) return 1
      request.setLine({ scheme: value })
      return 0
    },
  ),
  '[method]outgoing-request.set-authority': setOption('authority', /^[!-~]+$/),
  '[method]outgoing-request.set-path-with-query': setOption('pathWithQuery', /^[!-~\u0080-\u{10ffff}]*$/u),
}
