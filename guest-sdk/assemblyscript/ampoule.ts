/**
 * Functions for Ampoule in AssemblyScript. The function's module exports what it handles; each may be missing:
 *
 *   import { Context, Request, Response, Value } from './ampoule'
 *   export function http(request: Request, context: Context): Response { return Response.text(200, 'Hello\n') }
 *   export function invoke(payload: Value, context: Context): Value { return payload }
 *   export function queue(batch: Value, context: Context): Value …   // the event's map; answers `failures([…ids])`
 *   export function stream(batch: Value, context: Context): Value …  // the same
 *   export function scheduled(event: Value, context: Context): Value // any answer
 *
 * AssemblyScript has no exceptions: `fail(name, message)` makes the invocation one that failed, whatever is returned. What aborts is a trap.
 */

@external("wasi:cli/environment@0.2.0", "get-environment")
declare function wasi_environment(result: usize): void
@external("wasi:cli/stderr@0.2.0", "get-stderr")
declare function wasi_stderr(): u32
@external("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
declare function wasi_write(stream: u32, data: usize, length: u32, result: usize): void
@external("wasi:io/streams@0.2.0", "[resource-drop]output-stream")
declare function wasi_drop_stream(stream: u32): void
@external("wasi:clocks/wall-clock@0.2.0", "now")
declare function wasi_now(result: usize): void
@external("wasi:random/random@0.2.0", "get-random-u64")
declare function wasi_random(): u64

const scratch = memory.data(32, 8)

/** A line of the function's log. */
export function log(line: string): void {
  const bytes = String.UTF8.encode(line + '\n')
  const stream = wasi_stderr()
  // What one call of the stream takes is 4,096 bytes.
  for (let at = 0; at < bytes.byteLength; at += 4096)
    wasi_write(stream, changetype<usize>(bytes) + at, <u32>min(4096, bytes.byteLength - at), scratch)
  wasi_drop_stream(stream)
}

/** An environment variable of the function's configuration, or null. */
export function env(name: string): string | null {
  wasi_environment(scratch)
  const entries = load<u32>(scratch)
  const count = load<u32>(scratch, 4)
  for (let i: u32 = 0; i < count; i++) {
    const entry = entries + 16 * i
    if (String.UTF8.decodeUnsafe(load<u32>(entry), load<u32>(entry, 4)) == name)
      return String.UTF8.decodeUnsafe(load<u32>(entry, 8), load<u32>(entry, 12))
  }
  return null
}

/** 64 bits that nobody else gets. (`Math.random` is not seeded here: it would be the same in every invocation.) */
export function random(): u64 {
  return wasi_random()
}

/** Milliseconds since the epoch. */
export function now(): f64 {
  wasi_now(scratch)
  return <f64>load<u64>(scratch) * 1000 + <f64>load<u32>(scratch, 8) / 1e6
}

/** Called in place of AssemblyScript's abort: the author reads why before the trap. */
export function ampoule_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  log((message === null ? 'abort' : message) + ' at ' + (file === null ? '' : file) + ':' + line.toString() + ':' + column.toString())
  unreachable()
}

export enum Kind { Nil, Bool, Number, Text, Bytes, List, Map }

/** A value of JSON, with bytes beside it. */
export class Value {
  constructor(readonly kind: Kind) {}
  number: f64 = 0
  text: string = ''
  bytes: Uint8Array = new Uint8Array(0)
  items: Value[] = []
  /** Of a map, those of `items`. */
  keys: string[] = []

  static nil(): Value {
    return new Value(Kind.Nil)
  }
  static bool(value: bool): Value {
    const made = new Value(Kind.Bool)
    made.number = value ? 1 : 0
    return made
  }
  static number(value: f64): Value {
    const made = new Value(Kind.Number)
    made.number = value
    return made
  }
  static text(value: string): Value {
    const made = new Value(Kind.Text)
    made.text = value
    return made
  }
  static bytes(value: Uint8Array): Value {
    const made = new Value(Kind.Bytes)
    made.bytes = value
    return made
  }
  static list(items: Value[]): Value {
    const made = new Value(Kind.List)
    made.items = items
    return made
  }
  static map(): Value {
    return new Value(Kind.Map)
  }

  /** Adds an entry to a map. */
  set(key: string, value: Value): Value {
    this.keys.push(key)
    this.items.push(value)
    return this
  }
  /** The entry of that key; nil where there is none. */
  get(key: string): Value {
    const place = this.keys.indexOf(key)
    return place < 0 ? Value.nil() : this.items[place]
  }
}

export class Context {
  constructor(readonly id: string, readonly fn: string, readonly deadline: f64) {}
  remaining(): f64 {
    return Math.max(0, this.deadline - now())
  }
}

/** An HTTP request with all of its body. */
export class Request {
  constructor(readonly method: string, readonly url: string, readonly headers: string[][], readonly body: Uint8Array) {}

  /** As it came; `/` at least. */
  get path(): string {
    const scheme = this.url.indexOf('://')
    const start = this.url.indexOf('/', scheme < 0 ? 0 : scheme + 3)
    if (start < 0) return '/'
    let end = start
    while (end < this.url.length && this.url.charAt(end) != '?' && this.url.charAt(end) != '#') end++
    return this.url.substring(start, end)
  }

  /** The first parameter of that name, decoded, or null. */
  query(name: string): string | null {
    const url = this.url.split('#')[0]
    const start = url.indexOf('?')
    const pairs = start < 0 ? new Array<string>() : url.substring(start + 1).split('&')
    for (let i = 0; i < pairs.length; i++) {
      const equals = pairs[i].indexOf('=')
      if (decodePart(equals < 0 ? pairs[i] : pairs[i].substring(0, equals)) == name)
        return equals < 0 ? '' : decodePart(pairs[i].substring(equals + 1))
    }
    return null
  }

  /** The first header of that name (lower case), or null. */
  header(name: string): string | null {
    for (let i = 0; i < this.headers.length; i++) if (this.headers[i][0] == name) return this.headers[i][1]
    return null
  }

  get text(): string {
    return String.UTF8.decodeUnsafe(this.body.dataStart, this.body.byteLength)
  }
}

function hex(digit: u8): i32 {
  if (digit >= 48 && digit <= 57) return digit - 48
  const lower = digit | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** `+` and `%XX`; what is not hexadecimal stays as it is. */
function decodePart(part: string): string {
  const source = Uint8Array.wrap(String.UTF8.encode(part))
  const out = new Uint8Array(source.length)
  let length = 0
  for (let i = 0; i < source.length; i++) {
    const escaped = source[i] == 37 && i + 2 < source.length && hex(source[i + 1]) >= 0 && hex(source[i + 2]) >= 0
    out[length++] = escaped ? <u8>((hex(source[i + 1]) << 4) | hex(source[i + 2])) : source[i] == 43 ? 32 : source[i]
    if (escaped) i += 2
  }
  return String.UTF8.decodeUnsafe(out.dataStart, length)
}

export class Response {
  headers: string[][] = []
  body: Uint8Array = new Uint8Array(0)
  constructor(readonly status: i32) {}

  static text(status: i32, body: string): Response {
    const response = new Response(status)
    response.headers.push(['content-type', 'text/plain; charset=utf-8'])
    response.body = Uint8Array.wrap(String.UTF8.encode(body))
    return response
  }
  static bytes(status: i32, type: string, body: Uint8Array): Response {
    const response = new Response(status)
    response.headers.push(['content-type', type])
    response.body = body
    return response
  }
}

/** The answer to a batch: messages to come again, or the first failed record. */
export function failures(ids: string[]): Value {
  const list = new Array<Value>()
  for (let i = 0; i < ids.length; i++) list.push(Value.map().set('id', Value.text(ids[i])))
  return Value.map().set('failures', Value.list(list))
}

let failure: Value | null = null

/** Makes the invocation one that failed; the author's log has name and message. */
export function fail(name: string, message: string): void {
  failure = Value.map().set('name', Value.text(name)).set('message', Value.text(message)).set('stack', Value.text(''))
}

class Handlers {
  http: ((request: Request, context: Context) => Response) | null = null
  invoke: ((payload: Value, context: Context) => Value) | null = null
  queue: ((batch: Value, context: Context) => Value) | null = null
  stream: ((batch: Value, context: Context) => Value) | null = null
  scheduled: ((event: Value, context: Context) => Value) | null = null
}

/** What the function's module exports; the build fills it in. */
export const handlers = new Handlers()

// The host refuses deeper answers as well.
const MAX_DEPTH = 64

/** MessagePack without extension types; lengths are checked against what is left. After a failure every read yields nil or nothing. */
class Reader {
  failed: bool = false
  constructor(private at: usize, private readonly end: usize) {}

  get done(): bool {
    return this.at == this.end
  }

  private take(length: u32): usize {
    if (this.failed || <u32>(this.end - this.at) < length) {
      this.failed = true
      return 0
    }
    this.at += length
    return this.at - length
  }

  private unsigned(size: u32): u64 {
    const at = this.take(size)
    let value: u64 = 0
    if (!this.failed) for (let i: u32 = 0; i < size; i++) value = (value << 8) | load<u8>(at + i)
    return value
  }

  private text(length: u32): string {
    const at = this.take(length)
    return this.failed ? '' : String.UTF8.decodeUnsafe(at, length)
  }

  private counted(items: u32, bytesEach: u32): u32 {
    // Every item takes that much at least, so a larger count is a lie.
    if (<u64>items * bytesEach > <u64>(this.end - this.at)) this.failed = true
    return this.failed ? 0 : items
  }

  value(depth: i32): Value {
    const code = <u32>this.unsigned(1)
    if (depth > MAX_DEPTH) this.failed = true
    if (this.failed) return Value.nil()
    if (code < 0x80) return Value.number(<f64>code)
    if (code >= 0xe0) return Value.number(<f64>(<i32>code - 0x100))
    if (code < 0x90) return this.map(code & 15, depth)
    if (code < 0xa0) return this.list(code & 15, depth)
    if (code < 0xc0) return Value.text(this.text(code & 31))
    if (code == 0xc0) return Value.nil()
    if (code == 0xc2 || code == 0xc3) return Value.bool(code == 0xc3)
    if (code >= 0xc4 && code <= 0xc6) {
      const length = <u32>this.unsigned(1 << (code - 0xc4))
      const at = this.take(length)
      const bytes = new Uint8Array(this.failed ? 0 : length)
      if (!this.failed) memory.copy(bytes.dataStart, at, length)
      return Value.bytes(bytes)
    }
    if (code == 0xca) return Value.number(<f64>reinterpret<f32>(<u32>this.unsigned(4)))
    if (code == 0xcb) return Value.number(reinterpret<f64>(this.unsigned(8)))
    if (code >= 0xcc && code <= 0xcf) return Value.number(<f64>this.unsigned(1 << (code - 0xcc)))
    if (code >= 0xd0 && code <= 0xd3) {
      const size: u32 = 1 << (code - 0xd0)
      const unused = <u64>(64 - 8 * size)
      return Value.number(<f64>(<i64>(this.unsigned(size) << unused) >> <i64>unused))
    }
    if (code >= 0xd9 && code <= 0xdb) return Value.text(this.text(<u32>this.unsigned(1 << (code - 0xd9))))
    if (code == 0xdc || code == 0xdd) return this.list(<u32>this.unsigned(2 << (code - 0xdc)), depth)
    if (code == 0xde || code == 0xdf) return this.map(<u32>this.unsigned(2 << (code - 0xde)), depth)
    this.failed = true
    return Value.nil()
  }

  private list(count: u32, depth: i32): Value {
    const list = Value.list(new Array<Value>())
    const items = this.counted(count, 1)
    for (let i: u32 = 0; i < items && !this.failed; i++) list.items.push(this.value(depth + 1))
    return list
  }

  private map(count: u32, depth: i32): Value {
    const map = Value.map()
    const entries = this.counted(count, 2)
    for (let i: u32 = 0; i < entries && !this.failed; i++) {
      const key = this.value(depth + 1)
      if (key.kind != Kind.Text) this.failed = true
      map.set(key.text, this.value(depth + 1))
    }
    return map
  }
}

class Writer {
  private bytes: Uint8Array = new Uint8Array(512)
  length: i32 = 0

  private reserve(more: i32): usize {
    if (this.length + more > this.bytes.length) {
      const grown = new Uint8Array(max(this.bytes.length * 2, this.length + more))
      memory.copy(grown.dataStart, this.bytes.dataStart, this.length)
      this.bytes = grown
    }
    this.length += more
    return this.bytes.dataStart + this.length - more
  }

  private head(code: u8, length: i32): void {
    const at = this.reserve(5)
    store<u8>(at, code)
    store<u32>(at, bswap<u32>(length), 1)
  }

  private text(text: string): void {
    const bytes = String.UTF8.encode(text)
    this.head(0xdb, bytes.byteLength)
    memory.copy(this.reserve(bytes.byteLength), changetype<usize>(bytes), bytes.byteLength)
  }

  value(value: Value): void {
    switch (value.kind) {
      case Kind.Bool:
        store<u8>(this.reserve(1), value.number == 0 ? 0xc2 : 0xc3)
        break
      case Kind.Number: {
        const at = this.reserve(9)
        const whole = <i64>value.number
        const isWhole = Math.abs(value.number) < 9e15 && <f64>whole == value.number
        store<u8>(at, isWhole ? 0xd3 : 0xcb)
        store<u64>(at, bswap<u64>(isWhole ? <u64>whole : reinterpret<u64>(value.number)), 1)
        break
      }
      case Kind.Text:
        this.text(value.text)
        break
      case Kind.Bytes:
        this.head(0xc6, value.bytes.length)
        memory.copy(this.reserve(value.bytes.length), value.bytes.dataStart, value.bytes.length)
        break
      case Kind.List:
        this.head(0xdd, value.items.length)
        for (let i = 0; i < value.items.length; i++) this.value(value.items[i])
        break
      case Kind.Map:
        this.head(0xdf, value.items.length)
        for (let i = 0; i < value.items.length; i++) {
          this.text(value.keys[i])
          this.value(value.items[i])
        }
        break
      default:
        store<u8>(this.reserve(1), 0xc0)
    }
  }

  get start(): usize {
    return this.bytes.dataStart
  }
}

function readRequest(event: Value): Request {
  const headers = new Array<string[]>()
  const list = event.get('headers').items
  for (let i = 0; i < list.length; i++) {
    const pair = list[i].items
    if (pair.length == 2) headers.push([pair[0].text, pair[1].text])
  }
  return new Request(event.get('method').text, event.get('url').text, headers, event.get('body').bytes)
}

function respond(response: Response): Value {
  const headers = new Array<Value>()
  for (let i = 0; i < response.headers.length; i++)
    headers.push(Value.list([Value.text(response.headers[i][0]), Value.text(response.headers[i][1])]))
  return Value.map()
    .set('status', Value.number(<f64>response.status))
    .set('headers', Value.list(headers))
    .set('body', Value.bytes(response.body))
}

function unsupported(kind: string): Value {
  fail('UnsupportedEvent', 'the function has no handler for ' + kind + ' events: export function ' + kind + '(…)')
  return Value.nil()
}

function answer(event: Value): Value {
  const kind = event.get('type').text
  const context = new Context(event.get('id').text, event.get('fn').text, event.get('deadline').number)
  if (kind == 'warm') return Value.nil()
  if (kind == 'http') {
    const handler = handlers.http
    return handler === null ? unsupported(kind) : respond(handler(readRequest(event), context))
  }
  if (kind == 'invoke') {
    const handler = handlers.invoke
    return handler === null ? unsupported(kind) : Value.map().set('payload', handler(event.get('payload'), context))
  }
  const handler = kind == 'queue' ? handlers.queue : kind == 'stream' ? handlers.stream : kind == 'scheduled' ? handlers.scheduled : null
  return handler === null ? unsupported(kind) : handler(event, context)
}

// What the host holds an address of: the collector must find it.
let held = new Array<ArrayBuffer>()
let output: Writer | null = null
const result = memory.data(12, 4)

// oxlint-disable-next-line
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align
  const block = new ArrayBuffer(<i32>size)
  if (old != 0) memory.copy(changetype<usize>(block), old, oldSize)
  held.push(block)
  return changetype<usize>(block)
}

export function handle(at: usize, length: usize): usize {
  failure = null
  const reader = new Reader(at, at + length)
  const event = reader.value(0)
  const isEvent = !reader.failed && reader.done && event.kind == Kind.Map
  if (!isEvent) fail('InvalidEvent', 'the event is not the MessagePack that docs/events.md describes')
  const value = isEvent ? answer(event) : Value.nil()
  const failed = failure
  const writer = new Writer()
  writer.value(failed === null ? value : failed)
  output = writer
  store<u32>(result, failed === null ? 0 : 1)
  store<u32>(result, <u32>writer.start, 4)
  store<u32>(result, <u32>writer.length, 8)
  return result
}

export function cabi_post_handle(_: usize): void {
  held = []
  output = null
}
